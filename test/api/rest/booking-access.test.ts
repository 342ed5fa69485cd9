// Who may do what at the booking dialect, and how often.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBookingDialect } from "../../../src/api/rest/booking.ts";
import { openRest } from "./open-rest.ts";
import { as } from "./people.ts";
import { openBooking, pay, purchase, refund, refundOf, statusOf } from "./open-booking.ts";

test("who may do what is the same as at every other door", async (t) => {
  const rest = await openBooking(t, { people: true });
  const bought = purchase("4242424242424242", { user_id: "ada" });
  assert.equal((await pay(rest, bought)).status, 401);
  assert.equal((await pay(rest, bought, as("mallory"))).body.error.message, "Not authenticated");
  assert.equal((await pay(rest, bought, as("bob"))).status, 403, "another's payment");
  assert.equal((await pay(rest, bought, as("ada"))).status, 403, "a customer does not say what it costs");
  const paid = await pay(rest, bought, as("service"));
  assert.equal(paid.status, 200);
  const { transaction_id: id } = paid.body;
  assert.equal((await statusOf(rest, id, as("ada"))).status, 200);
  assert.equal((await statusOf(rest, id, as("bob"))).status, 404);
  assert.equal((await statusOf(rest, id)).status, 401);
  const wish = refundOf(bought, paid, { user_id: "ada" });
  assert.equal((await refund(rest, wish, as("ada"))).status, 403);
  assert.equal((await refund(rest, { ...wish, user_id: "bob" }, as("bob"))).status, 404);
  assert.equal((await refund(rest, wish, as("service"))).status, 200);
  assert.equal((await rest.ask("GET", "/payment/methods")).status, 200);
});

test("too many requests are told so, in the document's words and headers", async (t) => {
  const rest = await openRest(t, {
    dialects: [createBookingDialect({ currency: "USD" })],
    rateLimit: { perMinute: 100, burstPer10s: 2 },
  });
  const first = await rest.ask("GET", "/payment/methods");
  for (const header of ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]) {
    assert.match(first.headers.get(header) ?? "", /^\d+$/, header);
  }
  await rest.ask("GET", "/payment/methods");
  const refused = await pay(rest, purchase());
  assert.deepEqual([refused.status, refused.body.error.code], [429, "RATE_LIMITED"]);
  assert.equal(refused.headers.get("x-ratelimit-remaining"), "0");
});
