import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { money } from "../../src/domain/money.ts";
import type { OperationKind } from "../../src/domain/operation.ts";
import type { Payment } from "../../src/domain/payment.ts";
import type { Provider, ProviderCall } from "../../src/provider/provider.ts";
import { createStripeProvider, type StripeProviderOptions } from "../../src/provider/stripe/stripe-provider.ts";
import { factsOf, newCall, newPayment } from "./provider-fixtures.ts";
import { cutOff, json, type Manner, type Rascal, raw, reset, silence, stall, startRascal, status } from "./rascal.ts";

const KEY = "sk_test_VerySecretKey123456789";
const WEBHOOK_SECRET = "whsec_VerySecretToo";
const OPTIONS = {
  secretKey: KEY,
  webhookSecrets: [WEBHOOK_SECRET],
  apiUrl: null,
  timeoutMs: 2_000,
  defaultPaymentMethod: null,
  returnUrls: { success: "https://pay.example/success", cancel: "https://pay.example/cancel" },
} satisfies StripeProviderOptions;

const now = new Date("2026-03-01T10:00:00Z");
const seconds = now.getTime() / 1000;
const intent = {
  id: "pi_1",
  object: "payment_intent",
  amount: 1999,
  amount_received: 0,
  currency: "eur",
  capture_method: "automatic",
  status: "requires_payment_method",
  created: seconds,
  client_secret: "pi_1_secret_2",
  latest_charge: null,
  metadata: {},
};
const refund = { id: "re_1", object: "refund", amount: 500, currency: "eur", status: "succeeded", metadata: {} };
const session = {
  id: "cs_test_1",
  object: "checkout.session",
  status: "open",
  url: "https://checkout.stripe.com/c/pay/cs_test_1",
  amount_total: 1999,
  currency: "eur",
  created: seconds,
  expires_at: seconds + 3600,
  payment_intent: null,
  metadata: {},
};

