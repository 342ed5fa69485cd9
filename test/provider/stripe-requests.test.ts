// What the provider asks of Stripe: which requests, under which keys, with which words; and what of Stripe's lists is for it.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { money } from "../../src/domain/money.ts";
import type { OperationKind } from "../../src/domain/operation.ts";
import type { Payment } from "../../src/domain/payment.ts";
import { KEY, RascalBench, refundCall } from "./open-rascal.ts";
import { factsOf, newCall, newPayment } from "./provider-fixtures.ts";
import { json, type Manner, status } from "./rascal.ts";
import { foreign, NOW, PAYMENT, SECONDS } from "./stripe-objects.ts";

describe("the Stripe provider", () => {
  let bench: RascalBench;
  beforeEach(async () => {
    bench = await RascalBench.open();
  });
  afterEach(() => bench.close());

  it("says who asks, in which version, and under the operation's id", async () => {
    bench.rascal.behave(json(foreign.refund));
    const call = refundCall();
    await bench.provide().refund(call);
    const [asked] = bench.rascal.asked;
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
      bench.rascal.behave((response, request) => {
        const manner = request.method === "GET" ? json({ ...foreign.session, payment_intent: "pi_9" }) : status(503);
        manner(response, request);
      });
      const provider = bench.provide({ limits: { attemptsMax: 2 } });
      const call = newCall(newPayment(NOW, changes), kind, { paymentMethod: "pm_card_visa", amountMinor: 5n });
      const answer = await provider[kind.toLowerCase() as "create"](call);
      assert.equal(answer.outcome, "unknown");
      const last = paths.at(-1) ?? "";
      assert.deepEqual(
        bench.rascal.asked.map((each) => `${each.method} ${each.path}`),
        [...paths, last],
      );
      const keys = bench.rascal.asked.filter((each) => each.method === "POST").map((each) => each.key);
      assert.deepEqual(keys, [call.operation.id, call.operation.id]);
    });
  }

  it("opens a checkout that shows what is bought, for as long as Stripe allows", async () => {
    bench.rascal.behave(json(foreign.session));
    const minutes = (count: number): Date => new Date(NOW.getTime() + count * 60_000);
    const items = [
      { name: "Tea", unitPrice: money(500n, "EUR"), quantity: 3 },
      { name: "Pot", unitPrice: money(499n, "EUR"), quantity: 1 },
    ];
    const changes = { mode: "CHECKOUT", successUrl: null, cancelUrl: null, customerEmail: "ada@example.com" } as const;
    const payment = newPayment(NOW, {
      ...changes,
      items,
      metadata: { gateway_fault: "create:error x9", note: "private" },
    });
    const provider = bench.provide();
    for (const expiresAt of [null, minutes(5), minutes(90), minutes(3 * 24 * 60)]) {
      const answer = await provider.create(newCall({ ...payment, expiresAt }, "CREATE"));
      const [opened] = factsOf(answer);
      assert.deepEqual(opened, {
        kind: "opened",
        providerReference: null,
        checkout: {
          sessionId: "cs_test_1",
          url: foreign.session.url,
          expiresAt: new Date(foreign.session.expires_at * 1000),
        },
        clientSecret: null,
      });
    }
    const sent = bench.rascal.asked.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
    assert.deepEqual(
      sent.map((each) => each["expires_at"] && (Number(each["expires_at"]) - SECONDS) / 60),
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
    const provider = bench.provide();
    for (const amount of [money(1_001n, "KWD"), money(9_007_199_254_740_993n, "USD"), money(10n, "IQD")]) {
      const answer = await provider.create(newCall(newPayment(NOW, { amount }), "CREATE"));
      assert.ok(answer.outcome === "refused");
      assert.equal(answer.code, "amount_not_representable");
    }
    assert.equal(bench.rascal.asked.length, 0);
  });

  it("passes over what others made in the account, and stumbles over what is ours and makes no sense", async () => {
    const list = (data: unknown[]): Manner => json({ object: "list", data, has_more: false });
    const setup = { ...foreign.session, id: "cs_2", mode: "setup", amount_total: null, currency: null };
    const range = { from: new Date(NOW.getTime() - 1000), to: NOW };
    const listAll = () => Array.fromAsync(bench.provide().list(range, new AbortController().signal));
    bench.rascal.behave(
      list([]),
      list([setup, foreign.session]),
      list([{ ...foreign.intent, currency: "lyd" }, foreign.intent]),
    );
    const listed = await listAll();
    assert.deepEqual(
      listed.map((each) => [each.sessionId, each.providerReference]),
      [
        ["cs_test_1", null],
        [null, "pi_1"],
      ],
    );
    const ours = { ...setup, client_reference_id: `payment_${PAYMENT}` };
    bench.rascal.behave(list([]), list([ours]));
    await assert.rejects(listAll, /amount_total/);
    bench.rascal.behave(list([]), list([]), status(503));
    await assert.rejects(listAll, /503/);
  });
});
