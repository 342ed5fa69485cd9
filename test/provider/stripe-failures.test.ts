// What the provider makes of all that can go wrong between it and Stripe: done, refused, certainly not done, or unknown; and how often it asks.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { KEY, RascalBench, refundCall } from "./open-rascal.ts";
import { newCall, newPayment } from "./provider-fixtures.ts";
import { cutOff, json, type Manner, raw, reset, silence, stall, startRascal, status } from "./rascal.ts";
import { foreign, NOW } from "./stripe-objects.ts";

describe("the Stripe provider", () => {
  let bench: RascalBench;
  beforeEach(async () => {
    bench = await RascalBench.open();
  });
  afterEach(() => bench.close());

  const courses: readonly (readonly [what: string, manners: Manner[], outcome: string, requests: number])[] = [
    ["an answer", [json(foreign.refund)], "done", 1],
    ["too many requests, then an answer", [status(429), json(foreign.refund)], "done", 2],
    [
      "too many requests, told by code, then an answer",
      [status(400, { code: "rate_limit" }), json(foreign.refund)],
      "done",
      2,
    ],
    ["too many requests for ever", [status(429)], "unavailable", 3],
    ["a lock, then an answer", [status(429, { code: "lock_timeout" }), json(foreign.refund)], "done", 2],
    [
      "its own key in flight, then an answer",
      [status(409, { code: "idempotency_key_in_use" }), json(foreign.refund)],
      "done",
      2,
    ],
    ["its own key in flight for ever", [status(409, { code: "idempotency_key_in_use" })], "unknown", 3],
    ["a lost connection, then an answer", [reset, json(foreign.refund)], "done", 2],
    ["lost connections", [reset], "unknown", 3],
    ["a lost connection, then too many requests", [reset, status(429)], "unknown", 3],
    ["a lost connection, then a refused key", [reset, status(401)], "unknown", 2],
    [
      "a lost connection, then a no",
      [reset, status(400, { type: "invalid_request_error", code: "no_good" })],
      "unknown",
      2,
    ],
    ["an error of the server, then an answer", [status(500), json(foreign.refund)], "done", 2],
    ["errors of the server", [status(503)], "unknown", 3],
    ["an error that is replayed", [status(500, {}, { "idempotent-replayed": "true" })], "unknown", 1],
    ["an error that should not be repeated", [status(500, {}, { "stripe-should-retry": "false" })], "unknown", 1],
    ["a page of a proxy, then an answer", [raw("<html>Bad gateway</html>", 502), json(foreign.refund)], "done", 2],
    ["a page", [raw("<html>Welcome</html>")], "unknown", 1],
    ["a redirection", [raw("", 302, { location: "https://elsewhere.example/" })], "unknown", 1],
    ["a page that forbids", [raw("<html>Forbidden</html>", 403)], "unknown", 1],
    ["a truncated answer", [raw(JSON.stringify(foreign.refund).slice(0, 40))], "unknown", 1],
    ["an answer shorter than it said", [cutOff], "unknown", 3],
    ["nothing", [raw("")], "unknown", 1],
    ["null", [json(null)], "unknown", 1],
    ["a list", [json([foreign.refund])], "unknown", 1],
    ["an empty object", [json({})], "unknown", 1],
    ["another object", [json(foreign.intent)], "unknown", 1],
    ["an amount that is a text", [json({ ...foreign.refund, amount: "500" })], "unknown", 1],
    ["an amount that is no whole number", [json({ ...foreign.refund, amount: 5.5 })], "unknown", 1],
    ["an error that is a number", [json({ error: 5 }, 400)], "unknown", 1],
    ["an error that is a list", [json({ error: [] }, 500)], "unknown", 3],
    ["an error with a good status", [json({ error: { type: "api_error" } }, 200)], "unknown", 3],
    ["an answer without an end", [raw("x".repeat(9 * 1024 * 1024))], "unknown", 1],
    ["a key that is wrong", [status(401, { message: `Invalid API Key provided: ${KEY}` })], "unavailable", 1],
    ["a key that may not", [status(403, { message: `The key ${KEY} may not` })], "unavailable", 1],
  ];
  for (const [what, manners, outcome, requests] of courses) {
    it(`answers ${outcome} when it meets ${what}`, async () => {
      bench.rascal.behave(...manners);
      assert.deepEqual(await bench.outcomeOf(bench.provide()), [outcome, requests]);
    });
  }

  it("did nothing where it could not even be asked which intent a checkout has", async () => {
    bench.rascal.behave(reset);
    const call = newCall(newPayment(NOW, { sessionId: "cs_1" }), "REFUND", { amountMinor: 5n });
    assert.equal((await bench.provide().refund(call)).outcome, "unavailable");
    bench.rascal.behave(json(foreign.session));
    const nothing = await bench.provide().refund(call);
    assert.ok(nothing.outcome === "refused");
    assert.equal(nothing.code, "not_opened");
  });

  it("was certainly not reached where nobody listens", async () => {
    await bench.rascal.stop();
    assert.deepEqual(await bench.outcomeOf(bench.provide()), ["unavailable", 0]);
    bench.rascal = await startRascal();
  });

  it("does not wait for an answer longer than its timeout, nor than its caller", async () => {
    bench.rascal.behave(silence);
    assert.deepEqual(await bench.outcomeOf(bench.provide({ timeoutMs: 30, limits: { attemptsMax: 2 } })), [
      "unknown",
      2,
    ]);
    const leaving = new AbortController();
    const waiting = bench.outcomeOf(bench.provide(), { ...refundCall(), signal: leaving.signal });
    await bench.rascal.nextRequest();
    leaving.abort();
    assert.deepEqual(await waiting, ["unknown", 1]);
    bench.rascal.behave(stall);
    assert.deepEqual(await bench.outcomeOf(bench.provide({ timeoutMs: 30, limits: { attemptsMax: 2 } })), [
      "unknown",
      2,
    ]);
  });

  it("does not keep a caller who leaves in a pause between two attempts", async () => {
    bench.rascal.behave(status(429));
    const leaving = new AbortController();
    const provider = bench.provide({ limits: { pauseFirstMs: 60_000, pauseMaxMs: 60_000 } });
    mock.timers.enable({ apis: ["setTimeout"] });
    const waiting = bench.outcomeOf(provider, { ...refundCall(), signal: leaving.signal });
    await bench.rascal.nextRequest();
    // The answer is read, and the pause begins, some turns of the loop later.
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    leaving.abort();
    assert.deepEqual(await waiting, ["unavailable", 1]);
    mock.timers.reset();
  });

  it("tells how things are together with a no", async () => {
    bench.rascal.behave(
      status(400, { type: "invalid_request_error", code: "charge_already_refunded", message: `pi_1_secret_2 ${KEY}` }),
      json(foreign.intent),
    );
    const answer = await bench.provide().refund(refundCall());
    assert.ok(answer.outcome === "refused");
    bench.said.push(answer.message);
    assert.equal(answer.code, "charge_already_refunded");
    assert.deepEqual(
      answer.facts.map((fact) => fact.kind),
      ["opened"],
    );
  });

  it("says once that its key is refused, until it is taken again", async () => {
    const provider = bench.provide();
    const refused = status(401, { code: "api_key_expired", message: `Expired API Key provided: ${KEY}` });
    bench.rascal.behave(refused);
    await bench.outcomeOf(provider);
    await bench.outcomeOf(provider);
    assert.deepEqual(bench.said.length, 2);
    assert.match(bench.said[0] ?? "", /does not know our key.*api_key_expired/);
    bench.rascal.behave(json(foreign.refund));
    await bench.outcomeOf(provider);
    bench.rascal.behave(refused);
    await bench.outcomeOf(provider);
    assert.equal(bench.logged.filter((line) => line.startsWith("stripe refuses the key")).length, 2);
  });

  it("cannot be used when the key is refused or nobody is there, and says why", async () => {
    const { signal } = new AbortController();
    bench.rascal.behave(status(401, { message: `Invalid API Key provided: ${KEY}` }));
    const check = (): Promise<void> => bench.provide({ limits: { attemptsMax: 1 } }).check(signal);
    await assert.rejects(check, (error: Error) => bench.said.push(error.message) > 0 && /key/.test(error.message));
    bench.rascal.behave(reset);
    await assert.rejects(check, /lost/);
    bench.rascal.behave(json({ object: "list", data: [], has_more: false }));
    await check();
  });
});
