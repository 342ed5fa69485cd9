// What those who run the service look up.
import type { OperatorReads, WebhookPlace } from "../db/operator-reads.ts";
import { accept, type Result } from "../domain/error.ts";
import { type PaymentId, printPaymentId, readPaymentId } from "../domain/ids.ts";
import type { Payment } from "../domain/payment.ts";
import type { HistoryEvent } from "../domain/query.ts";
import type { WebhookFilter, WebhookSummary } from "../domain/webhook.ts";
import { authorize } from "./access.ts";
import { refuseNotFound } from "./change-payment.ts";
import type { Caller } from "./parts.ts";
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
export async function listWebhookEvents(
  { operatorReads }: OperatorParts,
  caller: Caller,
  { filter, page }: { readonly filter: WebhookFilter; readonly page: PageRequest },
): Promise<Result<Page<WebhookSummary>>> {
  const allowed = authorize(caller, "operate");
  if (!allowed.ok) return allowed;
  return readPage<WebhookSummary, WebhookPlace>(page, {
    filter,
    printPlace,
    parsePlace,
    read: (bounds) => operatorReads.listWebhooks(filter, bounds),
  });
}

/** Every change of a payment, oldest first. A payment has one at least. */
export async function getPaymentHistory(
  { operatorReads }: OperatorParts,
  caller: Caller,
  paymentId: PaymentId,
): Promise<Result<readonly HistoryEvent[]>> {
  const allowed = authorize(caller, "operate");
  if (!allowed.ok) return allowed;
  const events = await operatorReads.readHistory(paymentId);
  return events.length > 0 ? accept(events) : refuseNotFound({ paymentId });
}

/** Payments that had ended when money came, and that still hold some of it, newest first. */
export async function listLatePayments(
  { operatorReads }: OperatorParts,
  caller: Caller,
  page: PageRequest,
): Promise<Result<Page<Payment>>> {
  const allowed = authorize(caller, "operate");
  if (!allowed.ok) return allowed;
  return readPage(page, {
    filter: "late",
    printPlace: (payment) => printPaymentId(payment.id),
    parsePlace: readPaymentId,
    read: (bounds) => operatorReads.listLate(bounds),
  });
}
