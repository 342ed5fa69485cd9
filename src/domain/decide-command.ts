// What a caller's wish means for a payment as it stands: an operation to make, a question to the provider, nothing to do, or a refusal.
// Pure rules; whether another operation is under way is for the caller of these functions to look at first.
import { accept, type Result, refuse, refuseField } from "./error.ts";
import { printPaymentId } from "./ids.ts";
import { type Money, parseCurrency } from "./money.ts";
import type { CreateTerms, MoneyInput } from "./create-payment.ts";
import { isClosed, isHeldLate, isOpen, isPaid, type Payment, refundableMinor } from "./payment.ts";

/** What every refusal says of the payment that it speaks of. */
function about(payment: Payment): Record<string, string> {
  return { paymentId: printPaymentId(payment.id), status: payment.status };
}

/** An order has a payment already. Accepts when the caller gets that payment as the answer. */
export function decideCreateAgain(existing: Payment, terms: CreateTerms): Result<Payment> {
  const metadata = { ...about(existing), orderId: existing.orderId };
  if (isPaid(existing.status)) {
    return refuse("PAYMENT_ALREADY_COMPLETED", `order ${existing.orderId} is paid already`, { metadata });
  }
  const same = existing.amount.minor === terms.amount.minor && existing.amount.currency === terms.amount.currency;
  if (same) return accept(existing);
  return refuse(
    "ORDER_HAS_OPEN_PAYMENT",
    `order ${existing.orderId} has an open payment of ${existing.amount.minor} ${existing.amount.currency}; cancel it first, or ask for the same amount`,
    { metadata: { ...metadata, amountMinor: existing.amount.minor.toString(), currency: existing.amount.currency } },
  );
}

/** Reads an amount that must be in the payment's currency and above zero. */
function parseOwnAmount(amount: MoneyInput, payment: Payment): Result<Money> {
  const currency = parseCurrency(amount.currency, "amount.currency");
  if (!currency.ok) return currency;
  if (currency.value !== payment.amount.currency) {
    return refuseField(
      "INVALID_AMOUNT",
      "amount.currency",
      `is ${currency.value}, the payment is in ${payment.amount.currency}`,
    );
  }
  if (amount.minor <= 0n)
    return refuseField(
      "INVALID_AMOUNT",
      "amount.minor",
      `${amount.minor} is not above zero; send at least 1 minor unit`,
    );
  return accept({ minor: amount.minor, currency: currency.value });
}

export type CompleteStep =
  | { readonly step: "confirm"; readonly paymentMethod: string }
  | { readonly step: "capture"; readonly amountMinor: bigint }
  /** Ask the provider whether the payment was paid. */
  | { readonly step: "verify" };

export function decideComplete(
  payment: Payment,
  wish: { readonly paymentMethod: string | null; readonly amount: MoneyInput | null },
): Result<CompleteStep> {
  if (isPaid(payment.status)) {
    return refuse("PAYMENT_ALREADY_COMPLETED", `the payment is ${payment.status}`, { metadata: about(payment) });
  }
  if (isClosed(payment.status)) {
    return refuse("ORDER_NOT_PAYABLE", `the payment is ${payment.status}; create another one for the order`, {
      metadata: { ...about(payment), orderId: payment.orderId },
    });
  }
  let amountMinor = payment.amount.minor;
  if (wish.amount) {
    const amount = parseOwnAmount(wish.amount, payment);
    if (!amount.ok) return amount;
    if (amount.value.minor > payment.amount.minor) {
      return refuseField(
        "INVALID_AMOUNT",
        "amount.minor",
        `${amount.value.minor} is above ${payment.amount.minor}, which is what the payment holds`,
      );
    }
    amountMinor = amount.value.minor;
  }
  if (payment.status === "AUTHORIZED") return accept({ step: "capture", amountMinor });
  if (amountMinor !== payment.amount.minor) {
    return refuseField(
      "INVALID_AMOUNT",
      "amount.minor",
      `only an AUTHORIZED payment is captured in part; this one is ${payment.status} and owes ${payment.amount.minor}`,
    );
  }
  if (isOpen(payment.status) && wish.paymentMethod !== null)
    return accept({ step: "confirm", paymentMethod: wish.paymentMethod });
  return accept({ step: "verify" });
}

/** Accepts `cancel` when there is something to let go of, `done` when it was canceled before. */
export function decideCancel(payment: Payment): Result<"cancel" | "done"> {
  if (payment.status === "CANCELED") return accept("done");
  if (isOpen(payment.status) || payment.status === "AUTHORIZED") return accept("cancel");
  const remedy = isPaid(payment.status) && payment.status !== "REFUNDED" ? "; refund it instead" : "";
  return refuse("PAYMENT_NOT_CANCELABLE", `the payment is ${payment.status}${remedy}`, { metadata: about(payment) });
}

/** Accepts the amount to give back. */
export function decideRefund(payment: Payment, amount: MoneyInput | null): Result<Money> {
  if (!isPaid(payment.status) && !isHeldLate(payment)) {
    return refuse("PAYMENT_NOT_PAID", `the payment is ${payment.status}, there is nothing to give back`, {
      metadata: about(payment),
    });
  }
  let minor = refundableMinor(payment);
  const metadata = { ...about(payment), refundableMinor: minor.toString(), currency: payment.amount.currency };
  if (amount) {
    const parsed = parseOwnAmount(amount, payment);
    if (!parsed.ok) return parsed;
    if (parsed.value.minor > minor) {
      return refuse(
        "REFUND_EXCEEDS_CAPTURED",
        `${parsed.value.minor} is above ${minor} ${payment.amount.currency}, which is all that is left to give back`,
        {
          metadata: { ...metadata, amountMinor: parsed.value.minor.toString() },
        },
      );
    }
    minor = parsed.value.minor;
  }
  if (minor === 0n)
    return refuse("REFUND_EXCEEDS_CAPTURED", "all of the payment is given back or being given back", { metadata });
  return accept({ minor, currency: payment.amount.currency });
}
