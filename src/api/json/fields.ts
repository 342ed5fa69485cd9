// Reads the fields of a JSON body. Each reader gives a Result that names the field by its path, such as items[0].price; what is not asked for is
// ignored, since clients send more than their documents say. An absent field and null are the same.
import { accept, type FieldViolation, type Result, refuse, refuseField } from "../../domain/error.ts";
import { type Money, parseCurrency, parseDecimal } from "../../domain/money.ts";
import { JsonNumber, type JsonObject, type JsonValue } from "./json-body.ts";

/** An object of a body, and where it is in it. */
export interface Fields {
  readonly values: JsonObject;
  /** Empty for the body itself, otherwise such as `items[0].`. */
  readonly path: string;
}

const WHOLE_DIGITS_MAX = 15;

function find(fields: Fields, key: string): JsonValue {
  return Object.hasOwn(fields.values, key) ? (fields.values[key] ?? null) : null;
}

function pathOf(fields: Fields, key: string): string {
  return `${fields.path}${key}`;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
}

function refuseMissing(fields: Fields, key: string): Result<never> {
  return refuseField("INVALID_ARGUMENT", pathOf(fields, key), "is missing; send it");
}

/** The absent value is refused. */
function required<T>(fields: Fields, key: string, read: Result<T | null>): Result<T> {
  if (!read.ok) return read;
  return read.value === null ? refuseMissing(fields, key) : accept(read.value);
}

/** The body of a request; no body is one without fields. */
export function readBody(request: { readonly body: unknown }): Result<Fields> {
  const body = request.body as JsonValue | undefined;
  if (body === undefined || body === null) return accept({ values: {}, path: "" });
  if (isObject(body)) return accept({ values: body, path: "" });
  return refuse("INVALID_ARGUMENT", "The body must be a JSON object.");
}

/** A text that is not empty. */
export function readText(fields: Fields, key: string): Result<string> {
  return required(fields, key, readTextOrNull(fields, key));
}

/** Null for an absent text, and for an empty one. */
export function readTextOrNull(fields: Fields, key: string): Result<string | null> {
  const value = find(fields, key);
  if (value === null || value === "") return accept(null);
  if (typeof value !== "string")
    return refuseField("INVALID_ARGUMENT", pathOf(fields, key), "must be a text in quotes");
  if (value.isWellFormed()) return accept(value);
  return refuseField("INVALID_ARGUMENT", pathOf(fields, key), "holds half of a surrogate pair, which is no character");
}

/** A currency code of either case; gives it in upper case. Refuses with UNSUPPORTED_CURRENCY. */
export function readCurrency(fields: Fields, key: string): Result<string> {
  return required(fields, key, readCurrencyOrNull(fields, key));
}

export function readCurrencyOrNull(fields: Fields, key: string): Result<string | null> {
  const text = readTextOrNull(fields, key);
  if (!text.ok || text.value === null) return text;
  return parseCurrency(text.value, pathOf(fields, key));
}

/**
 * An amount above zero in major units, read from the text of its number: exactly, or not at all. `25.990 USD` and `1e2 USD` are exact, `10.001 USD`
 * and `0.5 JPY` are refused with INVALID_AMOUNT. `currency` is a known one.
 */
export function readAmount(fields: Fields, key: string, currency: string): Result<Money> {
  return required(fields, key, readAmountOrNull(fields, key, currency));
}

export function readAmountOrNull(fields: Fields, key: string, currency: string): Result<Money | null> {
  const value = find(fields, key);
  if (value === null) return accept(null);
  const path = pathOf(fields, key);
  if (!(value instanceof JsonNumber)) {
    return refuseField("INVALID_AMOUNT", path, "must be a number in major units, without quotes, such as 19.99");
  }
  const amount = parseDecimal(value.text, currency, path);
  if (amount.ok) return amount;
  const description = amount.error.violations[0]?.description ?? "is no amount";
  return refuseField(amount.error.reason, path, description);
}

/** A count of minor units, such as cents, above zero. */
export function readMinor(fields: Fields, key: string): Result<bigint> {
  const value = find(fields, key);
  if (value === null) return refuseMissing(fields, key);
  if (value instanceof JsonNumber && /^\d{1,19}$/.test(value.text) && BigInt(value.text) > 0n) {
    return accept(BigInt(value.text));
  }
  return refuseField(
    "INVALID_AMOUNT",
    pathOf(fields, key),
    "must be a whole number of minor units above zero, such as 1999",
  );
}

