// What a caller may ask for when a payment is created, and what is made of it.
import { checkCreditTerms } from "./credit-terms.ts";
import { accept, type FieldViolation, type Reason, type Result, refuse, refuseField } from "./error.ts";
import type { PaymentId } from "./ids.ts";
import { MINOR_MAX, type Money, money, parseMoney, sameMoney } from "./money.ts";
import type { CaptureMethod, LineItem, Payment, PaymentMode, PaymentTerms } from "./payment.ts";

/** An amount as a caller sent it. */
export interface MoneyInput {
  readonly minor: bigint;
  readonly currency: string;
}

/** A line as a caller sent it. */
export interface ItemInput extends Omit<LineItem, "unitPrice"> {
  readonly unitPrice: MoneyInput;
}

export interface CreateInput {
  readonly orderId: string;
  readonly amount: MoneyInput | null;
  readonly items: readonly ItemInput[];
  readonly customerId: string | null;
  readonly customerEmail: string | null;
  readonly mode: PaymentMode;
  readonly provider: string;
  readonly captureMethod: CaptureMethod;
  /** With it an INTENT is confirmed at once. */
  readonly paymentMethod: string | null;
  readonly successUrl: string | null;
  readonly cancelUrl: string | null;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Null: as attemptsDefault says. */
  readonly attemptsMax: number | null;
}

/** What is asked for, checked: all that is decided before the payment has an id. */
export type CreateTerms = Omit<PaymentTerms, "id" | "principal" | "clientToken" | "createdAt"> & {
  readonly paymentMethod: string | null;
};

/** Checked, but without an amount where the caller named none: the order says it then. */
export type AskedTerms = Omit<CreateTerms, "amount"> & { readonly amount: Money | null };

/** What a deployment allows. */
export interface CreateRules {
  readonly providers: ReadonlySet<string>;
  /** Those that customers may choose from. Absent: the first of all, which is the default, and credits. */
  readonly customerProviders?: ReadonlySet<string>;
  /** Origins that success and cancel URLs may have, such as `https://shop.example`; loopback ones of any port may be allowed too. */
  readonly returnOrigins: ReadonlySet<string>;
  readonly loopbackReturns: boolean;
}

const LOOPBACK_HOSTS = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** How many declined attempts end a payment: several on a page, since people mistype. */
export function attemptsDefault(mode: PaymentMode): number {
  return mode === "CHECKOUT" ? 5 : 1;
}

function refuseNoAmount(): Result<never> {
  return refuseField("INVALID_AMOUNT", "amount", "is absent, and so are items; send one of them");
}

function parseItems(input: CreateInput): Result<{ items: LineItem[]; total: Money }> {
  const items: LineItem[] = [];
  let total: Money | undefined;
  for (const [index, item] of input.items.entries()) {
    const field = `items[${index}]`;
    const price = parseMoney(item.unitPrice.minor, item.unitPrice.currency, `${field}.unit_price`);
    if (!price.ok) return price;
    total ??= money(0n, price.value.currency);
    if (price.value.currency !== total.currency) {
      return refuseField(
        "INVALID_AMOUNT",
        `${field}.unit_price.currency`,
        `is ${price.value.currency}, the items before are in ${total.currency}; send one currency`,
      );
    }
    total = money(total.minor + price.value.minor * BigInt(item.quantity), total.currency);
    const { name, quantity, metadata } = item;
    // In one order of keys, as the same request reads the same everywhere.
    items.push({ name, unitPrice: price.value, quantity, ...(metadata && { metadata }) });
  }
  if (!total) return refuseNoAmount();
  if (total.minor > MINOR_MAX)
    return refuseField("INVALID_AMOUNT", "items", `add up to ${total.minor}, above ${MINOR_MAX}, the largest amount`);
  return accept({ items, total });
}

function parseAmount(input: CreateInput): Result<{ items: readonly LineItem[]; amount: Money | null }> {
  if (!input.amount && input.items.length === 0) return accept({ items: [], amount: null });
  if (input.amount && input.items.length === 0) {
    const amount = parseMoney(input.amount.minor, input.amount.currency, "amount");
    return amount.ok ? accept({ items: [], amount: amount.value }) : amount;
  }
  const itemized = parseItems(input);
  if (!itemized.ok) return itemized;
  const { items, total } = itemized.value;
  if (!input.amount) return accept({ items, amount: total });
  const amount = parseMoney(input.amount.minor, input.amount.currency, "amount");
  if (!amount.ok) return amount;
  if (sameMoney(amount.value, total)) return accept({ items, amount: total });
  return refuseField(
    "INVALID_AMOUNT",
    "amount",
    `is ${amount.value.minor} ${amount.value.currency}, but the items add up to ${total.minor} ${total.currency}; they must agree`,
  );
}

