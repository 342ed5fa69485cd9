// What became of a payment, in a form in which two payments that lived through the same can be compared.
import type { TestService } from "../../app/open-service.ts";

/** Payments under way at once that are to be compared. */
export const ABREAST = 24;

/** Row and events of an order, without what differs between any two payments: ids and times. */
export async function storyOf(service: TestService, orderId: string): Promise<string> {
  const [row] = await service.rows<Record<string, unknown>>(
    `select status, captured_minor, refunded_minor, refund_pending_minor, jsonb_array_length(declined_attempts) as declined, failure,
      dispute_status, payment_method, version, live, id, provider_reference from payment where order_id = $1`,
    [orderId],
  );
  const events = await service.rows<{ version: number; type: string; status: string; amount: string }>(
    "select version, type, status, data ->> 'amountMinor' as amount from payment_event where payment_id = $1 order by version",
    [row?.["id"]],
  );
  const unsettled = await service.rows(
    "select type, state, note from webhook_event where provider = 'mock' and event_id = any ($1) and state not in ('APPLIED', 'INERT')",
    [service.eventsOf(row?.["provider_reference"] as string).map((event) => event.id)],
  );
  return JSON.stringify({ row: { ...row, id: "", provider_reference: "" }, events, unsettled });
}
