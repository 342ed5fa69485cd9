// The control API: what a test does to the world behind the gateway.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { errorIn, errorOf, PAID, StripeBench, TERMS } from "./open-local-stripe.ts";

let bench: StripeBench;

before(async () => {
  bench = await StripeBench.make();
});
after(() => bench.dispose());

test("time passes when told to", async () => {
  const { body: before } = await bench.control("clock");
  const { body: after } = await bench.control("clock", { advance_seconds: 3600 });
  assert.ok(Date.parse(String(after["now"])) - Date.parse(String(before["now"])) >= 3_600_000);
  assert.equal(after["ahead_seconds"], 3600);
});

test("a fault that is scripted meets the next call", async () => {
  await bench.control("faults", { operation: "confirm", fault: "error" });
  const made = await bench.stripe.paymentIntents.create(TERMS);
  const error = await errorOf(bench.stripe.paymentIntents.confirm(made.id, { payment_method: "pm_card_visa" }));
  assert.equal(error.statusCode, 429);
  const paid = await bench.stripe.paymentIntents.confirm(made.id, { payment_method: "pm_card_visa" });
  assert.equal(paid.status, "succeeded");
});

test("a lost answer is a connection that breaks", async () => {
  await bench.control("faults", { operation: "create", fault: "lost_before", times: 1 });
  const form = "amount=1&currency=eur";
  await assert.rejects(bench.send("POST", "/v1/payment_intents", form), /fetch failed/);
  assert.equal((await bench.send("POST", "/v1/payment_intents", form)).status, 200);
});

test("a customer approves or refuses", async () => {
  const card = { ...PAID, payment_method: "pm_card_threeDSecure2Required" };
  const approved = await bench.stripe.paymentIntents.create(card);
  assert.equal(approved.status, "requires_action");
  const { body } = await bench.control(`payment_intents/${approved.id}/authenticate`, { approve: true });
  assert.equal(body["status"], "succeeded");
  const refused = await bench.stripe.paymentIntents.create(card);
  const answer = await bench.control(`payment_intents/${refused.id}/authenticate`, { approve: false });
  assert.deepEqual([answer.status, errorIn(answer)["code"]], [402, "payment_intent_authentication_failure"]);
});

test("a bank opens a dispute and decides it", async () => {
  const paid = await bench.stripe.paymentIntents.create(PAID);
  const { body } = await bench.control(`payment_intents/${paid.id}/dispute`, { reason: "product_not_received" });
  assert.deepEqual([body["object"], body["status"]], ["dispute", "needs_response"]);
  const decided = await bench.control(`disputes/${String(body["id"])}/settle`, { status: "lost" });
  assert.equal(decided.body["status"], "lost");
});

test("the knobs of the webhooks are turned and told", async () => {
  const { body } = await bench.control("webhooks", {
    delay_ms: 5,
    duplicates: 1,
    drop: ["payment_intent.created"],
    hold: true,
  });
  assert.deepEqual(
    [body["delay_ms"], body["duplicates"], body["drop"], body["hold"]],
    [5, 1, ["payment_intent.created"], true],
  );
  assert.deepEqual((await bench.control("webhooks/release", {})).body, { released: 0 });
  assert.equal((await bench.control("webhooks")).body["hold"], false);
  assert.equal((await bench.control("webhooks/resend", { event: "evt_nothing" })).status, 404);
});

const bad: [path: string, body: object, status: number, param: string | undefined][] = [
  ["clock", { advance_seconds: -1 }, 400, "advance_seconds"],
  ["clock", { advance_seconds: 1.5 }, 400, "advance_seconds"],
  ["clock", {}, 400, "advance_seconds"],
  ["clock", { advance_days: 1 }, 400, "advance_days"],
  ["faults", { operation: "create", fault: "explode" }, 400, "fault"],
  ["faults", { operation: "create", fault: "error", times: 0 }, 400, "times"],
  ["webhooks", { duplicates: "many" }, 400, "duplicates"],
  ["refunds/re_nothing/settle", {}, 404, "id"],
  ["disputes/du_nothing/settle", { status: "lost" }, 404, "id"],
  ["disputes/du_nothing/settle", { status: "undecided" }, 400, "status"],
  ["payment_intents/pi_nothing/authenticate", { approve: "perhaps" }, 400, "approve"],
  ["checkout/sessions/cs_nothing/pay", { payment_method: "4242424242424242" }, 400, "payment_method"],
  ["unicorns", {}, 404, undefined],
];
for (const [path, body, status, param] of bad) {
  test(`${path} ${JSON.stringify(body)} is refused, and the field named`, async () => {
    const answer = await bench.control(path, body);
    assert.deepEqual([answer.status, errorIn(answer)["param"]], [status, param]);
    assert.equal(typeof errorIn(answer)["message"], "string");
  });
}

test("a body that is no JSON object, or is not said to be JSON, is refused", async () => {
  const url = `${bench.server.url}/_gateway/clock`;
  const headers = { "content-type": "application/json" };
  for (const body of ["{", "[]", "1", "null"]) {
    assert.equal((await fetch(url, { method: "POST", headers, body })).status, 400);
  }
  const form = await fetch(url, { method: "POST", body: JSON.stringify({ advance_seconds: 1 }) });
  assert.equal(form.status, 415);
});
