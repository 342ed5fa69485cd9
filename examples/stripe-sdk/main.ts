// A program that was written for Stripe, on Stripe's own SDK: it knows nothing of what answers it. Start a local Stripe, then run it:
//
//   npm run gateway
//   node examples/stripe-sdk/main.ts http://localhost:12111
//
// It tries what Stripe documents, and prints what it saw. It ends with 1 when something was not as documented.
import Stripe from "stripe";

const url = new URL(process.argv[2] ?? "http://localhost:12111");
const stripe = new Stripe("sk_test_example", {
  host: url.hostname,
  port: url.port,
  protocol: url.protocol === "https:" ? "https" : "http",
  maxNetworkRetries: 0,
  telemetry: false,
});

const run = Date.now().toString(36);
const card = {
  amount: 1999,
  currency: "eur",
  allowed_payment_method_types: ["card"],
  payment_method: "pm_card_visa",
  confirm: true,
  metadata: { run },
} satisfies Stripe.PaymentIntentCreateParams;
let failures = 0;

function report(what: string, seen: unknown, documented: unknown): void {
  const same = JSON.stringify(seen) === JSON.stringify(documented);
  if (!same) failures += 1;
  const more = same ? "" : `, and not ${JSON.stringify(documented)}`;
  console.log(`${same ? "ok " : "NOT"}  ${what}: ${JSON.stringify(seen)}${more}`);
}

/** The error with which a call fails. */
async function refusal(call: Promise<unknown>): Promise<Partial<Stripe.errors.StripeError>> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  return { type: "StripeUnknownError", message: "the call succeeded" };
}

const made = await stripe.paymentIntents.create({ ...card, confirm: false });
report("a payment intent with a method, before it is confirmed", made.status, "requires_confirmation");
const paid = await stripe.paymentIntents.confirm(made.id);
report("confirmed", [paid.status, paid.amount_received], ["succeeded", 1999]);

const declined = await refusal(
  stripe.paymentIntents.create({ ...card, payment_method: "pm_card_visa_chargeDeclined" }),
);
report(
  "a declined card",
  [declined.type, declined.code, declined.decline_code],
  ["StripeCardError", "card_declined", "generic_decline"],
);
report("the intent of the declined card", declined.payment_intent?.status, "requires_payment_method");

const held = await stripe.paymentIntents.create({ ...card, capture_method: "manual" });
report("held", [held.status, held.amount_capturable], ["requires_capture", 1999]);
const captured = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1500 });
report("captured in part", [captured.status, captured.amount_received], ["succeeded", 1500]);

const refund = await stripe.refunds.create({ payment_intent: held.id, amount: 1000 });
report("refunded in part", [refund.status, refund.amount], ["succeeded", 1000]);
const over = await refusal(stripe.refunds.create({ payment_intent: held.id, amount: 501 }));
report("refunded too much", [over.type, over.statusCode], ["StripeInvalidRequestError", 400]);

const session = await stripe.checkout.sessions.create({
  mode: "payment",
  success_url: "https://example.com/paid?session={CHECKOUT_SESSION_ID}",
  line_items: [{ quantity: 3, price_data: { currency: "eur", unit_amount: 333, product_data: { name: "Tea" } } }],
});
report("a checkout", [session.status, session.amount_total, session.payment_intent], ["open", 999, null]);
report("the checkout, expired", (await stripe.checkout.sessions.expire(session.id)).status, "expired");

const disputed = await stripe.paymentIntents.create({ ...card, payment_method: "pm_card_createDispute" });
const dispute = (await stripe.disputes.list({ payment_intent: disputed.id })).data[0];
report("a dispute", [dispute?.status, dispute?.reason], ["needs_response", "fraudulent"]);
const evidence = { uncategorized_text: "winning_evidence" };
report("the dispute, answered", (await stripe.disputes.update(dispute?.id ?? "", { evidence })).status, "won");

const idempotencyKey = `example-${run}`;
const first = await stripe.paymentIntents.create(card, { idempotencyKey });
const again = await stripe.paymentIntents.create(card, { idempotencyKey });
report(
  "the same key again",
  [again.id === first.id, again.lastResponse.headers["idempotent-replayed"]],
  [true, "true"],
);
const other = await refusal(stripe.paymentIntents.create({ ...card, amount: 2000 }, { idempotencyKey }));
report("the same key for something else", [other.type, other.statusCode], ["StripeIdempotencyError", 400]);

const listed: string[] = [];
for await (const { id } of stripe.paymentIntents.list({ limit: 2 })) {
  listed.push(id);
  if (listed.includes(made.id)) break;
}
report("a list in pages of two, without doubles", new Set(listed).size, listed.length);
const found = await stripe.paymentIntents.search({ query: `metadata["run"]:"${run}" AND status:"succeeded"` });
report("found by metadata and status", found.data.length, 4);

const unknown = await refusal(
  stripe.paymentIntents.create({ ...card, colour: "red" } as Stripe.PaymentIntentCreateParams),
);
report("an unknown parameter", [unknown.code, unknown.param], ["parameter_unknown", "colour"]);

console.log(failures === 0 ? "\nAll as documented." : `\n${failures} not as documented.`);
process.exitCode = failures === 0 ? 0 : 1;