export function readInteger(fields: Fields, key: string): Result<number> {
  return required(fields, key, readIntegerOrNull(fields, key));
}

export function readIntegerOrNull(fields: Fields, key: string): Result<number | null> {
  const value = find(fields, key);
  if (value === null) return accept(null);
  const isWhole = value instanceof JsonNumber && /^-?\d+$/.test(value.text) && value.text.length <= WHOLE_DIGITS_MAX;
  if (isWhole) return accept(Number(value.text));
  return refuseField("INVALID_ARGUMENT", pathOf(fields, key), "must be a whole number without quotes");
}

export function readFlagOrNull(fields: Fields, key: string): Result<boolean | null> {
  const value = find(fields, key);
  if (value === null || typeof value === "boolean") return accept(value);
  return refuseField("INVALID_ARGUMENT", pathOf(fields, key), "must be true or false");
}

/** One of some words, in either case; null when absent. */
export function readWordOrNull<T extends string>(fields: Fields, key: string, words: readonly T[]): Result<T | null> {
  const text = readTextOrNull(fields, key);
  if (!text.ok || text.value === null) return text as Result<null>;
  const sent = text.value.toLowerCase();
  const word = words.find((each) => each.toLowerCase() === sent);
  if (word !== undefined) return accept(word);
  return refuseField("INVALID_ARGUMENT", pathOf(fields, key), `must be one of ${words.join(", ")}`);
}

export function readObject(fields: Fields, key: string): Result<Fields> {
  return required(fields, key, readObjectOrNull(fields, key));
}

export function readObjectOrNull(fields: Fields, key: string): Result<Fields | null> {
  const value = find(fields, key);
  if (value === null) return accept(null);
  if (isObject(value)) return accept({ values: value, path: `${pathOf(fields, key)}.` });
  return refuseField("INVALID_ARGUMENT", pathOf(fields, key), "must be an object");
}

/** Texts by key, such as metadata; empty when absent. */
export function readTexts(fields: Fields, key: string): Result<Readonly<Record<string, string>>> {
  const object = readObjectOrNull(fields, key);
  if (!object.ok) return object;
  const texts: [string, string][] = [];
  for (const name of Object.keys(object.value?.values ?? {})) {
    const text = object.value && readTextOrNull(object.value, name);
    if (!text?.ok || !name.isWellFormed()) {
      return refuseField("INVALID_ARGUMENT", pathOf(fields, key), "must have texts in quotes as its values");
    }
    texts.push([name, text.value ?? ""]);
  }
  return accept(Object.fromEntries(texts));
}

/** The objects of a list, each read by `read`; an absent list is an empty one. Every violation in it is named. */
export function readList<T>(fields: Fields, key: string, read: (item: Fields) => Result<T>): Result<readonly T[]> {
  const value = find(fields, key);
  const path = pathOf(fields, key);
  if (value === null) return accept([]);
  if (!Array.isArray(value)) return refuseField("INVALID_ARGUMENT", path, "must be a list");
  const items = (value as readonly JsonValue[]).map((item, index) => {
    if (isObject(item)) return read({ values: item, path: `${path}[${index}].` });
    return refuseField("INVALID_ARGUMENT", `${path}[${index}]`, "must be an object");
  });
  const all = readAll(Object.fromEntries(items.entries()));
  return all.ok ? accept(Object.values(all.value)) : all;
}

type Values<R extends Readonly<Record<string, Result<unknown>>>> = {
  readonly [K in keyof R]: R[K] extends Result<infer V> ? V : never;
};

/** All of several fields; or one refusal that names everything that is wrong, with the reason of the first. */
export function readAll<R extends Readonly<Record<string, Result<unknown>>>>(results: R): Result<Values<R>> {
  const values: [string, unknown][] = [];
  const refusals = [];
  for (const [key, result] of Object.entries(results)) {
    if (result.ok) values.push([key, result.value]);
    else refusals.push(result.error);
  }
  const [first, ...others] = refusals;
  if (!first) return accept(Object.fromEntries(values) as Values<R>);
  if (others.length === 0) return { ok: false, error: first };
  return refuseAll(
    first.reason,
    refusals.flatMap((refused) => refused.violations),
  );
}

function refuseAll(reason: Parameters<typeof refuse>[0], violations: readonly FieldViolation[]): Result<never> {
  const message = violations.map(({ field, description }) => `${field}: ${description}`).join("; ");
  return refuse(reason, message, { metadata: { field: violations[0]?.field ?? "" }, violations });
}
