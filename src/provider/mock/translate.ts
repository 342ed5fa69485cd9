// From the gateway's lives to facts. The gateway's objects have Stripe's fields, so they are read and translated as Stripe's are; amounts pass
// unchanged, since the direct face is given ISO 4217 minor units.
import type { Fact } from "../../domain/fact.ts";
import type { Life } from "../../gateway/direct.ts";
import type { ProviderPayment } from "../provider.ts";
import { readCharge, readDispute, readIntent, readList, readRefund, readSession } from "../stripe/objects.ts";
import { asFields } from "../stripe/read.ts";
import { historyOf, type StripeLife } from "../stripe/translate.ts";
import { ISO_UNITS } from "../stripe/units.ts";

/** Reads a life. `checkoutBaseUrl` is where the gateway serves its pages, without a slash at the end. */
export function readLife(life: Life, checkoutBaseUrl: string): StripeLife {
  const { session } = life;
  return {
    intent: readIntent(asFields(life.intent, "intent"), ISO_UNITS),
    session:
      session &&
      readSession(asFields({ ...session, url: `${checkoutBaseUrl}/c/pay/${session.id}` }, "session"), ISO_UNITS),
    charges: readList(life.charges, (charge) => readCharge(charge, ISO_UNITS)),
    refunds: readList(life.refunds, (refund) => readRefund(refund, ISO_UNITS)),
    disputes: readList(life.disputes, (dispute) => readDispute(dispute, ISO_UNITS)),
  };
}

/** A payment as the gateway's own list has it. */
export function tellPayment(life: StripeLife, now: Date): ProviderPayment | null {
  const { intent, session } = life;
  const made = session ?? intent;
  return (
    made && {
      paymentId: made.paymentId,
      orderId: made.orderId,
      providerReference: intent?.id ?? null,
      sessionId: session?.id ?? null,
      owed: made.owed,
      createdAt: made.createdAt,
      facts: historyOf(life, now),
    }
  );
}

/** The refund of a life that an id names. */
export function refundFacts(life: StripeLife, id: string): Fact[] {
  return life.refunds.filter((refund) => refund.providerReference === id);
}
