// Our amounts count minor units as ISO 4217 does; Stripe's count its own (https://docs.stripe.com/currencies). They are the same but for the
// currencies below. Nothing is rounded: what the other side cannot hold is not converted.
import { CURRENCY_DIGITS } from "../../domain/currency.ts";
import { type Money, money } from "../../domain/money.ts";

/** How a provider counts money. */
export interface Units {
  /** What the provider is sent for an amount; undefined where it cannot hold the amount exactly. */
  toWire(amount: Money): bigint | undefined;
  /** The amount that the provider means; undefined where no such amount, or no such currency, exists. */
  fromWire(wire: bigint, currency: string): Money | undefined;
}

/** Digits after the decimal point at Stripe, where they are not those of ISO 4217. */
const STRIPE_DIGITS: Readonly<Record<string, number>> = { ISK: 2, UGX: 2, MGA: 0 };

/** What an amount on Stripe's wire must be a multiple of. */
const STRIPE_STEP: Readonly<Record<string, bigint>> = {
  ISK: 100n,
  UGX: 100n,
  BHD: 10n,
  JOD: 10n,
  KWD: 10n,
  OMR: 10n,
  TND: 10n,
};

/** Currencies without two decimals that Stripe does not take, and whose units it has therefore never said. */
const NOT_AT_STRIPE = new Set(["UYI", "IQD", "LYD", "CLF", "UYW"]);

/** The SDK's amounts are numbers: above this, they are no longer exact. Stripe itself takes far less. */
const WIRE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

export const STRIPE_UNITS: Units = {
  toWire({ minor, currency }) {
    if (NOT_AT_STRIPE.has(currency)) return undefined;
    const wire = rescale(minor, shiftOf(currency));
    return wire !== undefined && wire % stepOf(currency) === 0n && wire <= WIRE_MAX ? wire : undefined;
  },
  fromWire(wire, wireCurrency) {
    const currency = wireCurrency.toUpperCase();
    if (!CURRENCY_DIGITS.has(currency) || NOT_AT_STRIPE.has(currency)) return undefined;
    const minor = rescale(wire, -shiftOf(currency));
    return minor === undefined ? undefined : money(minor, currency);
  },
};

/** For a provider that is given ISO 4217 minor units. */
export const ISO_UNITS: Units = {
  toWire: ({ minor }) => minor,
  fromWire(wire, wireCurrency) {
    const currency = wireCurrency.toUpperCase();
    return CURRENCY_DIGITS.has(currency) ? money(wire, currency) : undefined;
  },
};

/** How many more digits Stripe's amounts have than ours. */
function shiftOf(currency: string): number {
  const ours = CURRENCY_DIGITS.get(currency) ?? 0;
  return (STRIPE_DIGITS[currency] ?? ours) - ours;
}

function stepOf(currency: string): bigint {
  return STRIPE_STEP[currency] ?? 1n;
}

function rescale(amount: bigint, shift: number): bigint | undefined {
  if (shift >= 0) return amount * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return amount % divisor === 0n ? amount / divisor : undefined;
}
