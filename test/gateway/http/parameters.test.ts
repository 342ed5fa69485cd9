// Whether the tables of parameters are Stripe's: every parameter that the official SDK has for these calls is known here. What this gateway does
// not do is refused by name, and is never taken for a parameter that Stripe does not have.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { errorIn, StripeBench } from "./open-local-stripe.ts";

let bench: StripeBench;

before(async () => {
  bench = await StripeBench.make();
});
after(() => bench.dispose());

const calls: [method: string, path: string, file: string, type: string][] = [
  ["POST", "payment_intents", "PaymentIntents", "PaymentIntentCreateParams"],
  ["POST", "payment_intents/pi_1", "PaymentIntents", "PaymentIntentUpdateParams"],
  ["POST", "payment_intents/pi_1/confirm", "PaymentIntents", "PaymentIntentConfirmParams"],
  ["POST", "payment_intents/pi_1/capture", "PaymentIntents", "PaymentIntentCaptureParams"],
  ["POST", "payment_intents/pi_1/cancel", "PaymentIntents", "PaymentIntentCancelParams"],
  ["GET", "payment_intents", "PaymentIntents", "PaymentIntentListParams"],
  ["GET", "payment_intents/pi_1", "PaymentIntents", "PaymentIntentRetrieveParams"],
  ["GET", "payment_intents/search", "PaymentIntents", "PaymentIntentSearchParams"],
  ["POST", "checkout/sessions", "Checkout/Sessions", "SessionCreateParams"],
  ["GET", "checkout/sessions", "Checkout/Sessions", "SessionListParams"],
  ["POST", "refunds", "Refunds", "RefundCreateParams"],
  ["GET", "refunds", "Refunds", "RefundListParams"],
  ["GET", "charges", "Charges", "ChargeListParams"],
  ["POST", "disputes/du_1", "Disputes", "DisputeUpdateParams"],
  ["GET", "disputes", "Disputes", "DisputeListParams"],
  ["GET", "events", "Events", "EventListParams"],
  ["POST", "webhook_endpoints", "WebhookEndpoints", "WebhookEndpointCreateParams"],
  ["POST", "webhook_endpoints/we_1", "WebhookEndpoints", "WebhookEndpointUpdateParams"],
];

/** The members of one of the SDK's interfaces. */
function parametersOf(file: string, type: string): string[] {
  const source = readFileSync(`node_modules/stripe/esm/resources/${file}.d.ts`, "utf8");
  const [, indent = "", body = ""] =
    new RegExp(`^( *)(?:export )?interface ${type} [^{]*\\{\\n([^]*?)^\\1\\}`, "m").exec(source) ?? [];
  return Array.from(body.matchAll(new RegExp(`^${indent}    ([a-z_]+)\\??:`, "gm")), ([, name = ""]) => name);
}

for (const [method, path, file, type] of calls) {
  test(`${method} /v1/${path} knows every parameter of the SDK's ${type}`, async () => {
    const names = parametersOf(file, type);
    assert.ok(names.length > 0);
    const form = names.map((name) => `${name}=%01`).join("&");
    const answer = await bench.send(method, `/v1/${path}`, form);
    assert.doesNotMatch(String(errorIn(answer)["message"]), /^Received unknown/);
  });
}
