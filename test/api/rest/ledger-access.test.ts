// Who may read, pay, capture, refund and reconcile what at the ledger.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { assertProblem, openLedger, order } from "./open-ledger.ts";
import { as } from "./people.ts";

const { ask, post, get, create, paid } = await openLedger({ after }, { people: true });

test("customers read what they own; what is another's is not found", async () => {
  const own = await paid({ customerId: "ada" }, as("service"));
  const path = `/api/payments/${own.paymentId}`;
  assert.equal((await get(path, as("ada"))).status, 200);
  assertProblem(await get(path, as("bob")), 404, "PAYMENT_NOT_FOUND");
  assertProblem(await post(`${path}/confirm`, undefined, as("bob")), 404, "PAYMENT_NOT_FOUND");
  const open = await create({ customerId: "ada" }, as("service"));
  const confirmed = await post(`/api/payments/${open.paymentId}/confirm`, undefined, as("ada"));
  assert.equal(confirmed.status, 200, confirmed.text);
  const mine = await get("/api/payments", as("ada"));
  assert.equal(mine.body.items.length, 2);
  assert.deepEqual((await get("/api/payments", as("bob"))).body.items, []);
});

test("refunds are for services, captures for services, reconciliation for admins; nothing is for strangers", async () => {
  const own = await paid({ customerId: "ada", captureMethod: "Manual" }, as("service"));
  const refundPath = `/api/payments/${own.paymentId}/refund`;
  assertProblem(await post(refundPath, {}, as("ada")), 403, "PERMISSION_DENIED");
  assertProblem(await post(refundPath, { amount: 1 }, as("ada")), 403, "PERMISSION_DENIED");
  const capture = { paymentId: own.paymentId };
  assertProblem(await post("/internal/payments/capture", capture, as("ada")), 403, "PERMISSION_DENIED");
  assertProblem(await post("/api/payments", order(), as("ada")), 403, "PERMISSION_DENIED");
  for (const person of ["ada", "service"] as const)
    assertProblem(await post("/api/payments/reconcile", {}, as(person)), 403, "PERMISSION_DENIED");
  assert.equal((await post("/api/payments/reconcile", {}, as("admin"))).status, 200);
  assert.equal((await post("/internal/payments/capture", capture, as("service"))).status, 200);
  const asked: [string, string][] = [
    ["POST", "/api/payments"],
    ["GET", "/api/payments"],
    ["GET", `/api/payments/${own.paymentId}`],
    ["POST", `/api/payments/${own.paymentId}/confirm`],
    ["POST", refundPath],
    ["POST", "/api/payments/reconcile"],
    ["POST", "/internal/payments/capture"],
  ];
  for (const [method, path] of asked)
    for (const headers of [{}, as("stranger")]) {
      const refused = await ask(method, path, { headers });
      assertProblem(refused, 401, "UNAUTHENTICATED");
      assert.equal(refused.headers.get("www-authenticate"), "Bearer");
    }
});
