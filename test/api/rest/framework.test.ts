import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { after, suite, test } from "node:test";
import type { Authenticate } from "../../../src/api/auth.ts";
import type { Dialect, RestContext } from "../../../src/api/rest/dialect.ts";
import { readBody, readText } from "../../../src/api/json/fields.ts";
import { textParameter } from "../../../src/api/rest/parameters.ts";
import { STATUSES } from "../../../src/api/json/statuses.ts";
import { DatabaseUnavailable } from "../../../src/db/named-query.ts";
import { accept, type Reason, refuse } from "../../../src/domain/error.ts";
import { stripeSignature } from "../../support/stripe-signature.ts";
import { WEBHOOK_SECRET } from "../../app/open-service.ts";
import { openRest } from "./open-rest.ts";

const met = new EventEmitter();

/** A dialect that says everything in its own way. */
const SHOUTING: Dialect = {
  name: "shouting",
  description: "Routes to try the framework with.",
  describeRefusal: ({ refusal, status, now }) => ({
    status: refusal.reason === "ORDER_NOT_PAYABLE" ? 418 : status,
    body: { shout: refusal.message.toUpperCase(), why: refusal.reason, at: now.toISOString() },
  }),
  register(app, context: RestContext) {
    app.post(
      "/shout/echo",
      {},
      context.serve(async ({ request, requestId, caller }) => {
        const body = readBody(request);
        if (!body.ok) return body;
        const said = readText(body.value, "said");
        if (!said.ok) return said;
        const { role, principal } = caller;
        return accept({
          status: 201,
          body: { said: said.value, price: JSON.rawJSON("10.10"), requestId, role, principal },
        });
      }),
    );
    app.get(
      "/shout/refuse/:reason",
      {},
      context.servePublic(async (request) =>
        refuse(textParameter(request, "reason") as Reason, "no", { retryAfterMs: 1_500 }),
      ),
    );
    app.get("/shout/fail", {}, () => {
      throw new Error("the password is hunter2");
    });
    app.get("/shout/away", {}, () => {
      throw new DatabaseUnavailable("the database is away", false, null);
    });
    app.get(
      "/shout/unlimited",
      { config: { unlimited: true } },
      context.servePublic(async () => accept({ status: 200, body: {} })),
    );
    app.get(
      "/shout/wait",
      {},
      context.serve(async ({ caller }) => {
        met.emit("waiting");
        await once(caller.signal, "abort");
        met.emit("gone");
        return accept({ status: 200, body: {} });
      }),
    );
    context.receiveWebhooks(app, "/shout/webhook", { tags: ["shouting"] });
  },
};

const opened = await openRest({ after }, { dialects: [SHOUTING] });
const { ask, port, url, service, logged } = opened;

async function sendRaw(bytes: string | readonly (string | Buffer)[]): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1" });
  const answer = text(socket);
  for (const part of typeof bytes === "string" ? [bytes] : bytes) socket.write(part);
  socket.end();
  return answer;
}

test("an answer keeps its numbers, the caller and the request id are known", async () => {
  const {
    status,
    text: sent,
    headers,
  } = await ask("POST", "/shout/echo", {
    body: { said: "hé" },
    headers: { "idempotency-key": '"k-1"' },
  });
  assert.equal(status, 201);
  assert.equal(sent, '{"said":"hé","price":10.10,"requestId":"k-1","role":"admin","principal":"anonymous"}');
  assert.equal(headers.get("content-type"), "application/json; charset=utf-8");
  assert.equal(headers.get("cache-control"), "no-store");
});

test("a bad Idempotency-Key is refused", async () => {
  const { status, body } = await ask("POST", "/shout/echo", {
    body: { said: "a" },
    headers: { "idempotency-key": "a b" },
  });
  assert.deepEqual([status, body.why], [400, "INVALID_ARGUMENT"]);
  assert.match(body.shout, /IDEMPOTENCY-KEY/);
});

