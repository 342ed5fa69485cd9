// The service under test as a model's history meets it: use cases on a real database, the real gateway, a clock that the history moves, and what can be read of
// each payment behind all that.
import { cancelPayment } from "../../../src/app/cancel-payment.ts";
import { completePayment } from "../../../src/app/complete-payment.ts";
import { createPayment } from "../../../src/app/create-payment.ts";
import type { Answer } from "../../../src/app/answer.ts";
import type { Parts } from "../../../src/app/parts.ts";
import { reconcile } from "../../../src/app/reconcile.ts";
import { finishOperation, recover } from "../../../src/app/recover.ts";
import { refundPayment } from "../../../src/app/refund-payment.ts";
import { createBooks } from "../../../src/db/books.ts";
import type { Result } from "../../../src/domain/error.ts";
import { type PaymentId, printPaymentId } from "../../../src/domain/ids.ts";
import type { Operation } from "../../../src/domain/operation.ts";
import type { Payment } from "../../../src/domain/payment.ts";
import type { GatewayEvent, GatewayRequest, Life } from "../../../src/gateway/direct.ts";
import { caller, createInput, operator, TestService } from "../../app/open-service.ts";
import type { Seen, Status } from "./model-books.ts";
import type { Call, Fault, Point } from "./model-calls.ts";

/** Time is the history's, so nothing is late by itself; and no call waits for another one. */
export const LIMITS = {
  providerTimeoutMs: 30_000,
  waitTimeoutMs: 1,
  recoveryDelayMs: 1_000,
  checkoutLifetimeMs: 3_600_000,
};
/** Rounds after which what is due is done, and what that made due as well. */
export const ROUNDS = 3;
const CURRENCY = "EUR";

interface Row {
  readonly id: PaymentId;
  readonly order_id: string;
  readonly status: Status;
  readonly captured: string;
  readonly refunded: string;
  readonly pending: string;
  readonly declines: number;
  readonly cancel_reason: string | null;
  readonly dispute: string | null;
  readonly version: number;
  readonly reference: string | null;
}

export interface Real {
  readonly id: PaymentId;
  readonly order: number;
  readonly seen: Seen;
}

export interface Said {
  readonly say: string;
  readonly seen: Seen | null;
  readonly refund: string | null;
  /** All of it, to be compared with the answer of a copy. */
  readonly whole: Result<Answer>;
}

function seeRow(row: Row): Seen {
  return {
    status: row.status,
    captured: BigInt(row.captured),
    refunded: BigInt(row.refunded),
    pending: BigInt(row.pending),
    declines: row.declines,
    cancelReason: row.cancel_reason,
    disputeStatus: row.dispute === null || row.dispute === "OPEN" ? row.dispute : "CLOSED",
    version: row.version,
  };
}

function seePayment(payment: Payment): Seen {
  const { disputeStatus } = payment;
  return {
    status: payment.status as Status,
    captured: payment.capturedMinor,
    refunded: payment.refundedMinor,
    pending: payment.refundPendingMinor,
    declines: payment.declinedAttempts.length,
    cancelReason: payment.cancelReason,
    disputeStatus: disputeStatus === null || disputeStatus === "OPEN" ? disputeStatus : "CLOSED",
    version: payment.version,
  };
}

/** A database, a gateway and a clock, on which one history is lived after the other. */
export class Lane {
  readonly service: TestService;
  readonly parts: Parts;
  readonly #recovering: Parts;
  #histories = 0;

  private constructor(service: TestService) {
    this.service = service;
    this.parts = { ...service.parts, limits: LIMITS };
    this.#recovering = { ...this.parts, store: { ...this.parts.store, claimDue: (claim) => this.#finishDue(claim) } };
  }

  static async open(): Promise<Lane> {
    return new Lane(await TestService.open());
  }

  recover(): Promise<boolean> {
    return recover(this.#recovering);
  }

  /**
   * What is due is finished in the order in which it was begun, as the model does. The service finishes it side by side, where of a payment's two operations
   * either may come first, and the answer of each then tells of the other one or does not.
   */
  async #finishDue(claim: Parameters<Parts["store"]["claimDue"]>[0]): Promise<Operation[]> {
    const due = await this.parts.store.claimDue(claim);
    const inOrder = due.toSorted((one, other) => one.createdAt.getTime() - other.createdAt.getTime());
    for (const operation of inOrder) await finishOperation(this.parts, operation);
    return [];
  }

  begin(): RealHistory {
    this.#histories += 1;
    // Far enough from the one before, whose payments are not this one's.
    this.service.time += 3_600_000;
    return new RealHistory(this, `h${this.#histories}`);
  }
}

export class RealHistory {
  readonly startedAt: number;
  /** Taken so far. */
  steps = 0;
  readonly #lane: Lane;
  readonly #name: string;
  readonly #intents = new Map<PaymentId, string>();

  constructor(lane: Lane, name: string) {
    this.#lane = lane;
    this.#name = name;
    this.startedAt = lane.service.time;
  }

