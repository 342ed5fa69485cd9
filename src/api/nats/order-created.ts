// An order service's event that an order was created, read as the payment to create for it.
//
// The event is a JSON object, by itself, in a NestJS packet (`{pattern, data}`) or in a CloudEvent (`{specversion, id, data}`): orderId or id; customerId;
// customerEmail; currency; total or amount or items (name, price, quantity). Amounts are decimals in major units, read exactly.
import { hash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Match } from "@nats-io/transport-node";
import type { JsMsg } from "@nats-io/jetstream";
import type { CreatePaymentRequestSchema } from "../../../gen/payment/v1/payment_service_pb.ts";
import { accept, type Result, refuse, refuseField } from "../../domain/error.ts";
import type { Money } from "../../domain/money.ts";
import {
  type Fields,
  readAll,
  readAmount,
  readAmountOrNull,
  readCurrency,
  readInteger,
  readList,
  readTextOrNull,
} from "../json/fields.ts";
import { isJsonObject, readJsonBytes } from "./packet.ts";

export interface OrderCreated {
  readonly orderId: string;
  readonly request: MessageInitShape<typeof CreatePaymentRequestSchema>;
}

const REQUEST_ID_PREFIX = "order-event:";
const EVENT_ID_MAX = 200;

/** The event, and the id that what it is wrapped in gives it. */
interface Envelope {
  readonly fields: Fields;
  readonly id: string | null;
}

function unwrap(bytes: Uint8Array): Result<Envelope> {
  const json = readJsonBytes(bytes);
  if (!json.ok) return json;
  const { value } = json;
  if (!isJsonObject(value)) return refuse("INVALID_ARGUMENT", "the event must be a JSON object");
  const isWrapped =
    Object.hasOwn(value, "data") && (Object.hasOwn(value, "pattern") || Object.hasOwn(value, "specversion"));
  if (!isWrapped) return accept({ fields: { values: value, path: "" }, id: null });
  const { data, id } = value;
  if (!isJsonObject(data)) return refuse("INVALID_ARGUMENT", "data: must be a JSON object, the event itself");
  return accept({ fields: { values: data, path: "data." }, id: typeof id === "string" ? id : null });
}

/** The first of several names that a field goes by. */
function readFirst(fields: Fields, names: readonly string[]): Result<string | null> {
  for (const name of names) {
    const text = readTextOrNull(fields, name);
    if (!text.ok || text.value !== null) return text;
  }
  return accept(null);
}

function readFirstAmount(fields: Fields, names: readonly string[], currency: string): Result<Money | null> {
  for (const name of names) {
    const amount = readAmountOrNull(fields, name, currency);
    if (!amount.ok || amount.value !== null) return amount;
  }
  return accept(null);
}

interface Item {
  readonly name: string;
  readonly unitPrice: Money;
  readonly quantity: number;
}

function readItem(item: Fields, currency: string): Result<Item> {
  const price = readAmountOrNull(item, "price", currency);
  const read = readAll({
    name: readFirst(item, ["name", "productName", "productId"]),
    unitPrice: price.ok && price.value === null ? readAmount(item, "unitPrice", currency) : (price as Result<Money>),
    quantity: readInteger(item, "quantity"),
  });
  return read.ok ? accept({ ...read.value, name: read.value.name ?? "item" }) : read;
}

function sumOf(items: readonly Item[]): bigint {
  return items.reduce((sum, { unitPrice, quantity }) => sum + unitPrice.minor * BigInt(quantity), 0n);
}

/** An order's total can hold more than its items, such as shipping and taxes; it is what the customer owes. */
function readPrice(fields: Fields): Result<{ readonly amount: Money | null; readonly items: readonly Item[] }> {
  const currency = readCurrency(fields, "currency");
  if (!currency.ok) return currency;
  const read = readAll({
    total: readFirstAmount(fields, ["total", "totalAmount", "amount"], currency.value),
    items: readList(fields, "items", (item) => readItem(item, currency.value)),
  });
  if (!read.ok) return read;
  const { total, items } = read.value;
  if (!total || sumOf(items) === total.minor) return accept({ amount: total, items });
  return accept({ amount: total, items: [] });
}

/** Any id as one that a request may have. */
function toRequestId(eventId: string): string {
  const isPlain = /^[\x21-\x7e]+$/.test(eventId) && eventId.length <= EVENT_ID_MAX;
  return REQUEST_ID_PREFIX + (isPlain ? eventId : `sha256-${hash("sha256", eventId)}`);
}

/**
 * What the event is known by, the same each time that it is delivered: its own id, else the message's, else the message's place in its stream, with the
 * time, since a stream that is made anew counts from one again.
 */
function readEventId(msg: JsMsg, { fields, id }: Envelope): Result<string> {
  const own = readTextOrNull(fields, "eventId");
  if (!own.ok) return own;
  const [messageId] = msg.headers?.values("nats-msg-id", Match.IgnoreCase) ?? [];
  const { stream, streamSequence, timestampNanos } = msg.info;
  return accept(own.value ?? (id || messageId || `${stream}.${streamSequence}.${timestampNanos}`));
}

/** Refuses with INVALID_ARGUMENT, INVALID_AMOUNT or UNSUPPORTED_CURRENCY what no payment can be created from. */
export function readOrderCreated(msg: JsMsg): Result<OrderCreated> {
  const envelope = unwrap(msg.data);
  if (!envelope.ok) return envelope;
  const { fields } = envelope.value;
  const read = readAll({
    eventId: readEventId(msg, envelope.value),
    orderId: readFirst(fields, ["orderId", "id"]),
    price: readPrice(fields),
    customerId: readFirst(fields, ["customerId", "userId"]),
    customerEmail: readFirst(fields, ["customerEmail", "email"]),
  });
  if (!read.ok) return read;
  const { eventId, orderId, price, customerId, customerEmail } = read.value;
  if (orderId === null) return refuseField("INVALID_ARGUMENT", `${fields.path}orderId`, "is missing; send it");
  return accept({
    orderId,
    request: {
      orderId,
      ...(price.amount && { amount: price.amount }),
      items: [...price.items],
      customerId: customerId ?? "",
      customerEmail: customerEmail ?? "",
      requestId: toRequestId(eventId),
    },
  });
}
