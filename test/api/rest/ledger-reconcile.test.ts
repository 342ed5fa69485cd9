// The ledger's reconciliation: what it finds, and that it changes nothing unasked.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json, Told } from "./open-shop.ts";
import { assertProblem, openLedger } from "./open-ledger.ts";

test("a reconciliation pass finds drift, changes nothing unasked, and puts it right on request", async (t) => {
  const fresh = await openLedger(t);
  const lost = await fresh.create();
  await fresh.service.elsewhere({
    operation: "confirm_intent",
    id: lost.providerPaymentId,
    payment_method: "pm_card_visa",
  });
  fresh.service.time += 120_000;
  const dry = await fresh.post("/api/payments/reconcile");
  assert.equal(dry.status, 200, dry.text);
  assert.equal(dry.body.applied, false);
  const drifts = dry.body.providers.find(({ provider }: Json) => provider === "mock").drifts;
  assert.deepEqual(new Set(drifts.map((drift: Json) => drift.paymentId)), new Set([lost.paymentId]));
  assert.equal((await fresh.get(`/api/payments/${lost.paymentId}`)).body.status, "Pending");
  const applied = await fresh.post("/api/payments/reconcile", { apply: true });
  assert.equal(applied.body.applied, true);
  assert.equal((await fresh.get(`/api/payments/${lost.paymentId}`)).body.status, "Succeeded");
  const again = await fresh.post("/api/payments/reconcile", { apply: true });
  assert.ok(again.body.providers.every(({ drifts: left }: Json) => left.length === 0));
});

test("a reconciliation of a strange span or provider is refused", async (t) => {
  const { post } = await openLedger(t);
  const run = (body: unknown): Promise<Told> => post("/api/payments/reconcile", body);
  assertProblem(await run({ from: "yesterday" }), 400, "INVALID_ARGUMENT");
  assertProblem(await run({ from: "2026-01-02", to: "2026-01-01" }), 400, "INVALID_ARGUMENT");
  assertProblem(await run({ apply: "yes" }), 400, "INVALID_ARGUMENT");
  assertProblem(await run({ provider: "paypal" }), 400, "INVALID_ARGUMENT");
});
