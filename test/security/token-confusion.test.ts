// The threat "token confusion": tokens that a careless service takes for good ones, at the doors as they are. The walk tries the common ones on every operation
// (authorization-walk.test.ts, issuer.ts); here are those that need more than one call to be told from good ones.
import assert from "node:assert/strict";
import { once } from "node:events";
import { generateKeyPairSync, type KeyObject, sign as signBytes } from "node:crypto";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { exportJWK } from "jose";
import pino from "pino";
import { publishedKeys } from "../../src/api/auth/keys.ts";
import { authenticateByJwt } from "../../src/api/jwt.ts";
import { callByHand, frame } from "../support/grpc-by-hand.ts";
import { CUSTOMER, type TokenTarget, World } from "./authorization-world.ts";
import { AUDIENCE, breakTokens, type Claims, Issuer, ISSUER } from "./issuer.ts";

const PATH = "/payment.v1.PaymentService/ListPayments";
const ADMIN: Claims = { sub: "root", realm_access: { roles: ["payment-admin"] } };
/** As the service has it by default (AUTH_CLOCK_SKEW_SECONDS). */
const SKEW_SECONDS = 5;
const ALGORITHMS = ["HS256", "HS384", "HS512", "RS1", "rs256", "RS256 ", "none", "nOnE", "", "dir", "EdDSA", "ES256"];
const STRANGER = generateKeyPairSync("rsa", { modulusLength: 2_048 });

let world: World;
let target: TokenTarget;
before(async () => {
  world = await World.open();
  target = await world.newTarget(CUSTOMER);
});
after(() => world.close());

