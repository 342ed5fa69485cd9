// The booking dialect on a real port, and the purchases and refunds that its tests ask for.
import { createBookingDialect } from "../../../src/api/rest/booking.ts";
import type { Provider } from "../../../src/provider/provider.ts";
import { type Answer, type OpenedRest, openRest, type Scope } from "./open-rest.ts";
import { authenticate } from "./people.ts";

export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
export const TRANSACTION = /^TXN-[0-9a-f-]{36}$/;

interface Wanted {
  /** Whether callers need a token. */
  readonly people?: boolean;
  readonly currency?: string;
  readonly wrap?: (provider: Provider) => Provider;
}

export function openBooking(
  scope: Scope,
  { people = false, currency = "USD", wrap }: Wanted = {},
): Promise<OpenedRest> {
  return openRest(scope, {
    dialects: [createBookingDialect({ currency })],
    ...(people && { authenticate }),
    ...(wrap && { service: { wrap } }),
  });
}

export const CARD = { expiry_month: "12", expiry_year: "2034", cvv: "123", cardholder_name: "John Doe" };
let bookings = 0;

export function purchase(number = "4242424242424242", change: object = {}) {
  bookings += 1;
  return {
    user_id: "user_123",
    booking_id: `BOOK-${bookings}`,
    amount: 25.5,
    payment_method: "credit_card",
    card_details: { card_number: number, ...CARD },
    ...change,
  };
}

export const pay = (rest: OpenedRest, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  rest.ask("POST", "/payment/process", { body, headers });
export const refund = (rest: OpenedRest, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  rest.ask("POST", "/payment/refund", { body, headers });
export const statusOf = (rest: OpenedRest, id: string, headers: Record<string, string> = {}): Promise<Answer> =>
  rest.ask("GET", `/payment/status/${id}`, { headers });

/** A refund of what a purchase bought. */
export function refundOf(bought: ReturnType<typeof purchase>, paid: Answer, change: object = {}) {
  return {
    booking_id: bought.booking_id,
    original_transaction_id: paid.body.transaction_id,
    refund_amount: 25.5,
    reason: "Customer cancellation",
    user_id: "user_123",
    ...change,
  };
}

export async function countPayments(rest: OpenedRest): Promise<number> {
  return (await rest.service.rows("select 1 from payment")).length;
}
