// The storefront's cart: books with their prices in cents and in credits, read into what is created. A cart has no id, so the order that it becomes is
// given one here, unless the caller names it.
import { hash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CreatePaymentInput } from "../../app/create-payment.ts";
import { CREDITS_METHOD, CREDITS_PROVIDER } from "../../domain/credit-terms.ts";
import type { ItemInput } from "../../domain/create-payment.ts";
import { CREDITS } from "../../domain/currency.ts";
import { accept, refuseField, type Result } from "../../domain/error.ts";
import { PaymentMode } from "../../../gen/payment/v1/payment_pb.ts";
import type { CreatePaymentRequestSchema } from "../../../gen/payment/v1/payment_service_pb.ts";
import { checkCreate } from "../json/contract.ts";
import type { RestCall } from "./dialect.ts";
import {
  type Fields,
  readAll,
  readBody,
  readCurrencyOrNull,
  readIntegerOrNull,
  readList,
  readMinor,
  readText,
  readTextOrNull,
  readTexts,
} from "../json/fields.ts";

/** What is the same for every payment that is created here. */
export interface CartTerms {
  readonly provider: string;
  readonly successUrl: string | null;
  readonly cancelUrl: string | null;
  randomUuid(): string;
}

type CreateInit = MessageInitShape<typeof CreatePaymentRequestSchema>;

const CURRENCY_DEFAULT = "USD";
/** A customer who mistypes a card in the browser's form may try again. What customers ask for themselves has the service's own bound. */
const INTENT_ATTEMPTS_MAX = 5;
const BOOK_ID_LENGTH_MAX = 128;
const CONTROL = /\p{Cc}/u;

/**
 * The order's id: the caller's, or one of its own for each Idempotency-Key, so that a repeated request means the same order, or a new one for each
 * request without a key.
 */
