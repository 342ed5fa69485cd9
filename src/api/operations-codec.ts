// Between the messages of OperationsService and the domain's values.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ProviderRun, ReconcileInput, ReconcileRun } from "../app/reconcile.ts";
import type { SettledDrift } from "../app/reconcile-payment.ts";
import { DRIFT_KINDS } from "../domain/drift.ts";
import { printEventId, printPaymentId } from "../domain/ids.ts";
import type { HistoryEvent as DomainHistoryEvent } from "../domain/query.ts";
import { WEBHOOK_STATES, type WebhookFilter, type WebhookSummary } from "../domain/webhook.ts";
import {
  DriftKind,
  type DriftSchema,
  type HistoryEventSchema,
  type ListWebhookEventsRequest,
  type PlanReconciliationRequest,
  type ProviderReconciliationSchema,
  type Reconciliation,
  ReconciliationSchema,
  type WebhookEventSchema,
  WebhookEventState,
} from "../../gen/payment/v1/operations_service_pb.ts";
import { PaymentStatus } from "../../gen/payment/v1/payment_pb.ts";
import { readTime } from "./codec.ts";

const DRIFTS_MAX_DEFAULT = 1_000;
/** What was created since then is just being made. */
const FRESH_MS = 60_000;

/** The fields that both calls have. */
type Wanted = Pick<PlanReconciliationRequest, "provider" | "driftsMax"> & {
  readonly from?: Timestamp | undefined;
  readonly to?: Timestamp | undefined;
};

/** What to compare; `now` gives the default end of the range. */
export function readReconcile(request: Wanted, now: Date): Pick<ReconcileInput, "range" | "provider" | "driftsMax"> {
  return {
    range: {
      // Required, as the rules of the contract saw to.
      from: request.from ? timestampDate(request.from) : new Date(0),
      to: request.to ? timestampDate(request.to) : new Date(now.getTime() - FRESH_MS),
    },
    provider: request.provider || null,
    driftsMax: request.driftsMax || DRIFTS_MAX_DEFAULT,
  };
}

function writeDrift(drift: SettledDrift): MessageInitShape<typeof DriftSchema> {
  const { kind, provider, paymentId, providerReference, ours, theirs, applied, remedy } = drift;
  return {
    kind: DriftKind[kind],
    provider,
    paymentId: paymentId ? printPaymentId(paymentId) : "",
    providerReference: providerReference ?? "",
    ours,
    theirs,
    applied,
    needsPerson: remedy.by === "person" ? remedy.why : "",
  };
}

function writeProvider(run: ProviderRun): MessageInitShape<typeof ProviderReconciliationSchema> {
  const { provider, checkedHere, checkedThere, drifts, complete } = run;
  const counts = DRIFT_KINDS.map((kind) => ({
    kind: DriftKind[kind],
    count: BigInt(drifts.filter((drift) => drift.kind === kind).length),
  }));
  return {
    provider,
    checkedHere: BigInt(checkedHere),
    checkedThere: BigInt(checkedThere),
    counts: counts.filter(({ count }) => count > 0n),
    drifts: drifts.map(writeDrift),
    complete,
  };
}

export function writeReconciliation({ runId, range, providers }: ReconcileRun): Reconciliation {
  return create(ReconciliationSchema, {
    runId,
    from: timestampFromDate(range.from),
    to: timestampFromDate(range.to),
    providers: providers.map(writeProvider),
  });
}

export function readWebhookFilter(request: ListWebhookEventsRequest): WebhookFilter {
  return {
    provider: request.provider || null,
    states: WEBHOOK_STATES.filter((state) => request.states.includes(WebhookEventState[state])),
    type: request.type || null,
    receivedFrom: readTime(request.receiveTimeFrom),
    receivedTo: readTime(request.receiveTimeTo),
  };
}

export function writeWebhookEvent(event: WebhookSummary): MessageInitShape<typeof WebhookEventSchema> {
  return {
    provider: event.provider,
    eventId: event.eventId,
    type: event.type,
    state: WebhookEventState[event.state],
    note: event.note ?? "",
    paymentId: event.paymentId ? printPaymentId(event.paymentId) : "",
    attempts: event.attempts,
    ...(event.nextAttemptAt && { nextAttemptTime: timestampFromDate(event.nextAttemptAt) }),
    receiveTime: timestampFromDate(event.receivedAt),
    updateTime: timestampFromDate(event.updatedAt),
  };
}

export function writeHistoryEvent(event: DomainHistoryEvent): MessageInitShape<typeof HistoryEventSchema> {
  return {
    eventId: printEventId(event.id),
    version: event.version,
    type: event.type,
    status: PaymentStatus[event.status],
    body: event.body,
    createTime: timestampFromDate(event.createdAt),
    ...(event.publishedAt && { publishTime: timestampFromDate(event.publishedAt) }),
  };
}