function parseReturnUrl(text: string | null, field: string, rules: CreateRules): Result<string | null> {
  if (text === null) return accept(null);
  const url = URL.parse(text);
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) {
    return refuseField("INVALID_URL", field, "is not an http or https URL; send one such as https://shop.example/paid");
  }
  if (url.username || url.password)
    return refuseField("INVALID_URL", field, "carries a user name or password; leave them out");
  const allowed = rules.returnOrigins.has(url.origin) || (rules.loopbackReturns && LOOPBACK_HOSTS.has(url.hostname));
  if (!allowed)
    return refuseField(
      "INVALID_URL",
      field,
      `has the origin ${url.origin}, which is not among those that the service allows`,
    );
  return accept(url.href);
}

function invalid(field: string, description: string): FieldViolation {
  return { field, description };
}

function refuseAll(reason: Reason, violations: readonly FieldViolation[]): Result<never> {
  return refuse(reason, violations.map((violation) => `${violation.field}: ${violation.description}`).join("; "), {
    metadata: { field: violations[0]?.field ?? "" },
    violations,
  });
}

/** Checks what is asked for. Refuses with INVALID_ARGUMENT, INVALID_AMOUNT, UNSUPPORTED_CURRENCY or INVALID_URL. */
export function parseAsked(input: CreateInput, rules: CreateRules): Result<AskedTerms> {
  const violations: FieldViolation[] = [];
  if (!rules.providers.has(input.provider)) {
    violations.push(invalid("provider", `"${input.provider}" is not one of ${[...rules.providers].join(", ")}`));
  }
  if (input.mode === "CHECKOUT" && input.paymentMethod !== null) {
    violations.push(invalid("payment_method", "a CHECKOUT is paid on the hosted page; send none, or mode INTENT"));
  }
  if (violations.length > 0) return refuseAll("INVALID_ARGUMENT", violations);
  const priced = parseAmount(input);
  if (!priced.ok) return priced;
  const counted = checkCreditTerms({ ...input, currency: priced.value.amount?.currency ?? null });
  if (!counted.ok) return counted;
  const successUrl = parseReturnUrl(input.successUrl, "success_url", rules);
  if (!successUrl.ok) return successUrl;
  const cancelUrl = parseReturnUrl(input.cancelUrl, "cancel_url", rules);
  if (!cancelUrl.ok) return cancelUrl;
  return accept({
    orderId: input.orderId,
    customerId: input.customerId,
    customerEmail: input.customerEmail,
    mode: input.mode,
    captureMethod: input.captureMethod,
    provider: input.provider,
    amount: priced.value.amount,
    items: priced.value.items,
    description: input.description,
    // In one order of keys, whatever the caller's was: the same request reads the same everywhere.
    metadata: Object.fromEntries(Object.entries(input.metadata).sort(([a], [b]) => (a < b ? -1 : 1))),
    successUrl: successUrl.value,
    cancelUrl: cancelUrl.value,
    attemptsMax: input.attemptsMax ?? attemptsDefault(input.mode),
    paymentMethod: input.paymentMethod,
  });
}

/** The terms where nobody but the caller says the amount. */
export function withOwnAmount({ amount, ...asked }: AskedTerms): Result<CreateTerms> {
  return amount === null ? refuseNoAmount() : accept({ ...asked, amount });
}

/** A new payment, before its provider knows of it. */
export function newPayment(
  terms: CreateTerms,
  birth: {
    readonly id: PaymentId;
    readonly principal: string;
    readonly clientToken: string;
    readonly now: Date;
    readonly expiresAt: Date | null;
  },
): Payment {
  const { paymentMethod: _token, ...kept } = terms;
  return {
    ...kept,
    id: birth.id,
    principal: birth.principal,
    clientToken: birth.clientToken,
    createdAt: birth.now,
    status: "PENDING",
    providerReference: null,
    sessionId: null,
    checkoutUrl: null,
    chargeReference: null,
    paymentMethod: null,
    capturedMinor: 0n,
    refundedMinor: 0n,
    refundPendingMinor: 0n,
    declinedAttempts: [],
    failure: null,
    cancelReason: null,
    disputeStatus: null,
    activeOperationId: null,
    version: 1,
    revision: 1,
    updatedAt: birth.now,
    expiresAt: birth.expiresAt,
    capturedAt: null,
    canceledAt: null,
  };
}