  get #service(): TestService {
    return this.#lane.service;
  }

  async ask(id: string, call: Call): Promise<Said> {
    const result = await this.#call(`${this.#name}-${id}`, call);
    if (!result.ok) return { say: result.error.reason, seen: null, refund: null, whole: result };
    const { payment, refund } = result.value;
    return { say: "ok", seen: seePayment(payment), refund: refund?.status ?? null, whole: result };
  }

  layFault(operation: Point, fault: Fault): void {
    this.#service.gateway.script({ operation, fault });
  }

  /** What somebody else does at the provider; that it may be refused there is not the service's concern. */
  async elsewhere(payment: Real, request: (intent: string, session: string) => GatewayRequest): Promise<void> {
    const intent = await this.intentOf(payment);
    if (intent !== undefined) await this.#service.elsewhere(request(intent, intent.replace("pi_", "cs_test_")));
  }

  async deliver(payment: Real, index: number): Promise<void> {
    const event = (await this.eventsOf(payment))[index];
    if (event === undefined) throw new Error(`the gateway has not sent letter ${index}`);
    await this.#service.deliver(event);
  }

  async eventsOf(payment: Real): Promise<readonly GatewayEvent[]> {
    return this.#service.eventsOf((await this.intentOf(payment)) ?? null);
  }

  async lifeOf(payment: Real): Promise<Life | undefined> {
    const intent = await this.intentOf(payment);
    return intent === undefined ? undefined : this.#service.gateway.findLife(intent);
  }

  async pass(ms: number): Promise<void> {
    this.#service.time += ms;
    // The gateway's clock acts when somebody looks, be it for what is not there.
    await this.#service.gateway.search({ metadata: {}, createdFrom: new Date(this.#service.time + 1) });
  }

  async recover(): Promise<void> {
    await this.#lane.recover();
  }

  /** The payments, in the order in which they were made. */
  async payments(): Promise<Real[]> {
    const rows = await this.#service.rows<Row>(
      `select id, order_id, status, captured_minor::text as captured, refunded_minor::text as refunded, refund_pending_minor::text as pending,
        jsonb_array_length(declined_attempts) as declines, cancel_reason, dispute_status as dispute, version, provider_reference as reference
      from payment where order_id = any($1) order by created_at, id`,
      [[0, 1, 2].map((order) => this.#orderId(order))],
    );
    for (const { id, reference } of rows) if (reference !== null) this.#intents.set(id, reference);
    return rows.map((row) => ({ id: row.id, order: Number(row.order_id.split("-")[1]), seen: seeRow(row) }));
  }

  /** By payment, in the order of their versions. */
  async eventsHere(): Promise<Map<string, { version: number; type: string; status: string }[]>> {
    const rows = await this.#service.rows<{ payment_id: string; version: number; type: string; status: string }>(
      `select e.payment_id, e.version, e.type, e.status from payment_event e join payment p on p.id = e.payment_id
      where p.order_id = any($1) order by e.version`,
      [[0, 1, 2].map((order) => this.#orderId(order))],
    );
    return Map.groupBy(rows, ({ payment_id }) => payment_id);
  }

  /** What is neither settled nor applied. */
  async unsettled(): Promise<string[]> {
    const rows = await this.#service.rows<{ what: string }>(
      `with mine as (select id from payment where order_id = any($1))
      select 'operation ' || o.kind || ' is ' || o.state || ': ' || coalesce(o.last_problem, '') as what
        from provider_operation o join mine on mine.id = o.payment_id where o.state in ('IN_FLIGHT', 'UNKNOWN')
      union all select 'webhook ' || w.type || ' is ' || w.state || ': ' || coalesce(w.note, '')
        from webhook_event w join mine on mine.id = w.payment_id where w.state not in ('APPLIED', 'INERT')`,
      [[0, 1, 2].map((order) => this.#orderId(order))],
    );
    return rows.map(({ what }) => what);
  }

  /** What a reconciliation of these payments would find. */
  async drifts(): Promise<string[]> {
    const parts = { ...this.#lane.parts, books: createBooks(this.#service.database) };
    const range = { from: new Date(this.startedAt), to: new Date(this.#service.time + 1_000) };
    const plan = { range, provider: null, apply: false, driftsMax: 100, tell: "never" } as const;
    const run = await reconcile(parts, operator, plan);
    if (!run.ok) return [`refused: ${run.error.reason}`];
    return run.value.providers.flatMap(({ drifts }) =>
      drifts.map(({ kind, ours, theirs }) => `${kind}: ${ours}, ${theirs} there`),
    );
  }

  /** The provider's name of it, which the service may not know yet. */
  async intentOf({ id }: Real): Promise<string | undefined> {
    const known = this.#intents.get(id);
    if (known !== undefined) return known;
    const search = { metadata: { payment_id: printPaymentId(id) }, createdFrom: new Date(this.startedAt - 60_000) };
    const [life] = await this.#service.gateway.search(search);
    if (life) this.#intents.set(id, life.intent.id);
    return life?.intent.id;
  }

  #orderId(order: number): string {
    return `${this.#name}-${order}`;
  }

  #call(requestId: string, call: Call): Promise<Result<Answer>> {
    const { parts } = this.#lane;
    const orderId = this.#orderId(call.order);
    const find = { orderId };
    const money = (minor: bigint | null) => (minor === null ? null : { minor, currency: CURRENCY });
    switch (call.do) {
      case "create": {
        const { mode, manual, minor } = call.terms;
        const terms = {
          mode,
          amount: { minor, currency: CURRENCY },
          paymentMethod: call.card,
          attemptsMax: call.attemptsMax,
        };
        const captureMethod = manual ? ("MANUAL" as const) : ("AUTOMATIC" as const);
        return createPayment(parts, caller, { ...createInput(), ...terms, captureMethod, orderId, requestId });
      }
      case "complete":
        return completePayment(parts, caller, { find, paymentMethod: call.card, amount: money(call.minor), requestId });
      case "cancel":
        return cancelPayment(parts, caller, { find, reason: call.reason, requestId });
      case "refund":
        return refundPayment(parts, caller, { find, amount: money(call.minor), reason: null, requestId });
    }
  }
}