/** The HTTP status and the gRPC status of a call with these headers. */
async function call(authorization: string): Promise<readonly [http: number, grpc: number]> {
  const { ports } = world;
  const answer = await fetch(`http://127.0.0.1:${ports.http.port}${PATH}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization },
    body: "{}",
  });
  const body = await answer.text();
  assert.equal(body.includes(target.paymentId), answer.status === 200);
  const { status } = await callByHand(ports.grpc.port, PATH, frame(Buffer.alloc(0)), { authorization });
  return [answer.status, status];
}

const KNOWN = [200, 0];
const UNKNOWN = [401, 16];

function encode(part: unknown): string {
  return Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");
}

/** A token put together by hand, whatever its header says. */
function assemble(header: unknown, claims: unknown, key: KeyObject = STRANGER.privateKey): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${signBytes("sha256", Buffer.from(signed), key).toString("base64url")}`;
}

async function claimsOf(): Promise<Claims> {
  const good = await world.issuer.sign(ADMIN);
  return JSON.parse(Buffer.from(good.split(".")[1] ?? "", "base64url").toString()) as Claims;
}

describe("token confusion:", () => {
  it("a good token is known at both ports, or nothing below would be shown", async () => {
    assert.deepEqual(await call(`Bearer ${await world.issuer.sign(ADMIN)}`), KNOWN);
  });

  it("every broken token is unknown at both ports", async () => {
    for (const [name, header] of await breakTokens(world.issuer)) assert.deepEqual(await call(header), UNKNOWN, name);
  });

  it("a key that the token brings, or an address where it could be fetched, is neither believed nor asked", async (t) => {
    let asked = 0;
    const listener = createServer((socket) => {
      asked += 1;
      socket.destroy();
    });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    t.after(() => listener.close());
    const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/keys`;
    const jwk = await exportJWK(STRANGER.publicKey);
    const claims = await claimsOf();
    const der = STRANGER.publicKey.export({ type: "spki", format: "der" }).toString("base64");
    const brought: readonly object[] = [
      { jwk },
      { jku: url },
      { x5u: url },
      { x5c: [der] },
      { jku: url, jwk, x5u: url, x5c: [der], kid: "key-1" },
      { kid: url },
    ];
    for (const header of brought)
      assert.deepEqual(
        await call(`Bearer ${assemble({ alg: "RS256", ...header }, claims)}`),
        UNKNOWN,
        JSON.stringify(header),
      );
    assert.equal(asked, 0);
  });

  it("a key id is a name and nothing else", async () => {
    const claims = await claimsOf();
    const kids: readonly unknown[] = [
      "../../../../dev/null",
      "/dev/null",
      "key-1\u0000",
      "key-1' or '1'='1",
      "' union select 'secret",
      "__proto__",
      "constructor",
      "",
      " key-1",
      "KEY-1",
      "key-1",
      ["key-1"],
      { $ne: null },
      1,
      null,
      true,
      "k".repeat(2_000),
    ];
    for (const kid of kids)
      assert.deepEqual(await call(`Bearer ${assemble({ alg: "RS256", kid }, claims)}`), UNKNOWN, JSON.stringify(kid));
  });

  it("what a token says must be understood is not passed over, though the issuer signed it", async () => {
    const claims = await claimsOf();
    const { privateKey } = world.issuer;
    const header = { alg: "RS256", kid: "key-1" };
    assert.deepEqual(await call(`Bearer ${assemble(header, claims, privateKey)}`), KNOWN);
    const strange: readonly object[] = [
      { crit: ["made-up"], "made-up": true },
      { crit: ["exp"], exp: 1 },
      { crit: ["alg"] },
      { crit: [] },
      { crit: "exp" },
      { crit: ["b64"], b64: false },
    ];
    for (const more of strange) {
      const token = assemble({ ...header, ...more }, claims, privateKey);
      assert.deepEqual(await call(`Bearer ${token}`), UNKNOWN, JSON.stringify(more));
    }
  });

  it("a header or claims that say a thing twice are as good as their signature", async () => {
    const claims = JSON.stringify(await claimsOf());
    for (const header of [
      `{"alg":"none","alg":"RS256"}`,
      `{"alg":"RS256","alg":"none"}`,
      `{"alg":"HS256","alg":"RS256"}`,
    ])
      assert.deepEqual(await call(`Bearer ${assemble(header, claims)}`), UNKNOWN, header);
    assert.deepEqual(await call(`Bearer ${encode(`{"alg":"none"}`)}.${encode(claims)}.`), UNKNOWN);
  });

  it("every other algorithm is refused, whoever signed", async () => {
    const claims = await claimsOf();
    for (const alg of [...ALGORITHMS, null, ["RS256"], 1])
      for (const key of [STRANGER.privateKey, world.issuer.privateKey])
        assert.deepEqual(await call(`Bearer ${assemble({ alg, kid: "key-1" }, claims, key)}`), UNKNOWN, String(alg));
    // Signed as it says, with the issuer's own key.
    for (const alg of ["RS384", "RS512", "PS384"]) {
      const token = await world.issuer.sign(ADMIN, { header: { alg, kid: "key-1" } });
      assert.deepEqual(await call(`Bearer ${token}`), UNKNOWN, alg);
    }
  });

  it("the algorithm is fixed by the service, also where the issuer's keys do not name theirs", async (t) => {
    const issuer = await Issuer.open();
    t.after(() => issuer.close());
    issuer.namesAlgorithm = false;
    const log = pino({ level: "silent" });
    const keys = publishedKeys({ url: issuer.url, log });
    const authenticate = authenticateByJwt({ keys, issuer: ISSUER, audience: AUDIENCE, log, now: () => new Date() });
    for (const [alg, isGood] of [
      ["RS256", true],
      ["RS384", false],
      ["RS512", false],
      ["PS512", false],
    ] as const) {
      const token = await issuer.sign(ADMIN, { header: { alg, kid: "key-1" } });
      assert.equal((await authenticate(`Bearer ${token}`)).ok, isGood, alg);
    }
  });

  it("times may differ by the skew that is allowed, and not by more", async () => {
    const now = Math.floor(Date.now() / 1_000);
    const room = 3;
    const cases: readonly [Claims, readonly number[]][] = [
      [{ exp: now - SKEW_SECONDS + room }, KNOWN],
      [{ exp: now - SKEW_SECONDS - 1 }, UNKNOWN],
      [{ nbf: now + SKEW_SECONDS - 1 }, KNOWN],
      [{ nbf: now + SKEW_SECONDS + 30 }, UNKNOWN],
      [{ exp: 0 }, UNKNOWN],
      [{ exp: -1 }, UNKNOWN],
      [{ exp: null as never }, UNKNOWN],
      [{ nbf: String(now) as never }, UNKNOWN],
    ];
    for (const [claims, expected] of cases) {
      const token = await world.issuer.sign({ ...ADMIN, ...claims });
      assert.deepEqual(await call(`Bearer ${token}`), expected, JSON.stringify(claims));
    }
  });

  it("a token that was good a moment ago is unknown once it has expired", async () => {
    const now = Math.floor(Date.now() / 1_000);
    const token = await world.issuer.sign({ ...ADMIN, exp: now - SKEW_SECONDS + 2 });
    const first = await call(`Bearer ${token}`);
    const deadline = Date.now() + 30_000;
    let last = first;
    while (last[0] === 200 && Date.now() < deadline) last = await call(`Bearer ${token}`);
    assert.deepEqual(last, UNKNOWN);
  });

  it("two authorization headers are none, in either order", async () => {
    const good = `authorization: Bearer ${await world.issuer.sign(ADMIN)}`;
    const bad = `authorization: Bearer ${assemble({ alg: "none" }, await claimsOf())}`;
    for (const headers of [
      [bad, good],
      [bad, "authorization: "],
      [bad, bad],
    ]) {
      const socket = connect({ port: world.ports.http.port, host: "127.0.0.1" });
      await once(socket, "connect");
      const head = [`POST ${PATH} HTTP/1.1`, "host: localhost", "content-type: application/json", "content-length: 2"];
      socket.write(`${[...head, ...headers, "connection: close"].join("\r\n")}\r\n\r\n{}`);
      assert.match(await text(socket), /^HTTP\/1\.1 4(00|01|31) /, headers.map((each) => each.slice(0, 30)).join());
    }
  });

  it("a token beyond its bound is refused before it is looked at", async () => {
    const long = assemble({ alg: "RS256", kid: "key-1" }, { ...(await claimsOf()), filler: "x".repeat(8_000) });
    assert.deepEqual(await call(`Bearer ${long}`), UNKNOWN);
  });
});
