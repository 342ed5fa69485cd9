// The ledger dialect over HTTP (document 004): its webhooks, requests that cannot be read, and its routes.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { printEvent } from "../../../src/gateway/direct.ts";
import { WEBHOOK_SECRET } from "../../app/open-service.ts";
import { stripeSignature } from "../../support/stripe-signature.ts";
import { assertProblem, openLedger, order } from "./open-ledger.ts";

const shop = await openLedger({ after });
const { ask, post, get, create } = shop;

test("a provider's webhooks have a path each; others are not found", async () => {
  for (const provider of ["mock", "stripe"]) {
    const created = await create();
    const id = created.providerPaymentId;
    await shop.service.elsewhere({ operation: "confirm_intent", id, payment_method: "pm_card_visa" });
    const event = shop.service.eventsOf(id).findLast(({ type }) => type === "payment_intent.succeeded");
    assert.ok(event);
    const body = printEvent(event);
    const signature = stripeSignature(body, WEBHOOK_SECRET, new Date(shop.service.time));
    const taken = await post(`/api/payments/webhooks/${provider}`, body, { "stripe-signature": signature });
    assert.equal(taken.status, 200, taken.text);
    assert.deepEqual(taken.body, { received: true });
    assert.equal((await get(`/api/payments/${created.paymentId}`)).body.status, "Succeeded");
    const forged = await post(`/api/payments/webhooks/${provider}`, body, { "stripe-signature": "t=1,v1=00" });
    assertProblem(forged, 400, "INVALID_ARGUMENT");
    assert.equal(forged.body.detail, "Invalid signature");
  }
  for (const provider of ["paypal", "credits"])
    assertProblem(await post(`/api/payments/webhooks/${provider}`, {}), 404, "INVALID_ARGUMENT");
});

test("requests that cannot be read are problems, too", async () => {
  assertProblem(await post("/api/payments", "{"), 400, "INVALID_ARGUMENT");
  assertProblem(await post("/api/payments", "[1]"), 400, "INVALID_ARGUMENT");
  assertProblem(await post("/api/payments", order({ note: "x".repeat(1_000_000) })), 413, "INVALID_ARGUMENT");
  assertProblem(await post("/api/payments", "a=1", { "content-type": "text/plain" }), 415, "INVALID_ARGUMENT");
  const method = await ask("DELETE", "/api/payments");
  assertProblem(method, 405, "INVALID_ARGUMENT");
  assert.equal(method.headers.get("allow")?.includes("POST"), true);
  assertProblem(await post("/api/payments", order(), { "idempotency-key": "a b" }), 400, "INVALID_ARGUMENT");
});

test("every route is in the OpenAPI document", () => {
  const paths = Object.keys(shop.openApi["paths"] as object).filter((path) => /^\/(api|internal)\/payments/.test(path));
  assert.deepEqual(paths.toSorted(), [
    "/api/payments",
    "/api/payments/reconcile",
    "/api/payments/webhooks/mock",
    "/api/payments/webhooks/stripe",
    "/api/payments/{paymentId}",
    "/api/payments/{paymentId}/confirm",
    "/api/payments/{paymentId}/refund",
    "/internal/payments/capture",
  ]);
});