suite("what cannot be read is the caller's fault, in the dialect's words", () => {
  const json = { "content-type": "application/json" };
  const cases: readonly (readonly [
    string,
    number,
    { readonly body?: string; readonly headers?: Record<string, string> },
  ])[] = [
    ["broken JSON", 400, { body: "{" }],
    ["an empty JSON body where a field is needed", 400, { headers: json, body: "" }],
    ["no body where a field is needed", 400, {}],
    ["a list", 400, { body: "[]" }],
    ["a text", 400, { body: '"said"' }],
    ["null", 400, { body: "null" }],
    ["nesting", 400, { body: "[".repeat(50_000) }],
    ["the prototype's keys", 400, { body: '{"__proto__":{"said":"a"}}' }],
    ["text/plain", 415, { body: "{}", headers: { "content-type": "text/plain" } }],
    ["a form", 415, { body: "said=a", headers: { "content-type": "application/x-www-form-urlencoded" } }],
    ["a content type that is none", 415, { body: "{}", headers: { "content-type": "json" } }],
    ["65 KiB", 413, { body: JSON.stringify({ said: "a".repeat(65 * 1024) }) }],
    ["1 MB", 413, { body: JSON.stringify({ said: "a".repeat(1_000_000) }) }],
  ];
  for (const [name, expected, asked] of cases) {
    test(`${name}: ${expected}`, async () => {
      const { status, body } = await ask("POST", "/shout/echo", asked);
      assert.equal(status, expected);
      assert.equal(body.why, "INVALID_ARGUMENT");
      assert.equal(body.shout, body.shout.toUpperCase());
    });
  }

  test("a JSON content type with a charset, and 60 KiB, are fine", async () => {
    const { status } = await ask("POST", "/shout/echo", {
      body: JSON.stringify({ said: "a".repeat(60_000) }),
      headers: { "content-type": "application/json; charset=utf-8" },
    });
    assert.equal(status, 201);
  });

  test("the answer to a body that is too large arrives while it is still being sent, chunked or announced", async () => {
    const head = "POST /shout/echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    const chunk = `10000\r\n${"x".repeat(0x1_0000)}\r\n`;
    for (const parts of [
      [`${head}transfer-encoding: chunked\r\n\r\n`, ...Array<string>(40).fill(chunk), "0\r\n\r\n"],
      [`${head}content-length: 4000000\r\n\r\n`, ...Array<string>(40).fill("x".repeat(100_000))],
    ]) {
      const socket = connect({ port, host: "127.0.0.1" });
      const answered = once(socket, "data");
      for (const part of parts) await new Promise((sent) => socket.write(part, sent));
      assert.match(String((await answered)[0]), /^HTTP\/1.1 413 /);
      socket.destroy();
    }
  });

  test("after a refused body the connection serves the next request", async () => {
    const large = JSON.stringify({ said: "a".repeat(100_000) });
    const post = (body: string, more = ""): string =>
      `POST /shout/echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;
    const answers = await sendRaw(post(large) + post('{"said":"b"}', "connection: close\r\n"));
    assert.match(answers, /^HTTP\/1.1 413 .*HTTP\/1.1 201 /s);
  });

  test("a body that ends early, a URL that is none, a path with a zero byte: 4xx, and nothing is logged as a failure", async () => {
    const head = "POST /shout/echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    await sendRaw(`${head}content-length: 50\r\n\r\n{"said"`);
    assert.match(
      await sendRaw("GET /shout/refuse/%zz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
      /^HTTP\/1.1 400 /,
    );
    assert.match(await sendRaw("GET /shout/%00 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"), /^HTTP\/1.1 404 /);
    assert.match(
      await sendRaw(`GET /shout/refuse/${"a".repeat(3_000)} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`),
      /^HTTP\/1.1 4\d\d /,
    );
    assert.deepEqual(
      logged.filter(({ level }) => Number(level) >= 50),
      [],
    );
  });
});

suite("paths", () => {
  test("a path that is not served is 404 in the canonical form", async () => {
    const { status, body } = await ask("GET", "/shout");
    assert.deepEqual([status, body.reason, body.outcome], [404, "INVALID_ARGUMENT", "NOT_ATTEMPTED"]);
  });

  test("a known path with another method is 405, says which there are, in the dialect's words", async () => {
    for (const method of ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const { status, headers, body } = await ask(method, "/shout/echo");
      assert.deepEqual([method, status, headers.get("allow"), body.why], [method, 405, "POST", "INVALID_ARGUMENT"]);
    }
    const { status, headers } = await ask("POST", "/shout/refuse/INTERNAL");
    assert.deepEqual([status, headers.get("allow")], [405, "GET, HEAD"]);
  });

  test("a slash at the end changes nothing, and HEAD is GET without its body", async () => {
    assert.equal((await ask("GET", "/shout/unlimited/")).status, 200);
    const head = await ask("HEAD", "/shout/unlimited");
    assert.deepEqual([head.status, head.text], [200, ""]);
  });

  test("an RPC that there is not is answered by the RPC port, as before", async () => {
    const { status, body } = await ask("POST", "/payment.v9.PaymentService/CreatePayment", { body: {} });
    assert.deepEqual([status, body.code], [404, "unimplemented"]);
  });
});

test("a page of an allowed origin may send a request id, and reads what the answer says beside its body", async () => {
  const origin = "https://shop.example";
  const preflight = await ask("OPTIONS", "/shout/echo", {
    headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "idempotency-key" },
  });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /Authorization, Idempotency-Key/);
  const answer = await ask("POST", "/shout/echo", { body: { said: "a" }, headers: { origin } });
  assert.equal(answer.headers.get("access-control-allow-origin"), origin);
  assert.match(
    answer.headers.get("access-control-expose-headers") ?? "",
    /Idempotent-Replayed, Retry-After, X-RateLimit-/,
  );
});

suite("refusals and failures", () => {
  for (const [reason, expected] of Object.entries(STATUSES)) {
    test(`${reason} is ${reason === "ORDER_NOT_PAYABLE" ? "what the dialect says" : expected}`, async () => {
      const { status, body, headers } = await ask("GET", `/shout/refuse/${reason}`);
      assert.equal(status, reason === "ORDER_NOT_PAYABLE" ? 418 : expected);
      assert.equal(body.why, reason);
      assert.equal(headers.get("retry-after"), "2");
      assert.equal(headers.get("www-authenticate"), reason === "UNAUTHENTICATED" ? "Bearer" : null);
    });
  }

  test("a failure is 500; its cause is in the log and nowhere else", async () => {
    const { status, body, text: sent } = await ask("GET", "/shout/fail");
    assert.deepEqual([status, body.why], [500, "INTERNAL"]);
    assert.doesNotMatch(sent, /hunter2/i);
    const line = logged.find(({ msg }) => msg === "call failed");
    assert.equal(line?.["route"], "/shout/fail");
    assert.match(JSON.stringify(line), /hunter2/);
  });

  test("a database that is away is 503, and the caller is told when to come back", async () => {
    const { status, body, headers } = await ask("GET", "/shout/away");
    assert.deepEqual([status, body.why, headers.get("retry-after")], [503, "SERVICE_UNAVAILABLE", "1"]);
  });
});

test("who calls is asked once, and whoever is refused gets the dialect's 401", async (t) => {
  const asked: (string | null)[] = [];
  const authenticate: Authenticate = async (authorization) => {
    asked.push(authorization);
    if (authorization !== "Bearer good") return refuse("UNAUTHENTICATED", "no token that holds");
    return accept({ role: "service", principal: "shop", customerId: null, clientToken: null });
  };
  const guarded = await openRest(t, {
    dialects: [SHOUTING],
    authenticate,
    rateLimit: { perMinute: 100, burstPer10s: 20 },
  });
  const refused = await guarded.ask("POST", "/shout/echo", { body: { said: "a" } });
  assert.deepEqual(
    [refused.status, refused.body.why, refused.headers.get("www-authenticate")],
    [401, "UNAUTHENTICATED", "Bearer"],
  );
  const served = await guarded.ask("POST", "/shout/echo", {
    body: { said: "a" },
    headers: { authorization: "Bearer good" },
  });
  assert.deepEqual(
    [served.status, served.body.principal, served.headers.get("x-ratelimit-limit")],
    [201, "shop", null],
  );
  assert.deepEqual(asked, [null, "Bearer good"]);
});

suite("HTTP/2", () => {
  test("requests, bodies, refusals and large bodies, on one cleartext connection", async () => {
    const session = connectHttp2(url);
    async function send(headers: Record<string, string>, body?: string) {
      const stream = session.request(headers, { endStream: body === undefined });
      if (body !== undefined) stream.end(body);
      const [answered] = (await once(stream, "response")) as [Record<string, string>];
      return { headers: answered, body: await text(stream) };
    }
    const post = { ":method": "POST", ":path": "/shout/echo", "content-type": "application/json" };
    const good = await send({ ...post, "idempotency-key": "k" }, '{"said":"a"}');
    assert.equal(good.headers[":status"], 201);
    assert.match(good.body, /"said":"a","price":10.10,"requestId":"k"/);
    assert.equal((await send(post, "{")).headers[":status"], 400);
    assert.equal((await send(post, JSON.stringify({ said: "a".repeat(1_000_000) }))).headers[":status"], 413);
    assert.equal((await send({ ":method": "POST", ":path": "/shout/echo" })).headers[":status"], 400);
    assert.equal((await send({ ":path": "/nothing" })).headers[":status"], 404);
    assert.equal((await send({ ":path": "/docs/" })).headers[":status"], 200);
    const script = await send({ ":path": "/docs/static/swagger-ui-bundle.js" });
    assert.ok(script.body.length > 1_000_000);
    session.close();
  });

  test("a client that goes away is heard of", async () => {
    const session = connectHttp2(url);
    const stream = session.request({ ":path": "/shout/wait" });
    await once(met, "waiting");
    const gone = once(met, "gone");
    stream.close(constants.NGHTTP2_CANCEL);
    await gone;
    session.close();
  });
});

test("a client that hangs up is heard of", async () => {
  const socket = connect({ port, host: "127.0.0.1" });
  const waiting = once(met, "waiting");
  socket.write("GET /shout/wait HTTP/1.1\r\nhost: a\r\n\r\n");
  await waiting;
  const gone = once(met, "gone");
  socket.destroy();
  await gone;
});

suite("a dialect's webhooks", () => {
  test("a signed message is received, whatever its content type", async () => {
    const body = JSON.stringify({
      id: "evt_1",
      object: "event",
      type: "customer.created",
      created: 1,
      livemode: false,
      data: { object: { id: "cus_1", object: "customer" } },
    });
    for (const type of ["application/json", "text/plain"]) {
      const { status, text: sent } = await ask("POST", "/shout/webhook", {
        body,
        headers: {
          "stripe-signature": stripeSignature(body, WEBHOOK_SECRET, new Date(service.time)),
          "content-type": type,
        },
      });
      assert.deepEqual([status, sent], [200, '{"received":true}']);
    }
  });

  test("an unsigned, an empty and a large one are refused in the dialect's words", async () => {
    const unsigned = await ask("POST", "/shout/webhook", { body: "{}" });
    assert.deepEqual([unsigned.status, unsigned.body.shout], [400, "INVALID SIGNATURE"]);
    assert.equal((await ask("POST", "/shout/webhook")).status, 400);
    assert.equal((await ask("POST", "/shout/webhook", { body: "x".repeat(300_000) })).status, 413);
  });
});

suite("rate limits", () => {
  test("both limits count at once, and the tighter one is told", async (t) => {
    const limited = await openRest(t, { dialects: [SHOUTING], rateLimit: { perMinute: 5, burstPer10s: 3 } });
    const remaining: (string | null)[] = [];
    for (let call = 0; call < 3; call += 1) {
      const { status, headers } = await limited.ask("GET", "/shout/refuse/INVALID_ARGUMENT");
      assert.equal(status, 400);
      remaining.push(`${headers.get("x-ratelimit-limit")}/${headers.get("x-ratelimit-remaining")}`);
    }
    assert.deepEqual(remaining, ["3/2", "3/1", "3/0"]);
    const { status, headers, body } = await limited.ask("POST", "/shout/echo", { body: "{" });
    assert.deepEqual([status, body.why, headers.get("x-ratelimit-remaining")], [429, "RATE_LIMITED", "0"]);
    assert.match(headers.get("x-ratelimit-reset") ?? "", /^([1-9]|10)$/);
    assert.equal(headers.get("retry-after"), headers.get("x-ratelimit-reset"));
    for (let call = 0; call < 3; call += 1) await limited.ask("GET", "/shout/fail");
    // Now the minute is used up as well, and it is what the caller has to wait for.
    const later = await limited.ask("GET", "/shout/fail");
    assert.deepEqual([later.status, later.headers.get("x-ratelimit-limit")], [429, "5"]);
    for (const path of ["/shout/unlimited", "/docs", "/openapi.json", "/health/live"]) {
      assert.equal((await limited.ask("GET", path)).status, 200);
    }
    assert.equal((await limited.ask("POST", "/shout/webhook", { body: "{}" })).status, 400);
  });

  test("X-Forwarded-For is anybody's word unless proxies are trusted, and then only theirs", async (t) => {
    const rateLimit = { perMinute: 100, burstPer10s: 1 };
    const from = (address: string) => ({ headers: { "x-forwarded-for": address } });
    const open = await openRest(t, { dialects: [SHOUTING], rateLimit });
    assert.equal((await open.ask("GET", "/shout/refuse/INTERNAL", from("10.0.0.1"))).status, 500);
    assert.equal((await open.ask("GET", "/shout/refuse/INTERNAL", from("10.0.0.2"))).status, 429);

    const behind = await openRest(t, { dialects: [SHOUTING], rateLimit, trustedHops: 1 });
    assert.equal((await behind.ask("GET", "/shout/refuse/INTERNAL", from("10.0.0.1"))).status, 500);
    assert.equal((await behind.ask("GET", "/shout/refuse/INTERNAL", from("10.0.0.2"))).status, 500);
    // What the client itself wrote comes before what the proxy added.
    assert.equal((await behind.ask("GET", "/shout/refuse/INTERNAL", from("10.9.9.9, 10.0.0.2"))).status, 429);
  });
});
