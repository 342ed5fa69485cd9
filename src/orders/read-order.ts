// Reads an order as the order service sends it, and believes none of it: amounts are taken from the digits of the JSON text, never from a double,
// and what does not make sense is a problem, told without the order's contents.
//
// The order is the body, or its field `order`. What document 001 leaves open may be called as order services usually do: the first of the names
// below that is there counts.
import type { Order, OrderItem } from "../domain/order.ts";
import { type Money, parseCurrency, parseDecimal } from "../domain/money.ts";

const ID = ["_id", "id", "orderId"];
const AMOUNT = ["totalAmount", "total", "totalPrice", "amount"];
const PRICE = ["unitPrice", "price"];
const CUSTOMER_ID = ["customerId", "userId", "user"];
const CUSTOMER_EMAIL = ["customerEmail", "userEmail", "email"];
const PRODUCT_ID = ["productId", "product"];
const NAME = ["name", "productName", "title"];

const STATUS = /^[A-Z][A-Z0-9_ -]{0,39}$/;
const TEXT_LENGTH_MAX = 128;
const EMAIL = /^[^@\s\p{Cc}]+@[^@\s\p{Cc}]+$/u;
const EMAIL_LENGTH_MAX = 320;
const NAME_LENGTH_MAX = 250;
const ITEMS_MAX = 1_000;
const QUANTITY_MAX = 1_000_000n;

/** The order makes no sense. The message names the field, and never its value. */
export class OrderProblem extends Error {}

/** The digits of a JSON number, as they were sent. */
class Digits {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function keepDigits(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  return typeof value === "number" ? new Digits(context.source ?? "") : value;
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text, keepDigits);
  } catch {
    throw new OrderProblem("the answer is not JSON");
  }
}

function asFields(value: unknown, name: string): Fields {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Digits);
  if (isObject) return value as Fields;
  throw new OrderProblem(`${name} is not an object`);
}

/** The first of some names that has a value, with that value. */
function find(fields: Fields, names: readonly string[]): { readonly name: string; readonly value: unknown } | null {
  for (const name of names) {
    const value = fields[name];
    if (value !== undefined && value !== null && value !== "") return { name, value };
  }
  return null;
}

/** A text, a number taken for one, or the id of an object that stands in its place. */
function readText(fields: Fields, names: readonly string[]): string | null {
  const found = find(fields, names);
  if (!found) return null;
  const { name, value } = found;
  if (value instanceof Digits) return value.text;
  if (typeof value === "object") return readText(asFields(value, name), ["_id", "id"]);
  const readable =
    typeof value === "string" && value.length <= TEXT_LENGTH_MAX && value.isWellFormed() && !/\p{Cc}/u.test(value);
  if (!readable) throw new OrderProblem(`${name} is not a text of at most ${TEXT_LENGTH_MAX} characters`);
  return value;
}

/** What a customer reads; shortened, since it moves nothing. */
function readName(item: Fields): string | null {
  const value = find(item, NAME)?.value;
  if (typeof value !== "string") return null;
  return (
    value
      .replace(/\p{Cc}+/gu, " ")
      .slice(0, NAME_LENGTH_MAX)
      .trim()
      .toWellFormed() || null
  );
}

/** Null, too, when what is there cannot be written to. */
function readEmail(order: Fields): string | null {
  const value = find(order, CUSTOMER_EMAIL)?.value;
  return typeof value === "string" && value.length <= EMAIL_LENGTH_MAX && EMAIL.test(value) ? value : null;
}

function readMoney(fields: Fields, names: readonly string[], currency: string): Money | null {
  const found = find(fields, names);
  if (!found) return null;
  const { name, value } = found;
  const text = value instanceof Digits ? value.text : value;
  if (typeof text !== "string") throw new OrderProblem(`${name} is not a number`);
  const amount = parseDecimal(text, currency, name);
  if (!amount.ok) throw new OrderProblem(`${name} is not an amount above zero that ${currency} can hold`);
  return amount.value;
}

function readCurrency(fields: Fields, fallback: string): string {
  const code = parseCurrency(readText(fields, ["currency"]) ?? fallback, "currency");
  if (!code.ok) throw new OrderProblem("currency is not an active ISO 4217 currency");
  return code.value;
}

function readQuantity(item: Fields): number {
  const { quantity } = item;
  const text = quantity instanceof Digits ? quantity.text : "";
  const isCount = /^\d{1,7}$/.test(text) && BigInt(text) > 0n && BigInt(text) <= QUANTITY_MAX;
  if (!isCount) throw new OrderProblem(`quantity is not a whole number from 1 to ${QUANTITY_MAX}`);
  return Number(text);
}

function readItem(value: unknown, currency: string): OrderItem {
  const item = asFields(value, "an item");
  const productId = readText(item, PRODUCT_ID);
  if (productId === null) throw new OrderProblem("an item has no productId");
  return {
    productId,
    name: readName(item) ?? productId,
    quantity: readQuantity(item),
    unitPrice: readMoney(item, PRICE, currency),
  };
}

function readItems(order: Fields, currency: string): OrderItem[] {
  const { items } = order;
  if (items === undefined || items === null) return [];
  if (!Array.isArray(items) || items.length > ITEMS_MAX) {
    throw new OrderProblem(`items is not a list of at most ${ITEMS_MAX}`);
  }
  return items.map((item: unknown) => readItem(item, currency));
}

/** What the items come to; null where one of them has no price, or there are none. */
function sum(items: readonly OrderItem[], currency: string): Money | null {
  let minor = 0n;
  for (const { unitPrice, quantity } of items) {
    if (!unitPrice) return null;
    minor += unitPrice.minor * BigInt(quantity);
  }
  return minor > 0n ? { minor, currency } : null;
}

/** Throws OrderProblem when it makes no sense, or is not the order that was asked for. */
export function readOrder(text: string, asked: { readonly orderId: string; readonly currency: string }): Order {
  const body = asFields(parseText(text), "the answer");
  const order = body["order"] === undefined ? body : asFields(body["order"], "order");
  const id = readText(order, ID);
  if (id !== asked.orderId) throw new OrderProblem("it is another order than was asked for");
  const status = (readText(order, ["status"]) ?? "").toUpperCase();
  if (!STATUS.test(status)) throw new OrderProblem("status is not a word");
  const currency = readCurrency(order, asked.currency);
  const items = readItems(order, currency);
  return {
    id,
    status,
    amount: readMoney(order, AMOUNT, currency) ?? sum(items, currency),
    customerId: readText(order, CUSTOMER_ID),
    customerEmail: readEmail(order),
    items,
  };
}
