import assert from "node:assert/strict";
import { appendFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Gateway } from "../../src/gateway/gateway.ts";
import { readJournal } from "../support/gateway-journal.ts";
import { errorOf, GatewayBench, HOUR_MS, intent, refund, session } from "./open-gateway.ts";

const DAY_MS = 24 * HOUR_MS;

describe("the gateway's clock", () => {
  let bench: GatewayBench;
  beforeEach(async () => {
    bench = await GatewayBench.make();
  });
  afterEach(() => bench.dispose());

  /** The latest events, without anybody having asked for a payment. */
  const types = (): string[] => bench.gateway.events().map((event) => event.type);
  const lines = async (): Promise<string[]> => {
    const audit = await readJournal(bench.journalPath);
    return audit.lines.map(({ at, effect }) => `${at} ${effect}`);
  };

  it("expires sessions, lets go of what was held for a week, and ends refunds, each at its time and in order", async () => {
    await bench.life(session());
    const held = await bench.life(intent({ capture_method: "manual" }));
    const slow = await bench.life(intent({ payment_method: "pm_card_pendingRefund" }));
    await bench.life(refund(slow.intent.id, 10n));
    const bouncing = await bench.life(intent({ payment_method: "pm_card_refundFail" }));
    await bench.life(refund(bouncing.intent.id, 20n));
    await bench.gateway.advance(8 * DAY_MS);
    assert.deepEqual((await lines()).slice(-4), [
      "2026-03-01T11:00:00.000Z refund_settled",
      "2026-03-02T10:00:00.000Z expire",
      "2026-03-03T10:00:00.000Z refund_settled",
      "2026-03-08T10:00:00.000Z cancel",
    ]);
    const { intent: canceled } = await bench.look(held.intent.id);
    assert.deepEqual([canceled.status, canceled.cancellation_reason], ["canceled", "automatic"]);
    assert.equal((await bench.look(bouncing.intent.id)).refunds[0]?.status, "failed");
    assert.deepEqual(types().slice(-4), [
      "charge.refund.updated",
      "refund.failed",
      "charge.expired",
      "payment_intent.canceled",
    ]);
    assert.equal(bench.gateway.now().getTime(), bench.time + 8 * DAY_MS);
  });

  it("acts by itself when the world outside moves on", async () => {
    await bench.life(session());
    const told = Promise.withResolvers<string>();
    bench.gateway.onEvents(({ events }) => told.resolve(events[0]?.type ?? ""));
    bench.advance(DAY_MS);
    assert.equal(await told.promise, "checkout.session.expired");
  });

  it("knows after a restart what is due, and is not set back", async () => {
    await bench.life(session());
    const held = await bench.life(intent({ capture_method: "manual" }));
    await bench.gateway.advance(HOUR_MS);
    await bench.restart();
    assert.equal(bench.gateway.now().getTime(), bench.time + HOUR_MS);
    await bench.gateway.advance(7 * DAY_MS);
    assert.deepEqual(types().slice(-3), ["checkout.session.expired", "charge.expired", "payment_intent.canceled"]);
    assert.equal((await bench.look(held.intent.id)).intent.status, "canceled");
    await bench.restart();
    assert.equal(bench.gateway.now().getTime(), bench.time + 7 * DAY_MS + HOUR_MS);
  });

  it("leaves alone what came to its end before", async () => {
    const held = await bench.life(intent({ capture_method: "manual" }));
    await bench.life({ operation: "capture_intent", id: held.intent.id, amount_to_capture: null });
    const open = await bench.life(session());
    await bench.life({ operation: "pay_session", id: open.session?.id ?? "", payment_method: "pm_card_visa" });
    const before = (await lines()).length;
    await bench.gateway.advance(30 * DAY_MS);
    assert.equal((await lines()).length, before);
    assert.equal((await bench.look(held.intent.id)).intent.status, "succeeded");
  });

  it("acts on thousands in one advance", async () => {
    await Promise.all(Array.from({ length: 3000 }, () => bench.life(session())));
    await bench.gateway.advance(DAY_MS);
    assert.equal((await lines()).filter((line) => line.endsWith("expire")).length, 3000);
  });

  it("is advanced by several at once, one after the other, and never back", async () => {
    await Promise.all([bench.gateway.advance(1000), bench.gateway.advance(500), bench.gateway.advance(0)]);
    assert.equal(bench.gateway.now().getTime(), bench.time + 1500);
    for (const ms of [-1, 0.5, Number.NaN]) assert.throws(() => bench.gateway.advance(ms), RangeError);
  });

  it("refuses to start from a file that is damaged", async () => {
    await bench.gateway.close();
    for (const text of ["", "{}", "null\n", '{"aheadMs":-1}\n']) {
      await writeFile(`${bench.journalPath}.clock`, text);
      const open = () => new Gateway({ journalPath: bench.journalPath, now: () => new Date() });
      assert.throws(open, /clock is damaged/);
    }
    await writeFile(`${bench.journalPath}.clock`, '{"aheadMs":5}\n');
    await bench.restart();
    assert.equal(bench.gateway.now().getTime(), bench.time + 5);
  });
});