describe("the Stripe provider", () => {
  let rascal: Rascal;
  let logged: string[];
  /** All that was said to anybody. */
  let said: string[];

  beforeEach(async () => {
    rascal = await startRascal();
    logged = [];
    said = [];
  });
  afterEach(async () => {
    await rascal.stop();
    for (const text of [...said, ...logged]) assert.doesNotMatch(text, /VerySecret|6789|_secret_\w/);
  });

  function provide(changes: Partial<StripeProviderOptions> = {}): Provider {
    const write = (fields: object, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
    return createStripeProvider({
      ...OPTIONS,
      apiUrl: rascal.url,
      log: { info: write, warn: write, error: write },
      now: () => now,
      ...changes,
      limits: { pauseFirstMs: 1, pauseMaxMs: 2, failuresMax: 1_000, ...changes.limits },
    });
  }

  const refundCall = (): ProviderCall =>
    newCall(newPayment(now, { providerReference: "pi_1", capturedMinor: 1999n }), "REFUND", { amountMinor: 500n });

  /** Refunds, and gives the outcome and how many requests it took. */
  async function outcomeOf(provider: Provider, call = refundCall()): Promise<[outcome: string, requests: number]> {
    const before = rascal.asked.length;
    const answer = await provider.refund(call);
    if ("message" in answer) said.push(answer.message);
    const mine = rascal.asked.slice(before).filter((each) => each.method === "POST");
    assert.deepEqual(new Set(mine.map((each) => each.key)), new Set(mine.length > 0 ? [call.operation.id] : []));
    return [answer.outcome, mine.length];
  }

  const courses: readonly (readonly [what: string, manners: Manner[], outcome: string, requests: number])[] = [
    ["an answer", [json(refund)], "done", 1],
    ["too many requests, then an answer", [status(429), json(refund)], "done", 2],
    ["too many requests, told by code, then an answer", [status(400, { code: "rate_limit" }), json(refund)], "done", 2],
    ["too many requests for ever", [status(429)], "unavailable", 3],
    ["a lock, then an answer", [status(429, { code: "lock_timeout" }), json(refund)], "done", 2],
    [
      "its own key in flight, then an answer",
      [status(409, { code: "idempotency_key_in_use" }), json(refund)],
      "done",
      2,
    ],
    ["its own key in flight for ever", [status(409, { code: "idempotency_key_in_use" })], "unknown", 3],
    ["a lost connection, then an answer", [reset, json(refund)], "done", 2],
    ["lost connections", [reset], "unknown", 3],
    ["a lost connection, then too many requests", [reset, status(429)], "unknown", 3],
    ["a lost connection, then a refused key", [reset, status(401)], "unknown", 2],
    [
      "a lost connection, then a no",
      [reset, status(400, { type: "invalid_request_error", code: "no_good" })],
      "unknown",
      2,
    ],
    ["an error of the server, then an answer", [status(500), json(refund)], "done", 2],
    ["errors of the server", [status(503)], "unknown", 3],
    ["an error that is replayed", [status(500, {}, { "idempotent-replayed": "true" })], "unknown", 1],
    ["an error that should not be repeated", [status(500, {}, { "stripe-should-retry": "false" })], "unknown", 1],
    ["a page of a proxy, then an answer", [raw("<html>Bad gateway</html>", 502), json(refund)], "done", 2],
    ["a page", [raw("<html>Welcome</html>")], "unknown", 1],
    ["a redirection", [raw("", 302, { location: "https://elsewhere.example/" })], "unknown", 1],
    ["a page that forbids", [raw("<html>Forbidden</html>", 403)], "unknown", 1],
    ["a truncated answer", [raw(JSON.stringify(refund).slice(0, 40))], "unknown", 1],
    ["an answer shorter than it said", [cutOff], "unknown", 3],
    ["nothing", [raw("")], "unknown", 1],
    ["null", [json(null)], "unknown", 1],
    ["a list", [json([refund])], "unknown", 1],
    ["an empty object", [json({})], "unknown", 1],
    ["another object", [json(intent)], "unknown", 1],
    ["an amount that is a text", [json({ ...refund, amount: "500" })], "unknown", 1],
    ["an amount that is no whole number", [json({ ...refund, amount: 5.5 })], "unknown", 1],
    ["an error that is a number", [json({ error: 5 }, 400)], "unknown", 1],
    ["an error that is a list", [json({ error: [] }, 500)], "unknown", 3],
    ["an error with a good status", [json({ error: { type: "api_error" } }, 200)], "unknown", 3],
    ["an answer without an end", [raw("x".repeat(9 * 1024 * 1024))], "unknown", 1],
    ["a key that is wrong", [status(401, { message: `Invalid API Key provided: ${KEY}` })], "unavailable", 1],
    ["a key that may not", [status(403, { message: `The key ${KEY} may not` })], "unavailable", 1],
  ];
  for (const [what, manners, outcome, requests] of courses) {
    it(`answers ${outcome} when it meets ${what}`, async () => {
      rascal.behave(...manners);
      assert.deepEqual(await outcomeOf(provide()), [outcome, requests]);
    });
  }

  it("says who asks, in which version, and under the operation's id", async () => {
    rascal.behave(json(refund));
    const call = refundCall();
    await provide().refund(call);
    const [asked] = rascal.asked;
    assert.ok(asked);
    const { headers, key, path } = asked;
    assert.deepEqual(
      [headers["stripe-version"], headers["authorization"], key, path],
      ["2026-10-28.endive", `Bearer ${KEY}`, call.operation.id, "/v1/refunds"],
    );
    assert.equal(headers["x-stripe-client-telemetry"], undefined);
  });

  const requests: readonly (readonly [kind: OperationKind, changes: Partial<Payment>, paths: string[]])[] = [
    ["CREATE", {}, ["POST /v1/payment_intents"]],
    ["CREATE", { mode: "CHECKOUT" }, ["POST /v1/checkout/sessions"]],
    ["CONFIRM", { providerReference: "pi_1" }, ["POST /v1/payment_intents/pi_1/confirm"]],
    ["CAPTURE", { providerReference: "pi_1" }, ["POST /v1/payment_intents/pi_1/capture"]],
    ["CANCEL", { providerReference: "pi_1" }, ["POST /v1/payment_intents/pi_1/cancel"]],
    ["CANCEL", { sessionId: "cs_1", providerReference: "pi_1" }, ["POST /v1/checkout/sessions/cs_1/expire"]],
    ["REFUND", { providerReference: "pi_1" }, ["POST /v1/refunds"]],
    // The intent of a checkout is known to its session first.
    ["CAPTURE", { sessionId: "cs_1" }, ["GET /v1/checkout/sessions/cs_1", "POST /v1/payment_intents/pi_9/capture"]],
    [
      "CANCEL",
      { sessionId: "cs_1", status: "AUTHORIZED" },
      ["GET /v1/checkout/sessions/cs_1", "POST /v1/payment_intents/pi_9/cancel"],
    ],
    ["REFUND", { sessionId: "cs_1" }, ["GET /v1/checkout/sessions/cs_1", "POST /v1/refunds"]],
  ];
  for (const [kind, changes, paths] of requests) {
    it(`makes one change under one key for a ${kind}: ${paths.join(", ")}`, async () => {
      rascal.behave((response, request) => {
        const manner = request.method === "GET" ? json({ ...session, payment_intent: "pi_9" }) : status(503);
        manner(response, request);
      });
      const provider = provide({ limits: { attemptsMax: 2 } });
      const call = newCall(newPayment(now, changes), kind, { paymentMethod: "pm_card_visa", amountMinor: 5n });
      const answer = await provider[kind.toLowerCase() as "create"](call);
      assert.equal(answer.outcome, "unknown");
      const last = paths.at(-1) ?? "";
      assert.deepEqual(
        rascal.asked.map((each) => `${each.method} ${each.path}`),
        [...paths, last],
      );
      const keys = rascal.asked.filter((each) => each.method === "POST").map((each) => each.key);
      assert.deepEqual(keys, [call.operation.id, call.operation.id]);
    });
  }

  it("did nothing where it could not even be asked which intent a checkout has", async () => {
    rascal.behave(reset);
    const call = newCall(newPayment(now, { sessionId: "cs_1" }), "REFUND", { amountMinor: 5n });
    assert.equal((await provide().refund(call)).outcome, "unavailable");
    rascal.behave(json(session));
    const nothing = await provide().refund(call);
    assert.ok(nothing.outcome === "refused");
    assert.equal(nothing.code, "not_opened");
  });

  it("passes over what others made in the account, and stumbles over what is ours and makes no sense", async () => {
    const list = (data: unknown[]): Manner => json({ object: "list", data, has_more: false });
    const foreign = { ...session, id: "cs_2", mode: "setup", amount_total: null, currency: null };
    const range = { from: new Date(now.getTime() - 1000), to: now };
    const listAll = () => Array.fromAsync(provide().list(range, new AbortController().signal));
    rascal.behave(list([]), list([foreign, session]), list([{ ...intent, currency: "lyd" }, intent]));
    const listed = await listAll();
    assert.deepEqual(
      listed.map((each) => [each.sessionId, each.providerReference]),
      [
        ["cs_test_1", null],
        [null, "pi_1"],
      ],
    );
    const ours = { ...foreign, client_reference_id: "payment_019ca90e-1d74-715c-8eaf-672b2b6cd8cb" };
    rascal.behave(list([]), list([ours]));
    await assert.rejects(listAll, /amount_total/);
    rascal.behave(list([]), list([]), status(503));
    await assert.rejects(listAll, /503/);
  });

  it("was certainly not reached where nobody listens", async () => {
    await rascal.stop();
    assert.deepEqual(await outcomeOf(provide()), ["unavailable", 0]);
    rascal = await startRascal();
  });

  it("does not wait for an answer longer than its timeout, nor than its caller", async () => {
    rascal.behave(silence);
    assert.deepEqual(await outcomeOf(provide({ timeoutMs: 30, limits: { attemptsMax: 2 } })), ["unknown", 2]);
    const leaving = new AbortController();
    const waiting = outcomeOf(provide(), { ...refundCall(), signal: leaving.signal });
    await rascal.nextRequest();
    leaving.abort();
    assert.deepEqual(await waiting, ["unknown", 1]);
    rascal.behave(stall);
    assert.deepEqual(await outcomeOf(provide({ timeoutMs: 30, limits: { attemptsMax: 2 } })), ["unknown", 2]);
  });

  it("is not asked for a caller who left before, and is not blamed for it", async () => {
    const provider = provide({ limits: { attemptsMax: 1, failuresMax: 1 } });
    const tooLate = AbortSignal.abort(new DOMException("", "TimeoutError"));
    assert.deepEqual(await outcomeOf(provider, { ...refundCall(), signal: tooLate }), ["unavailable", 0]);
    rascal.behave(json(refund));
    assert.deepEqual(await outcomeOf(provider), ["done", 1]);
  });

  it("does not keep a caller who leaves in a pause between two attempts", async () => {
    rascal.behave(status(429));
    const leaving = new AbortController();
    const provider = provide({ limits: { pauseFirstMs: 60_000, pauseMaxMs: 60_000 } });
    mock.timers.enable({ apis: ["setTimeout"] });
    const waiting = outcomeOf(provider, { ...refundCall(), signal: leaving.signal });
    await rascal.nextRequest();
    // The answer is read, and the pause begins, some turns of the loop later.
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    leaving.abort();
    assert.deepEqual(await waiting, ["unavailable", 1]);
    mock.timers.reset();
  });

  it("sends nothing while Stripe seems to be away, tries once after a while, and goes on when it is back", async () => {
    mock.timers.enable({ apis: ["Date"], now });
    const provider = provide({ limits: { attemptsMax: 1, failuresMax: 2, openMs: 10_000 } });
    rascal.behave(status(503));
    assert.deepEqual(await outcomeOf(provider), ["unknown", 1]);
    assert.deepEqual(await outcomeOf(provider), ["unknown", 1]);
    assert.deepEqual(await outcomeOf(provider), ["unavailable", 0]);
    mock.timers.tick(9_999);
    assert.deepEqual(await outcomeOf(provider), ["unavailable", 0]);
    mock.timers.tick(1);
    assert.deepEqual(await outcomeOf(provider), ["unknown", 1]);
    assert.deepEqual(await outcomeOf(provider), ["unavailable", 0]);
    mock.timers.tick(10_000);
    const held = Promise.withResolvers<ServerResponse>();
    rascal.behave((response) => held.resolve(response));
    const trying = outcomeOf(provider);
    const response = await held.promise;
    assert.equal((await provider.refund(refundCall())).outcome, "unavailable");
    response.writeHead(200).end(JSON.stringify(refund));
    assert.deepEqual(await trying, ["done", 1]);
    rascal.behave(json(refund));
    assert.deepEqual(await outcomeOf(provider), ["done", 1]);
    mock.timers.reset();
    const away = "stripe is away: calls to it are held back";
    assert.deepEqual(
      logged.map((line) => line.split(" {")[0]),
      [away, away, "stripe is back"],
    );
  });

  it("takes a no, a decline and a full house for signs of life", async () => {
    const provider = provide({ limits: { attemptsMax: 1, failuresMax: 1 } });
    rascal.behave(status(429));
    assert.deepEqual(await outcomeOf(provider), ["unavailable", 1]);
    rascal.behave(status(401));
    assert.deepEqual(await outcomeOf(provider), ["unavailable", 1]);
    const leaving = new AbortController();
    rascal.behave(silence);
    const waiting = outcomeOf(provider, { ...refundCall(), signal: leaving.signal });
    await rascal.nextRequest();
    leaving.abort();
    assert.deepEqual(await waiting, ["unknown", 1]);
    rascal.behave(json(refund));
    assert.deepEqual(await outcomeOf(provider), ["done", 1]);
  });

  it("counts a caller whose time ran out as Stripe's slowness", async () => {
    const provider = provide({ limits: { attemptsMax: 1, failuresMax: 1 } });
    rascal.behave(silence);
    assert.deepEqual(await outcomeOf(provider, { ...refundCall(), signal: AbortSignal.timeout(30) }), ["unknown", 1]);
    assert.deepEqual(await outcomeOf(provider), ["unavailable", 0]);
  });

  it("says once that its key is refused, until it is taken again", async () => {
    const provider = provide();
    const refused = status(401, { code: "api_key_expired", message: `Expired API Key provided: ${KEY}` });
    rascal.behave(refused);
    await outcomeOf(provider);
    await outcomeOf(provider);
    assert.deepEqual(said.length, 2);
    assert.match(said[0] ?? "", /does not know our key.*api_key_expired/);
    rascal.behave(json(refund));
    await outcomeOf(provider);
    rascal.behave(refused);
    await outcomeOf(provider);
    assert.equal(logged.filter((line) => line.startsWith("stripe refuses the key")).length, 2);
  });

  it("cannot be used when the key is refused or nobody is there, and says why", async () => {
    const { signal } = new AbortController();
    rascal.behave(status(401, { message: `Invalid API Key provided: ${KEY}` }));
    const check = (): Promise<void> => provide({ limits: { attemptsMax: 1 } }).check(signal);
    await assert.rejects(check, (error: Error) => said.push(error.message) > 0 && /key/.test(error.message));
    rascal.behave(reset);
    await assert.rejects(check, /lost/);
    rascal.behave(json({ object: "list", data: [], has_more: false }));
    await check();
  });

  it("tells how things are together with a no", async () => {
    rascal.behave(
      status(400, { type: "invalid_request_error", code: "charge_already_refunded", message: `pi_1_secret_2 ${KEY}` }),
      json(intent),
    );
    const answer = await provide().refund(refundCall());
    assert.ok(answer.outcome === "refused");
    said.push(answer.message);
    assert.equal(answer.code, "charge_already_refunded");
    assert.deepEqual(
      answer.facts.map((fact) => fact.kind),
      ["opened"],
    );
  });

  it("opens a checkout that shows what is bought, for as long as Stripe allows", async () => {
    rascal.behave(json(session));
    const minutes = (count: number): Date => new Date(now.getTime() + count * 60_000);
    const items = [
      { name: "Tea", unitPrice: money(500n, "EUR"), quantity: 3 },
      { name: "Pot", unitPrice: money(499n, "EUR"), quantity: 1 },
    ];
    const changes = { mode: "CHECKOUT", successUrl: null, cancelUrl: null, customerEmail: "ada@example.com" } as const;
    const payment = newPayment(now, {
      ...changes,
      items,
      metadata: { gateway_fault: "create:error x9", note: "private" },
    });
    const provider = provide();
    for (const expiresAt of [null, minutes(5), minutes(90), minutes(3 * 24 * 60)]) {
      const answer = await provider.create(newCall({ ...payment, expiresAt }, "CREATE"));
      const [opened] = factsOf(answer);
      assert.deepEqual(opened, {
        kind: "opened",
        providerReference: null,
        checkout: { sessionId: "cs_test_1", url: session.url, expiresAt: new Date(session.expires_at * 1000) },
        clientSecret: null,
      });
    }
    const sent = rascal.asked.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
    assert.deepEqual(
      sent.map((each) => each["expires_at"] && (Number(each["expires_at"]) - seconds) / 60),
      [undefined, 31, 90, 24 * 60 - 1],
    );
    const { expires_at: _expiresAt, ...rest } = sent[0] ?? {};
    assert.deepEqual(rest, {
      mode: "payment",
      "line_items[0][price_data][currency]": "eur",
      "line_items[0][price_data][product_data][name]": "Tea",
      "line_items[0][price_data][unit_amount]": "500",
      "line_items[0][quantity]": "3",
      "line_items[1][price_data][currency]": "eur",
      "line_items[1][price_data][product_data][name]": "Pot",
      "line_items[1][price_data][unit_amount]": "499",
      "line_items[1][quantity]": "1",
      success_url: "https://pay.example/success?session_id={CHECKOUT_SESSION_ID}",
      cancel_url: "https://pay.example/cancel?session_id={CHECKOUT_SESSION_ID}",
      client_reference_id: `payment_${payment.id}`,
      customer_email: "ada@example.com",
      "metadata[payment_id]": `payment_${payment.id}`,
      "metadata[order_id]": payment.orderId,
      "metadata[gateway_fault]": "create:error x9",
      "payment_intent_data[capture_method]": "automatic",
      "payment_intent_data[metadata][payment_id]": `payment_${payment.id}`,
      "payment_intent_data[metadata][order_id]": payment.orderId,
      "payment_intent_data[metadata][gateway_fault]": "create:error x9",
    });
  });

  it("asks for nothing that Stripe cannot hold", async () => {
    const provider = provide();
    for (const amount of [money(1_001n, "KWD"), money(9_007_199_254_740_993n, "USD"), money(10n, "IQD")]) {
      const answer = await provider.create(newCall(newPayment(now, { amount }), "CREATE"));
      assert.ok(answer.outcome === "refused");
      assert.equal(answer.code, "amount_not_representable");
    }
    assert.equal(rascal.asked.length, 0);
  });
});

describe("a Stripe provider", () => {
  it("is live or not by its key's prefix", () => {
    for (const [secretKey, live] of [
      ["sk_test_1a", false],
      ["rk_test_1a", false],
      ["sk_live_1a", true],
      ["rk_live_1a", true],
    ] as const) {
      assert.equal(createStripeProvider({ ...OPTIONS, secretKey }).live, live);
    }
  });

  it("is not made of a bad key, address or webhook secret, and says so without repeating it", () => {
    for (const secretKey of [
      "",
      "pk_test_VerySecret",
      "whsec_VerySecret",
      "sk_VerySecret",
      "VerySecret",
      "sk_test_Very Secret",
      "sk_live_",
    ]) {
      assert.throws(
        () => createStripeProvider({ ...OPTIONS, secretKey }),
        (error: Error) => /secret key/.test(error.message) && !/Very/.test(error.message),
      );
    }
    for (const apiUrl of [
      "",
      "localhost:12111",
      "ftp://127.0.0.1",
      "http://user:VerySecret@127.0.0.1",
      "http://127.0.0.1/v1",
    ]) {
      assert.throws(
        () => createStripeProvider({ ...OPTIONS, apiUrl }),
        (error: Error) => /address/.test(error.message) && !/Very/.test(error.message),
      );
    }
    assert.throws(
      () => createStripeProvider({ ...OPTIONS, secretKey: "sk_live_1a", apiUrl: "http://127.0.0.1:1" }),
      /live/,
    );
    assert.throws(() => createStripeProvider({ ...OPTIONS, webhookSecrets: ["good", ""] }), /secret .* empty/);
  });
});