function orderIdOf(sent: string | null, { caller, requestId }: RestCall, terms: CartTerms): string {
  if (sent !== null) return sent;
  if (requestId === "") return `order_${terms.randomUuid()}`;
  const digest = hash("sha256", JSON.stringify([caller.principal, requestId]), "hex");
  // A UUID of version 8 (RFC 9562): one that is made in a way of its own.
  return `order_${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}

/** A whole number that is not below zero. */
function readWhole(fields: Fields, key: string, fallback: number | null): Result<number> {
  const read = readIntegerOrNull(fields, key);
  if (!read.ok) return read;
  const value = read.value ?? fallback;
  if (value === null) return refuseField("INVALID_ARGUMENT", `${fields.path}${key}`, "is missing; send it");
  if (value >= 0) return accept(value);
  return refuseField("INVALID_ARGUMENT", `${fields.path}${key}`, "must not be below zero");
}

function readBookId(fields: Fields): Result<string> {
  const id = readText(fields, "book_id");
  if (!id.ok || (id.value.length <= BOOK_ID_LENGTH_MAX && !CONTROL.test(id.value))) return id;
  return refuseField(
    "INVALID_ARGUMENT",
    `${fields.path}book_id`,
    `must be at most ${BOOK_ID_LENGTH_MAX} characters, without control characters`,
  );
}

/** What an item has whatever it is paid with. */
function readBook(fields: Fields) {
  return {
    bookId: readBookId(fields),
    name: readText(fields, "title"),
    quantity: readWhole(fields, "quantity", 1),
    credits: readWhole(fields, "credits", 1),
  };
}

function readItem(fields: Fields, currency: string): Result<ItemInput> {
  const all = readAll({ ...readBook(fields), price: readMinor(fields, "price_cents") });
  if (!all.ok) return all;
  const { name, quantity, price, bookId, credits } = all.value;
  const metadata = { book_id: bookId, credits: String(credits) };
  return accept({ name, unitPrice: { minor: price, currency }, quantity, metadata });
}

function readCreditItem(fields: Fields): Result<ItemInput> {
  const all = readAll({ ...readBook(fields), price: readWhole(fields, "price_cents", null) });
  if (!all.ok) return all;
  const { name, quantity, price, bookId, credits } = all.value;
  const metadata = { book_id: bookId, price_cents: String(price) };
  return accept({ name, unitPrice: { minor: BigInt(credits), currency: CREDITS }, quantity, metadata });
}

function readItems(fields: Fields, read: (item: Fields) => Result<ItemInput>): Result<readonly ItemInput[]> {
  const items = readList(fields, "items", read);
  if (items.ok && items.value.length === 0)
    return refuseField("INVALID_ARGUMENT", "items", "is missing or empty; send what is bought");
  return items;
}

/** Who buys, and for which order. */
function readBuyer(fields: Fields) {
  return {
    userId: readText(fields, "user_id"),
    orderId: readTextOrNull(fields, "order_id"),
    email: readTextOrNull(fields, "customer_email"),
    metadata: readTexts(fields, "metadata"),
  };
}

interface Cart {
  readonly userId: string;
  readonly orderId: string | null;
  readonly email: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly items: readonly ItemInput[];
}

/** The cart by the contract's rules. The contract has no notes on lines, so they go beside it. */
function checkCart(
  cart: Cart,
  init: CreateInit,
  { call, terms }: { readonly call: RestCall; readonly terms: CartTerms },
): Result<CreatePaymentInput> {
  const checked = checkCreate(
    {
      orderId: orderIdOf(cart.orderId, call, terms),
      customerId: cart.userId,
      customerEmail: cart.email ?? "",
      metadata: cart.metadata,
      requestId: call.requestId,
      items: cart.items.map(({ name, unitPrice, quantity }) => ({ name, unitPrice, quantity })),
      ...init,
    },
    { provider: terms.provider },
  );
  return checked.ok ? accept({ ...checked.value, items: cart.items }) : checked;
}

function readCart(fields: Fields): Result<Cart> {
  const currency = readCurrencyOrNull(fields, "currency");
  const code = (currency.ok && currency.value) || CURRENCY_DEFAULT;
  return readAll({ ...readBuyer(fields), currency, items: readItems(fields, (item) => readItem(item, code)) });
}

/** A cart to be paid with money, by the browser's own form. */
export function readIntent(call: RestCall, terms: CartTerms): Result<CreatePaymentInput> {
  const body = readBody(call.request);
  if (!body.ok) return body;
  const cart = readCart(body.value);
  if (!cart.ok) return cart;
  const attemptsMax = call.caller.role === "customer" ? 0 : INTENT_ATTEMPTS_MAX;
  return checkCart(cart.value, { mode: PaymentMode.INTENT, attemptsMax }, { call, terms });
}

/** A cart to be paid with money, on the hosted page. */
export function readCheckout(call: RestCall, terms: CartTerms): Result<CreatePaymentInput> {
  const body = readBody(call.request);
  if (!body.ok) return body;
  const all = readAll({
    cart: readCart(body.value),
    successUrl: readTextOrNull(body.value, "success_url"),
    cancelUrl: readTextOrNull(body.value, "cancel_url"),
  });
  if (!all.ok) return all;
  const { cart, successUrl, cancelUrl } = all.value;
  const init = {
    mode: PaymentMode.CHECKOUT,
    successUrl: successUrl ?? terms.successUrl ?? "",
    cancelUrl: cancelUrl ?? terms.cancelUrl ?? "",
  };
  return checkCart(cart, init, { call, terms });
}

/** A cart to be paid with credits, at once. What its items cost must be `total_credits`, exactly. */
export function readCreditCart(call: RestCall, terms: CartTerms): Result<CreatePaymentInput> {
  const body = readBody(call.request);
  if (!body.ok) return body;
  const fields = body.value;
  const all = readAll({
    ...readBuyer(fields),
    items: readItems(fields, readCreditItem),
    total: readMinor(fields, "total_credits"),
  });
  if (!all.ok) return all;
  const { total, ...cart } = all.value;
  const sum = cart.items.reduce((credits, item) => credits + item.unitPrice.minor * BigInt(item.quantity), 0n);
  if (sum !== total)
    return refuseField(
      "INVALID_AMOUNT",
      "total_credits",
      `is ${total}, but the items add up to ${sum}; they must agree`,
    );
  const init = {
    mode: PaymentMode.INTENT,
    provider: CREDITS_PROVIDER,
    paymentMethod: CREDITS_METHOD,
    amount: { minor: total, currency: CREDITS },
  };
  return checkCart(cart, init, { call, terms });
}
