// Exact money: a count of minor units with its currency. No function here rounds; what cannot be held is refused.
import { CREDITS, CURRENCY_DIGITS } from "./currency.ts";
import { accept, type Result, refuseField } from "./error.ts";

export interface Money {
  /** Minor units of the currency, as ISO 4217 counts them. */
  readonly minor: bigint;
  /** ISO 4217 code, upper case; CREDITS counts credits. */
  readonly currency: string;
}

/** The largest amount that the contract's int64 and the database's bigint hold. */
export const MINOR_MAX = 2n ** 63n - 1n;

/** Zeros that a decimal may carry by its exponent: far more than any amount has, and little enough to be harmless. */
const EXPONENT_MAX = 40;

export function money(minor: bigint, currency: string): Money {
  return { minor, currency };
}

/** The digits after the decimal point that a known currency has. */
export function digitsOf(currency: string): number {
  const digits = currency === CREDITS ? 0 : CURRENCY_DIGITS.get(currency);
  if (digits === undefined) throw new Error(`no ISO 4217 currency: ${currency}`);
  return digits;
}

/** Reads a currency code of either case. Refuses with UNSUPPORTED_CURRENCY, naming `field`. */
export function parseCurrency(code: string, field: string): Result<string> {
  const upper = code.toUpperCase();
  if (upper === CREDITS || CURRENCY_DIGITS.has(upper)) return accept(upper);
  return refuseField(
    "UNSUPPORTED_CURRENCY",
    field,
    `"${code}" is not an active ISO 4217 currency; send one such as EUR`,
  );
}

/** Reads an amount above zero that fits in an int64. Refuses with INVALID_AMOUNT or UNSUPPORTED_CURRENCY. */
export function parseMoney(minor: bigint, currency: string, field: string): Result<Money> {
  const code = parseCurrency(currency, `${field}.currency`);
  if (!code.ok) return code;
  if (minor <= 0n)
    return refuseField("INVALID_AMOUNT", `${field}.minor`, `${minor} is not above zero; send at least 1 minor unit`);
  if (minor > MINOR_MAX)
    return refuseField("INVALID_AMOUNT", `${field}.minor`, `${minor} is above ${MINOR_MAX}, the largest amount`);
  return accept(money(minor, code.value));
}

/**
 * Reads a decimal in major units (the text of a JSON number, exponents included) exactly.
 * Refuses with INVALID_AMOUNT what the currency cannot hold, such as 10.001 USD or 0.5 JPY.
 */
export function parseDecimal(text: string, currency: string, field: string): Result<Money> {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (!match) return refuseField("INVALID_AMOUNT", field, `"${text}" is not a decimal number; send one such as 19.99`);
  const [, sign = "", whole = "", fraction = "", exponentText = "0"] = match;
  const code = parseCurrency(currency, field);
  if (!code.ok) return code;
  const digits = digitsOf(code.value);
  const exponent = Number(exponentText);
  if (Math.abs(exponent) > EXPONENT_MAX)
    return refuseField("INVALID_AMOUNT", field, `${text} has an exponent out of range`);
  const shift = digits - fraction.length + exponent;
  const unscaled = BigInt(whole + fraction);
  const divisor = 10n ** BigInt(Math.max(0, -shift));
  if (unscaled % divisor !== 0n) {
    return refuseField(
      "INVALID_AMOUNT",
      field,
      `${text} has more decimals than ${code.value} holds, which is ${digits}`,
    );
  }
  const minor = (unscaled / divisor) * 10n ** BigInt(Math.max(0, shift));
  return parseMoney(sign ? -minor : minor, code.value, field);
}

/** Prints an amount as a decimal in major units, with all digits of its currency: 1.00, 100, 0.005. */
export function printDecimal(amount: Money): string {
  const digits = digitsOf(amount.currency);
  if (digits === 0) return amount.minor.toString();
  const negative = amount.minor < 0n;
  const text = (negative ? -amount.minor : amount.minor).toString().padStart(digits + 1, "0");
  return `${negative ? "-" : ""}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

export function sameMoney(a: Money, b: Money): boolean {
  return a.minor === b.minor && a.currency === b.currency;
}