describe("the bounds of a session's time", () => {
  it("are half an hour and a day, and the message names the parameter", async () => {
    const bench = await GatewayBench.make();
    const seconds = Math.floor(bench.time / 1000);
    const result = async (after: number) => {
      const answer = await bench.call(session({ expires_at: seconds + after }));
      return typeof answer === "object" && answer.ok ? "open" : errorOf(answer);
    };
    assert.equal(await result(1800), "open");
    assert.equal(await result(86_400), "open");
    for (const after of [1799, 86_401, -1]) {
      const error = await result(after);
      assert.ok(typeof error === "object");
      assert.deepEqual([error.status, error.param], [400, "expires_at"]);
      assert.match(error.message, /expires_at/);
    }
    await bench.dispose();
  });
});

describe("a journal of the first release", () => {
  it("is read as if it had been written today", async () => {
    const bench = await GatewayBench.make();
    await bench.gateway.close();
    const created = Math.floor(bench.time / 1000);
    await appendFile(
      bench.journalPath,
      `${linesOfFirstRelease(created)
        .map((line) => JSON.stringify(line))
        .join("\n")}\n`,
    );
    await bench.restart();
    const declined = await bench.look("pi_0mm7kwnhwbe20e1226936684");
    assert.deepEqual(
      [
        declined.disputes,
        declined.intent.description,
        declined.charges[0]?.disputed,
        declined.charges[0]?.failure_error,
      ],
      [[], null, false, "card_declined"],
    );
    await bench.gateway.advance(DAY_MS);
    assert.equal((await bench.look("cs_test_0mm7kwnhwbe20e1226936685")).session?.status, "expired");
    assert.deepEqual(
      bench.gateway.events().map((event) => event.type),
      [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "payment_intent.created",
        "checkout.session.expired",
      ],
    );
    await bench.dispose();
  });
});

/** A declined intent and an open session, as the first release wrote them. */
function linesOfFirstRelease(created: number): object[] {
  const [one, two] = ["0mm7kwnhwbe20e1226936684", "0mm7kwnhwbe20e1226936685"];
  const at = new Date(created * 1000).toISOString();
  const head = { currency: "eur", metadata: {}, key: null, fingerprint: null, error: null };
  const intent = (base: string) => ({
    id: `pi_${base}`,
    object: "payment_intent",
    amount: 1000,
    amount_capturable: 0,
    amount_received: 0,
    currency: "eur",
    status: "requires_payment_method",
    capture_method: "automatic",
    client_secret: "secret",
    created,
    payment_method: null,
    latest_charge: null,
    canceled_at: null,
    cancellation_reason: null,
    metadata: {},
  });
  const charge = {
    id: `ch_${one}0`,
    object: "charge",
    status: "failed",
    captured: false,
    amount: 1000,
    amount_captured: 0,
    amount_refunded: 0,
    currency: "eur",
    payment_intent: `pi_${one}`,
    payment_method: "pm_card_chargeDeclined",
    payment_method_details: { card: { brand: "visa", last4: "0002" } },
    failure_code: "generic_decline",
    failure_message: "Your card was declined.",
    created,
  };
  const checkout = {
    id: `cs_test_${two}`,
    object: "checkout.session",
    status: "open",
    payment_status: "unpaid",
    amount_total: 1000,
    currency: "eur",
    payment_intent: `pi_${two}`,
    created,
    expires_at: created + 3600,
    success_url: null,
    cancel_url: null,
    metadata: {},
  };
  const rest = { refunds: [], changes: 1 };
  return [
    {
      at,
      effect: "decline",
      intent: `pi_${one}`,
      charge: charge.id,
      ...head,
      answer: `pi_${one}`,
      life: { intent: { ...intent(one), latest_charge: charge.id }, session: null, charges: [charge], ...rest },
    },
    {
      at,
      effect: "open",
      intent: `pi_${two}`,
      ...head,
      answer: checkout.id,
      life: { intent: intent(two), session: checkout, charges: [], ...rest },
    },
  ];
}
