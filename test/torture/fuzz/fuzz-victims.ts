// Payments that are there before the first input, for inputs that name one; and a payment in peace afterwards.
import { randomUUID } from "node:crypto";
import type { ServiceProcess } from "../../support/service-process.ts";

const KINDS = [
  { mode: "PAYMENT_MODE_INTENT", paymentMethod: "pm_card_visa" },
  { mode: "PAYMENT_MODE_INTENT", paymentMethod: "pm_card_visa", captureMethod: "CAPTURE_METHOD_MANUAL" },
  { mode: "PAYMENT_MODE_INTENT" },
  { mode: "PAYMENT_MODE_CHECKOUT" },
];
const OF_EACH_KIND = 5;

async function create({ http }: ServiceProcess, orderId: string, terms: object): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${http.port}/payment.v1.PaymentService/CreatePayment`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ orderId, amount: { currency: "EUR", minor: "1000000" }, ...terms }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`no payment was made: ${response.status} ${text}`);
  return text;
}

/** Gives their orders. */
export async function seedVictims(service: ServiceProcess): Promise<string[]> {
  const terms = Array.from({ length: OF_EACH_KIND }, () => KINDS).flat();
  const orders = terms.map((_, index) => `victim-${index}`);
  await Promise.all(terms.map((each, index) => create(service, `victim-${index}`, each)));
  return orders;
}

/** How long a payment takes, from the call to its answer. */
export async function payPromptly(service: ServiceProcess): Promise<number> {
  const startedAt = performance.now();
  const text = await create(service, `peace-${randomUUID()}`, {
    mode: "PAYMENT_MODE_INTENT",
    paymentMethod: "pm_card_visa",
  });
  if (!text.includes("PAYMENT_STATUS_SUCCEEDED")) throw new Error(`the payment was not made: ${text}`);
  return Math.round(performance.now() - startedAt);
}
