// The storefront's payment with credits: made and paid in one call.
import type { FastifyInstance } from "fastify";
import { createPayment } from "../../app/create-payment.ts";
import { type CreditParts, getCreditBalance } from "../../app/credits.ts";
import { accept, type Result } from "../../domain/error.ts";
import type { Payment } from "../../domain/payment.ts";
import { declineOf } from "../json/decline.ts";
import type { RestAnswer, RestCall, RestContext } from "./dialect.ts";
import { type CartTerms, readCreditCart } from "./storefront-cart.ts";
import { PAY_WITH_CREDITS } from "./storefront-schemas.ts";
import { describeShort, whole } from "./storefront-words.ts";

interface CreditsOptions {
  readonly terms: CartTerms;
  readonly accounts: Pick<CreditParts, "credits">;
}

/** What the customer has left now: the payment is made whatever becomes of this question. */
async function readRemaining(
  { accounts }: CreditsOptions,
  { caller }: RestCall,
  { customerId }: Payment,
): Promise<unknown> {
  const balance = await getCreditBalance(accounts, caller, customerId);
  return balance.ok ? whole(balance.value.credits) : null;
}

async function pay({ parts }: RestContext, call: RestCall, options: CreditsOptions): Promise<Result<RestAnswer>> {
  const input = readCreditCart(call, options.terms);
  if (!input.ok) return input;
  const created = await createPayment(parts, call.caller, input.value);
  if (!created.ok) return created;
  const { payment } = created.value;
  const declined = declineOf(payment);
  if (declined) return { ok: false, error: declined };
  return accept({
    status: 200,
    body: {
      ...describeShort(payment),
      credits_deducted: whole(payment.capturedMinor),
      remaining_credits: await readRemaining(options, call, payment),
      message: "Payment successful",
    },
  });
}

export function registerCredits(app: FastifyInstance, context: RestContext, options: CreditsOptions): void {
  app.post(
    "/pay-with-credits",
    { schema: PAY_WITH_CREDITS },
    context.serve((call) => pay(context, call, options)),
  );
}
