import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { LOST } from "../../src/gateway/gateway.ts";
import { readJournal } from "../support/gateway-journal.ts";
import { errorOf, GatewayBench, intent, refund, session } from "./open-gateway.ts";

describe("scripted faults", () => {
  let bench: GatewayBench;
  beforeEach(async () => {
    bench = await GatewayBench.make();
  });
  afterEach(() => bench.dispose());

  const effects = async (): Promise<string[]> =>
    (await readJournal(bench.journalPath)).lines.map((line) => line.effect);

  it("lost_after acts, then the answer is lost; the same key tells what was done", async () => {
    bench.gateway.script({ operation: "create", fault: "lost_after" });
    assert.equal(await bench.call(intent(), "key"), LOST);
    assert.deepEqual(await effects(), ["charge"]);
    const again = await bench.call(intent(), "key");
    assert.equal(again !== LOST && again.ok && again.replayed, true);
    assert.deepEqual(await effects(), ["charge"]);
  });

  it("lost_before does nothing, as often as it is told to, and the same key then acts", async () => {
    bench.gateway.script({ operation: "create", fault: "lost_before", times: 2 });
    assert.equal(await bench.call(intent(), "key"), LOST);
    assert.equal(await bench.call(intent(), "key"), LOST);
    assert.deepEqual(await effects(), []);
    await bench.life(intent(), "key");
    assert.deepEqual(await effects(), ["charge"]);
  });

  it("error does nothing and says so; error_after acts, and the key repeats the error", async () => {
    bench.gateway.script({ operation: "create", fault: "error" });
    assert.equal(errorOf(await bench.call(intent(), "key")).status, 429);
    assert.deepEqual(await effects(), []);
    bench.gateway.script({ operation: "create", fault: "error_after" });
    assert.equal(errorOf(await bench.call(intent(), "key")).status, 500);
    assert.equal(errorOf(await bench.call(intent(), "key")).status, 500);
    assert.deepEqual(await effects(), ["charge"]);
  });

  it("decline waits for an attempt to pay", async () => {
    const open = await bench.life(intent({ payment_method: null, metadata: { gateway_fault: "decline" } }));
    const confirm = { operation: "confirm_intent", id: open.intent.id, payment_method: "pm_card_visa" } as const;
    assert.equal(errorOf(await bench.call(confirm)).status, 402);
    assert.equal((await bench.life(confirm)).intent.status, "succeeded");
  });

  it("delay acts at once and answers late; its caller may leave, and the key is free again", async () => {
    const leaving = new AbortController();
    bench.gateway.script({ operation: "create", fault: "delay", delayMs: 60_000 });
    const waiting = bench.gateway.perform(intent(), { idempotencyKey: "key", signal: leaving.signal });
    assert.equal(errorOf(await bench.call(intent(), "key")).code, "idempotency_key_in_use");
    leaving.abort();
    assert.equal(await waiting, LOST);
    await bench.life(intent(), "key");
    assert.deepEqual(await effects(), ["charge"]);
  });

  it("come from the payment's metadata, for the operations and as often as it says", async () => {
    const metadata = { gateway_fault: "confirm:lost_before x2, refund:error, capture:delay=1" };
    const { intent: opened } = await bench.life(session({ metadata, capture_method: "manual" }), "create");
    const { session: checkout } = await bench.look(opened.id);
    const pay = { operation: "pay_session", id: checkout?.id ?? "", payment_method: "pm_card_visa" } as const;
    assert.equal(await bench.call(pay, "pay"), LOST);
    assert.equal(await bench.call(pay, "pay"), LOST);
    assert.equal((await bench.life(pay, "pay")).intent.status, "requires_capture");
    await bench.life({ operation: "capture_intent", id: opened.id, amount_to_capture: 900n }, "capture");
    assert.equal(errorOf(await bench.call(refund(opened.id, 1n), "refund")).status, 429);
    await bench.life(refund(opened.id, 1n), "refund");
    assert.deepEqual(await effects(), ["open", "authorize", "capture", "refund"]);
  });

  it("strike one payment and not its neighbour", async () => {
    const metadata = { gateway_fault: "create:lost_after" };
    assert.equal(await bench.call(intent({ metadata }), "one"), LOST);
    assert.equal(await bench.call(intent({ metadata }), "two"), LOST);
    await bench.life(intent(), "three");
    assert.deepEqual(await effects(), ["charge", "charge", "charge"]);
  });

  it("strike questions, too", async () => {
    const { intent: paid } = await bench.life(intent());
    bench.gateway.script({ operation: "retrieve", fault: "lost_after" });
    bench.gateway.script({ operation: "retrieve", fault: "error" });
    assert.equal(await bench.gateway.retrieve(paid.id, new AbortController().signal), LOST);
    assert.equal(errorOf(await bench.gateway.retrieve(paid.id, new AbortController().signal)).status, 429);
    assert.equal((await bench.look(paid.id)).intent.status, "succeeded");
  });
});
