// Puts metrics and traces around what the use cases are given, and around the relay's messages, so that none of them knows of it.
//
// A trace goes from a call at a door through the use case, the statements and the provider to the message on the stream. Which trace an event came about in
// is kept in the memory of the process that wrote it; where another process publishes it, the two traces have the payment's id in common.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Observer } from "./app/observer.ts";
import type { Parts } from "./app/parts.ts";
import type { Inbox } from "./db/inbox.ts";
import { type RunStatement, STATEMENT_CHANNEL } from "./db/statement-channel.ts";
import type { Store } from "./db/store.ts";
import { REASONS, type Result } from "./domain/error.ts";
import type { EventType, PaymentEvent } from "./domain/event.ts";
import { printEventId, printPaymentId, readPaymentId } from "./domain/ids.ts";
import type { Payment } from "./domain/payment.ts";
import type { MessageWatch } from "./outbox/message-watch.ts";
import type { Provider, ProviderAnswer, ProviderCall } from "./provider/provider.ts";
import type { PaymentOutcome } from "./telemetry/metrics.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import type { LiveSpan } from "./telemetry/tracing.ts";

/** What an event says of its payment's fate; the types that are not here say nothing of it. */
const OUTCOMES: Partial<Record<EventType, PaymentOutcome>> = {
  "payment.created": "created",
  "payment.authorized": "authorized",
  "payment.succeeded": "succeeded",
  "payment.failed": "failed",
  "payment.cancelled": "canceled",
  "payment.late": "late",
};

/** Money that an event says has moved. */
const VOLUMES: Partial<Record<EventType, "captured" | "refunded">> = {
  "payment.succeeded": "captured",
  "payment.late": "captured",
  "payment.refunded": "refunded",
};

const DECLINES: ReadonlySet<EventType> = new Set(["payment.attempt_failed", "payment.failed"]);

function textOf(event: PaymentEvent, field: string): string | null {
  const value = event.data[field];
  return typeof value === "string" ? value : null;
}

function countEvent({ metrics }: Telemetry, payment: Payment, event: PaymentEvent): void {
  const { type } = event;
  const outcome = OUTCOMES[type];
  if (outcome !== undefined)
    metrics.payment(
      payment.provider,
      outcome === "canceled" && textOf(event, "reason") === "expired" ? "expired" : outcome,
    );
  const moved = VOLUMES[type];
  if (moved !== undefined) {
    const [minor, currency] = [textOf(event, "amountMinor"), textOf(event, "currency")];
    if (minor !== null && currency !== null) metrics.volume(currency, moved, BigInt(minor));
  }
  if (DECLINES.has(type)) {
    const reason = textOf(event, "errorCode") ?? "";
    metrics.error(Object.hasOwn(REASONS, reason) ? reason : "other");
  }
}

function observeStore(store: Store, telemetry: Telemetry): Store {
  function tell(payment: Payment, events: readonly PaymentEvent[]): void {
    for (const event of events) countEvent(telemetry, payment, event);
  }
  /** Before it is written: the relay may be quicker than the answer of the database. */
  function remember(events: readonly PaymentEvent[]): void {
    if (!telemetry.tracing.on) return;
    for (const event of events) telemetry.rememberOrigin(event.id);
  }
  return {
    ...store,
    async beginCreate(input) {
      remember([input.event]);
      const outcome = await store.beginCreate(input);
      if (outcome === "begun") tell(input.payment, [input.event]);
      return outcome;
    },
    async writeMovement(input) {
      const { payment, events } = input.movement;
      remember(events);
      const outcome = await store.writeMovement(input);
      if (outcome === "written") tell(payment, events);
      return outcome;
    },
  };
}

function observeInbox(inbox: Inbox, { metrics }: Telemetry): Inbox {
  return {
    store: (event) => inbox.store(event),
    claimDue: (claim) => inbox.claimDue(claim),
    bringForward: (provider, now) => inbox.bringForward(provider, now),
    replay: (key, now) => inbox.replay(key, now),
    async settle(outcome) {
      await inbox.settle(outcome);
      metrics.webhook(outcome.provider, outcome.state.toLowerCase());
    },
  };
}

function observeProvider(provider: Provider, { metrics, tracing }: Telemetry): Provider {
  const { name } = provider;

  async function timed(
    operation: string,
    payment: Payment | null,
    ask: () => Promise<ProviderAnswer>,
  ): Promise<ProviderAnswer> {
    const startedAt = performance.now();
    let outcome = "error";
    const answer = async (span: LiveSpan): Promise<ProviderAnswer> => {
      const answered = await ask();
      outcome = answered.outcome;
      span.set({ "payment.provider.outcome": outcome });
      if (outcome !== "done") span.fail(outcome);
      return answered;
    };
    const attributes = {
      "payment.provider": name,
      "payment.provider.operation": operation,
      ...(payment && { "payment.id": printPaymentId(payment.id) }),
    };
    try {
      return await tracing.run(`provider ${operation}`, { kind: "client", attributes }, answer);
    } finally {
      metrics.gateway({ provider: name, operation, outcome }, performance.now() - startedAt);
    }
  }

  const call =
    (operation: "create" | "confirm" | "capture" | "cancel" | "refund") =>
    (work: ProviderCall): Promise<ProviderAnswer> =>
      timed(operation, work.payment, () => provider[operation](work));
  return {
    name,
    defaultPaymentMethod: provider.defaultPaymentMethod,
    confirmsCheckouts: provider.confirmsCheckouts,
    live: provider.live,
    create: call("create"),
    confirm: call("confirm"),
    capture: call("capture"),
    cancel: call("cancel"),
    refund: call("refund"),
    retrieve: (payment, signal) => timed("retrieve", payment, () => provider.retrieve(payment, signal)),
    list: (range, signal) => provider.list(range, signal),
    check: (signal) => provider.check(signal),
    parseWebhook: (rawBody, headers, now) => provider.parseWebhook(rawBody, headers, now),
    readWebhook: (body) => provider.readWebhook(body),
  };
}

