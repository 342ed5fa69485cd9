// The threat "rate limit evasion": a client that would be counted as many, or under another's name.
import assert from "node:assert/strict";
import { connect } from "node:http2";
import { once } from "node:events";
import { describe, it, type TestContext } from "node:test";
import { type OpenedRest, openRest } from "../api/rest/open-rest.ts";

const BURST = 3;
const PATH = "/v1/payments/status/order/none";

function open(t: TestContext, trustedHops: number): Promise<OpenedRest> {
  return openRest(t, { rateLimit: { perMinute: BURST, burstPer10s: BURST }, trustedHops });
}

/** How many of the calls were served rather than told that there were too many. */
async function countServed(rest: OpenedRest, calls: readonly Record<string, string>[]): Promise<number> {
  let served = 0;
  for (const headers of calls) {
    const { status } = await rest.ask("GET", PATH, { headers });
    assert.ok(status === 404 || status === 429, `${status}`);
    if (status === 404) served += 1;
  }
  return served;
}

function many(write: (n: number) => Record<string, string>): Record<string, string>[] {
  return Array.from({ length: BURST * 4 }, (_, n) => write(n));
}

const HEADERS = [
  "x-forwarded-for",
  "x-real-ip",
  "forwarded",
  "true-client-ip",
  "cf-connecting-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "fastly-client-ip",
  "x-forwarded",
  "x-forwarded-host",
];

/** Each has an address of its own. */
const NAMES: Readonly<Record<string, (n: number) => string>> = {
  "an IPv6 network of 64 bits": (n) => `2001:db8:1:2:${n}::${n}`,
  "an IPv6 address in several spellings": (n) => (n % 2 === 0 ? "2001:DB8:0:0:0:0:0:1" : "2001:db8::1"),
  "an IPv4 address, also as one of IPv6": (n) => (n % 2 === 0 ? "203.0.113.9" : "::ffff:203.0.113.9"),
  "an IPv4 address, also as one of IPv6 in hex": (n) => (n % 2 === 0 ? "203.0.113.10" : "::ffff:cb00:710a"),
  "an IPv4 address with the port that a proxy adds": (n) => `203.0.113.11:${40_000 + n}`,
  "an IPv6 address with the port that a proxy adds": (n) => `[2001:db8:2::1]:${40_000 + n}`,
  "an IPv6 address in brackets": (n) => (n % 2 === 0 ? "[2001:db8:3::1]" : "2001:db8:3::1"),
};

describe("rate limit evasion:", () => {
  it("without trusted proxies every header that names a client is anybody's word", async (t) => {
    const rest = await open(t, 0);
    const calls = HEADERS.flatMap((name) =>
      Array.from({ length: BURST }, (_, n) => ({ [name]: name === "forwarded" ? `for=10.0.0.${n}` : `10.0.0.${n}` })),
    );
    assert.equal(await countServed(rest, calls), BURST);
  });

  it("behind one proxy what the client wrote itself is not believed", async (t) => {
    const rest = await open(t, 1);
    assert.equal(
      await countServed(
        rest,
        many((n) => ({ "x-forwarded-for": `10.1.1.${n}, 203.0.113.7` })),
      ),
      BURST,
    );
    assert.equal(await countServed(rest, [{ "x-forwarded-for": "10.1.1.1, 203.0.113.8" }]), 1);
  });

  it("behind two proxies the client is the one that the first of them saw", async (t) => {
    const rest = await open(t, 2);
    const spoofed = many((n) => ({ "x-forwarded-for": `10.1.1.${n}, 203.0.113.7, 192.0.2.${n}` }));
    assert.equal(await countServed(rest, spoofed), BURST);
    assert.equal(await countServed(rest, [{ "x-forwarded-for": "10.1.1.1, 203.0.113.8, 192.0.2.1" }]), 1);
  });

  it("a header of a thousand addresses is one client, and is answered", async (t) => {
    const rest = await open(t, 1);
    const list = Array.from({ length: 1_000 }, (_, n) => `10.${n >> 8}.${n & 255}.1`);
    const calls = many((n) => ({ "x-forwarded-for": [...list.slice(n), "203.0.113.7"].join(",") }));
    assert.equal(await countServed(rest, calls), BURST);
  });

  it("one client is counted as one, however its address is written", async (t) => {
    const rest = await open(t, 1);
    for (const [what, write] of Object.entries(NAMES)) {
      const calls = many((n) => ({ "x-forwarded-for": write(n) }));
      assert.equal(await countServed(rest, calls), BURST, what);
    }
  });

  it("two clients of IPv4 are two, also where they are written as IPv6", async (t) => {
    const rest = await open(t, 1);
    assert.equal(
      await countServed(
        rest,
        many(() => ({ "x-forwarded-for": "::ffff:203.0.113.1" })),
      ),
      BURST,
    );
    assert.equal(
      await countServed(
        rest,
        many(() => ({ "x-forwarded-for": "::ffff:203.0.113.2" })),
      ),
      BURST,
    );
  });

  it("another connection, version of HTTP, path or method is the same client", async (t) => {
    const rest = await open(t, 0);
    const session = connect(rest.url);
    t.after(() => session.destroy());
    const overHttp2 = async (path: string): Promise<unknown> => {
      const stream = session.request({ ":path": path });
      const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
      stream.resume();
      return headers[":status"];
    };
    assert.equal(await overHttp2(PATH), 404);
    assert.equal((await rest.ask("GET", `${PATH}/`)).status, 404);
    assert.equal((await rest.ask("GET", "/v1/payments?pageSize=1")).status, 200);
    for (const path of [PATH, `${PATH}?x=1`, "/v1/payments"]) assert.equal(await overHttp2(path), 429, path);
    const headers = { connection: "close" };
    for (const [method, path] of [
      ["GET", PATH],
      ["HEAD", PATH],
      ["POST", "/v1/payments/session"],
    ] as const)
      assert.equal((await rest.ask(method, path, { headers })).status, 429, `${method} ${path}`);
  });
});
