// The dialects of REST: the canonical one, which is always there, and those of the other documents that are switched on.
import { type BookingOptions, createBookingDialect } from "./api/rest/booking.ts";
import { CANONICAL } from "./api/rest/canonical.ts";
import type { Dialect } from "./api/rest/dialect.ts";
import { createLedger, type LedgerOptions } from "./api/rest/ledger.ts";
import { ORDERS_DIALECT } from "./api/rest/orders.ts";
import { createStorefront, type StorefrontOptions } from "./api/rest/storefront.ts";

export const DIALECTS = ["orders", "booking", "storefront", "ledger"] as const;
export type DialectName = (typeof DIALECTS)[number];

export interface DialectOptions {
  readonly booking: BookingOptions;
  readonly storefront: StorefrontOptions;
  readonly ledger: LedgerOptions;
}

export function openDialects(names: readonly DialectName[], options: DialectOptions): readonly Dialect[] {
  const makers: Readonly<Record<DialectName, () => Dialect>> = {
    orders: () => ORDERS_DIALECT,
    booking: () => createBookingDialect(options.booking),
    storefront: () => createStorefront(options.storefront),
    ledger: () => createLedger(options.ledger),
  };
  return [CANONICAL, ...DIALECTS.filter((name) => names.includes(name)).map((name) => makers[name]())];
}