/** The payment that a use case's answer is about, where it is about one. */
function paymentIn(value: unknown): Payment | null {
  if (typeof value !== "object" || value === null) return null;
  const { payment = value } = value as { payment?: unknown };
  const { id, status } = payment as Partial<Payment>;
  return typeof id === "string" && typeof status === "string" ? (payment as Payment) : null;
}

function describeAnswer(span: LiveSpan, value: unknown): void {
  const payment = paymentIn(value);
  if (payment) span.set({ "payment.id": printPaymentId(payment.id), "payment.status": payment.status });
}

function createObserver(telemetry: Telemetry): Observer {
  const { metrics, tracing } = telemetry;
  return {
    async around(action, run) {
      const startedAt = performance.now();
      let outcome = "thrown";
      const work = async <T>(span: LiveSpan, act: () => Promise<Result<T>>): Promise<Result<T>> => {
        const result = await act();
        outcome = result.ok ? "ok" : result.error.reason;
        span.set({ "payment.action": action, "payment.outcome": outcome });
        if (!result.ok) span.fail(outcome);
        else if (tracing.on) describeAnswer(span, result.value);
        return result;
      };
      try {
        const result = await tracing.run(`payment ${action}`, { kind: "internal", attributes: {} }, (span) =>
          work(span, run),
        );
        if (!result.ok) telemetry.countRefusal(result.error);
        return result;
      } finally {
        metrics.action(action, outcome, performance.now() - startedAt);
      }
    },
    refused: (refusal) => telemetry.countRefusal(refusal),
    webhookRefused: () => metrics.webhook("none", "refused"),
  };
}

/** The parts, observed. */
export function observeParts<P extends Parts>(parts: P, telemetry: Telemetry): P {
  const { tracing } = telemetry;
  const providers = [...parts.providers].map(
    ([name, provider]) => [name, observeProvider(provider, telemetry)] as const,
  );
  return {
    ...parts,
    store: observeStore(parts.store, telemetry),
    inbox: observeInbox(parts.inbox, telemetry),
    providers: new Map(providers),
    observer: createObserver(telemetry),
    // The workers' rounds are nobody's call.
    wakeRelay: () => tracing.apart(() => parts.wakeRelay()),
    wakeRecovery: () => tracing.apart(() => parts.wakeRecovery()),
  };
}

/** Adds the statements to the traces of the calls that they were run for. Gives a function that ends it. */
export function traceStatements({ tracing }: Telemetry): () => void {
  if (!tracing.on) return () => {};
  const { timeOrigin } = performance;
  const onStatement = (message: unknown): void => {
    const { name, size, startedAt, endedAt, failed } = message as RunStatement;
    tracing.record(`sql ${name}`, {
      attributes: { "db.system.name": "postgresql", "db.query.summary": name, "db.operation.batch.size": size },
      startedAt: timeOrigin + startedAt,
      endedAt: timeOrigin + endedAt,
      failed,
    });
  };
  subscribe(STATEMENT_CHANNEL, onStatement);
  return () => void unsubscribe(STATEMENT_CHANNEL, onStatement);
}

/** For the relay: counts its messages, times them, and gives each the traceparent of the change that it tells of. */
export function watchMessages(telemetry: Telemetry): MessageWatch {
  const { metrics, tracing } = telemetry;
  return (event) => {
    const eventId = printEventId(event.id);
    const count = (problem: string | null): void => {
      if (problem === null) metrics.published(event.type, event.createdAt);
      else metrics.publishFailed();
    };
    if (!tracing.on) return { headers: {}, settled: count };
    const paymentId = event.paymentId === null ? null : readPaymentId(event.paymentId);
    const span = tracing.begin(`publish ${event.type}`, {
      kind: "producer",
      traceparent: telemetry.originOf(event.id),
      attributes: {
        "messaging.system": "nats",
        "messaging.destination.name": event.type,
        "messaging.message.id": eventId,
        ...(paymentId && { "payment.id": printPaymentId(paymentId) }),
      },
    });
    return {
      headers: { traceparent: span.traceparent },
      settled(problem) {
        count(problem);
        if (problem === null) telemetry.forgetOrigin(event.id);
        span.end(problem);
      },
    };
  };
}
