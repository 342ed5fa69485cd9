// What those who run the service look up.
import type { OperatorReads, WebhookPlace } from "../db/operator-reads.ts";
import { accept, type Result } from "../domain/error.ts";
import { type PaymentId, printPaymentId, readPaymentId } from "../domain/ids.ts";
import type { Payment } from "../domain/payment.ts";
import type { HistoryEvent } from "../domain/query.ts";
import type { WebhookFilter, WebhookSummary } from "../domain/webhook.ts";
import { refuseNotFound } from "./change-payment.ts";
import { type Page, type PageRequest, readPage } from "./page.ts";

export interface OperatorParts {
  readonly operatorReads: OperatorReads;
}

function printPlace({ receivedAt, provider, eventId }: WebhookPlace): string {
  return `${receivedAt.toISOString()} ${provider} ${eventId}`;
}

function parsePlace(text: string): WebhookPlace | undefined {
  const [time = "", provider = "", ...rest] = text.split(" ");
  const receivedAt = new Date(time);
  const eventId = rest.join(" ");
  if (Number.isNaN(receivedAt.getTime()) || provider === "" || eventId === "") return undefined;
  return { receivedAt, provider, eventId };
}

/** Webhook events, newest first. */
export function listWebhookEvents(
  reads: OperatorReads,
  filter: WebhookFilter,
  page: PageRequest,
): Promise<Result<Page<WebhookSummary>>> {
  return readPage<WebhookSummary, WebhookPlace>(page, {
    filter,
    printPlace,
    parsePlace,
    read: (bounds) => reads.listWebhooks(filter, bounds),
  });
}

/** Every change of a payment, oldest first. A payment has one at least. */
export async function getPaymentHistory(
  reads: OperatorReads,
  paymentId: PaymentId,
): Promise<Result<readonly HistoryEvent[]>> {
  const events = await reads.readHistory(paymentId);
  return events.length > 0 ? accept(events) : refuseNotFound({ paymentId });
}

/** Payments that had ended when money came, and that still hold some of it, newest first. */
export function listLatePayments(reads: OperatorReads, page: PageRequest): Promise<Result<Page<Payment>>> {
  return readPage(page, {
    filter: "late",
    printPlace: (payment) => printPaymentId(payment.id),
    parsePlace: readPaymentId,
    read: (bounds) => reads.listLate(bounds),
  });
}
