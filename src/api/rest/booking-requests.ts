// The booking document's two requests, read from their bodies. All that is wrong with one is told at once.
import { accept, type Result, refuseField } from "../../domain/error.ts";
import { type Money, parseDecimal } from "../../domain/money.ts";
import type { CardDetails } from "./booking-cards.ts";
import { METHODS, type Method } from "./booking-words.ts";
import { type Fields, readAll, readObjectOrNull, readText, readTextOrNull } from "../json/fields.ts";
import { JsonNumber } from "../json/json-body.ts";

export interface ProcessRequest {
  readonly userId: string;
  readonly bookingId: string;
  readonly amountText: string;
  readonly method: Method;
  readonly card: CardDetails | null;
  /** In place of a card: what the provider's own form made of it. */
  readonly token: string | null;
  readonly hasPaypalDetails: boolean;
}

export interface RefundRequest {
  readonly userId: string;
  readonly bookingId: string;
  readonly transactionId: string;
  readonly amountText: string;
  readonly reason: string;
}

/** The digits of a number as they were sent. Whether they are an amount is for its currency to say. */
function readNumber(fields: Fields, key: string): Result<string> {
  const value = Object.hasOwn(fields.values, key) ? fields.values[key] : null;
  if (value instanceof JsonNumber) return accept(value.text);
  if (value === null || value === undefined) return refuseField("INVALID_ARGUMENT", key, "is missing; send it");
  return refuseField("INVALID_ARGUMENT", key, "must be a number");
}

function readMethod(fields: Fields): Result<Method> {
  const text = readText(fields, "payment_method");
  if (!text.ok) return text;
  const method = METHODS.find((each) => each === text.value);
  if (method) return accept(method);
  return refuseField("INVALID_ARGUMENT", "payment_method", `must be one of ${METHODS.join(", ")}`);
}

function readCard(fields: Fields): Result<CardDetails | null> {
  const card = readObjectOrNull(fields, "card_details");
  if (!card.ok || card.value === null) return card as Result<null>;
  const all = readAll({
    number: readText(card.value, "card_number"),
    expiryMonth: readText(card.value, "expiry_month"),
    expiryYear: readText(card.value, "expiry_year"),
    cvv: readText(card.value, "cvv"),
    cardholder: readText(card.value, "cardholder_name"),
  });
  if (!all.ok) return all;
  // The name is asked for by the document and serves nothing here.
  const { cardholder: _name, ...details } = all.value;
  return accept(details);
}

function readPaypal(fields: Fields): Result<boolean> {
  const paypal = readObjectOrNull(fields, "paypal_details");
  if (!paypal.ok) return paypal;
  if (paypal.value === null) return accept(false);
  const all = readAll({ email: readText(paypal.value, "email"), paymentId: readText(paypal.value, "payment_id") });
  return all.ok ? accept(true) : all;
}

export function readProcess(fields: Fields): Result<ProcessRequest> {
  return readAll({
    userId: readText(fields, "user_id"),
    bookingId: readText(fields, "booking_id"),
    amountText: readNumber(fields, "amount"),
    method: readMethod(fields),
    card: readCard(fields),
    token: readTextOrNull(fields, "payment_method_token"),
    hasPaypalDetails: readPaypal(fields),
  });
}

export function readRefund(fields: Fields): Result<RefundRequest> {
  return readAll({
    bookingId: readText(fields, "booking_id"),
    transactionId: readText(fields, "original_transaction_id"),
    amountText: readNumber(fields, "refund_amount"),
    reason: readText(fields, "reason"),
    userId: readText(fields, "user_id"),
  });
}

/** Refuses with INVALID_AMOUNT what the currency cannot hold, and what is not above zero. */
export function parseAmount(text: string, currency: string, field: string): Result<Money> {
  const amount = parseDecimal(text, currency, field);
  if (amount.ok) return amount;
  // Whatever it is that is wrong, the field is the one that was sent.
  return refuseField(amount.error.reason, field, amount.error.violations[0]?.description ?? "is no amount");
}
