// An order as another service keeps it. Here it is only read: what is owed, for what, by whom, and whether it may still be paid.
import { type AskedTerms, type CreateTerms, withOwnAmount } from "./create-payment.ts";
import { checkCreditTerms } from "./credit-terms.ts";
import { accept, type Result, refuse, refuseField } from "./error.ts";
import { type Money, printDecimal, sameMoney } from "./money.ts";
import type { LineItem } from "./payment.ts";

/** In any other status, whatever the order service calls it, an order may not be paid. */
const PAYABLE = "PENDING";

export interface OrderItem {
  readonly productId: string;
  readonly name: string;
  readonly quantity: number;
  /** Null when the order service does not say. */
  readonly unitPrice: Money | null;
}

export interface Order {
  readonly id: string;
  /** Upper case: PENDING, CONFIRMED, CANCELLED, or another word of the order service's. */
  readonly status: string;
  /** Null when the order service does not say. */
  readonly amount: Money | null;
  /** Whose order it is; null when the order service does not say. */
  readonly customerId: string | null;
  readonly customerEmail: string | null;
  readonly items: readonly OrderItem[];
}

export type OrderLookup =
  | { readonly found: Order }
  /** The order service knows no such order. */
  | { readonly found: null }
  /** It cannot be asked now, or says nothing that makes sense. Why, without secrets. */
  | { readonly unavailable: string };

/** A customer who asks for a payment. Another service, which may pay for anybody's order and whose word is taken, is null. */
export type OrderClaimant = { readonly customerId: string | null } | null;

/** As many lines, and pieces of each, as a payment takes. */
const LINES_MAX = 100;
const PIECES_MAX = 10_000;

function refuseNotFound(orderId: string): Result<never> {
  return refuse("ORDER_NOT_FOUND", `there is no order ${orderId}`, { metadata: { orderId } });
}

/** The order's lines, where they add up to its amount; an amount with shipping, taxes or a discount in it stands alone. */
function linesOf({ items }: Order, amount: Money): LineItem[] {
  if (items.length > LINES_MAX) return [];
  const lines: LineItem[] = [];
  let minor = 0n;
  for (const { name, quantity, unitPrice } of items) {
    if (unitPrice === null || unitPrice.currency !== amount.currency || quantity > PIECES_MAX) return [];
    minor += unitPrice.minor * BigInt(quantity);
    lines.push({ name, quantity, unitPrice });
  }
  return minor === amount.minor ? lines : [];
}

function decidePrice(
  asked: AskedTerms,
  order: Order,
  claimant: OrderClaimant,
): Result<Pick<CreateTerms, "amount" | "items">> {
  const { amount } = order;
  if (amount === null) {
    if (claimant === null) return withOwnAmount(asked);
    return refuseField("INVALID_AMOUNT", "amount", "is not said by the order service, and a customer cannot say it");
  }
  if (asked.amount === null) return accept({ amount, items: linesOf(order, amount) });
  // A customer's lines are not repeated: they would tell others what was bought in the customer's words.
  if (sameMoney(asked.amount, amount))
    return accept({ amount, items: claimant === null ? asked.items : linesOf(order, amount) });
  const said = `${printDecimal(asked.amount)} ${asked.amount.currency}`;
  const owed = `${printDecimal(amount)} ${amount.currency}`;
  return refuseField("INVALID_AMOUNT", "amount", `is ${said}, but the order is of ${owed}; send that, or leave it out`);
}

/**
 * What is created for an order: its amount, which the caller may repeat but not change, and its customer where the caller names none.
 * Refuses with ORDER_NOT_FOUND (also for another customer's), ORDER_NOT_PAYABLE or INVALID_AMOUNT, in this order,
 * and as checkCreditTerms does.
 */
export function decideTerms(asked: AskedTerms, order: Order | null, claimant: OrderClaimant): Result<CreateTerms> {
  const { orderId } = asked;
  if (order === null) return refuseNotFound(orderId);
  if (claimant && (claimant.customerId === null || claimant.customerId !== order.customerId)) {
    return refuseNotFound(orderId);
  }
  if (order.status !== PAYABLE) {
    return refuse("ORDER_NOT_PAYABLE", `the order's status is ${order.status}; only a ${PAYABLE} order can be paid`, {
      metadata: { orderId, status: order.status },
    });
  }
  const price = decidePrice(asked, order, claimant);
  if (!price.ok) return price;
  const terms: CreateTerms = {
    ...asked,
    ...price.value,
    customerId: asked.customerId ?? order.customerId,
    customerEmail: asked.customerEmail ?? order.customerEmail,
  };
  const counted = checkCreditTerms({ ...terms, currency: terms.amount.currency });
  return counted.ok ? accept(terms) : counted;
}
