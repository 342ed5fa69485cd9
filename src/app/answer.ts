// What a call that changes something answers, and how it is kept: the same answer for every copy of the request, through whichever door.
import type { PaymentRecord, RefundRecord } from "../db/entities.ts";
import { paymentFromRecord, paymentToRecord, refundFromRecord, refundToRecord, type Stored } from "../db/records.ts";
import type { Refusal, Result } from "../domain/error.ts";
import type { Payment } from "../domain/payment.ts";
import type { Refund } from "../domain/refund.ts";

export interface Checkout {
  readonly sessionId: string;
  readonly url: string;
  readonly expiresAt: Date;
}

export interface Answer {
  readonly payment: Payment;
  /** RefundPayment alone. */
  readonly refund: Refund | null;
  /** CreatePayment in mode CHECKOUT alone. */
  readonly checkout: Checkout | null;
  /** CreatePayment in mode INTENT alone. */
  readonly clientSecret: string | null;
}

interface StoredAnswer {
  readonly payment: Stored<PaymentRecord>;
  readonly refund?: Stored<RefundRecord>;
  readonly clientSecret?: string;
  readonly isCheckout?: true;
}

type StoredResponse = { readonly answer: StoredAnswer } | { readonly refusal: Refusal };

/** Nulls say nothing that their absence does not. */
function withoutNulls<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null)) as T;
}

export function checkoutOf(payment: Payment): Checkout | null {
  const { sessionId, checkoutUrl, expiresAt } = payment;
  return sessionId && checkoutUrl && expiresAt ? { sessionId, url: checkoutUrl, expiresAt } : null;
}

export function toStored(result: Result<Answer>): unknown {
  if (!result.ok) return { refusal: result.error } satisfies StoredResponse;
  const { payment, refund, checkout, clientSecret } = result.value;
  return {
    answer: {
      payment: withoutNulls(paymentToRecord(payment)),
      ...(refund && { refund: withoutNulls(refundToRecord(refund)) }),
      ...(clientSecret && { clientSecret }),
      ...(checkout && { isCheckout: true as const }),
    },
  } satisfies StoredResponse;
}

export function fromStored(stored: unknown): Result<Answer> {
  const response = stored as StoredResponse;
  if ("refusal" in response) return { ok: false, error: response.refusal };
  const { payment: record, refund, clientSecret, isCheckout } = response.answer;
  const payment = paymentFromRecord(record);
  return {
    ok: true,
    value: {
      payment,
      refund: refund ? refundFromRecord(refund) : null,
      checkout: isCheckout ? checkoutOf(payment) : null,
      clientSecret: clientSecret ?? null,
    },
  };
}
