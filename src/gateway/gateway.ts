// The mock gateway: a Stripe that lives in the process. It is the outside world, and knows nothing of the service: it keeps its own journal,
// and its faces (direct.ts is one) only translate what they are asked.
//
// A request is decided at once, without waiting, so that two requests never see each other half done; then it is written to the journal;
// then it is answered. What happens by the clock alone happens at its time, without anybody asking, in the same way.
import { setTimeout as wait } from "node:timers/promises";
import { decideByClock, findDueTime } from "./by-clock.ts";
import { type Clock, VirtualClock } from "./clock.ts";
import { DueTimes } from "./due-times.ts";
import { eventsOf, type GatewayEvent, type PartKind } from "./events.ts";
import { FAULT_ERROR, FAULT_ERROR_AFTER, type Fault, Faults, type ScriptedFault } from "./faults.ts";
import { type EventBatch, type EventRecord, History, type LifeQuery, type ListQuery, type Part } from "./history.ts";
import { fingerprint, IdempotencyKeys, KEY_REUSED, KEY_UNDER_WAY } from "./idempotency.ts";
import { Journal, type JournalEntry } from "./journal.ts";
import { Lives } from "./lives.ts";
import { baseOf, type GatewayError, type Life, type Metadata } from "./objects.ts";
import { decideChange, decideCreate, faultPoint, type GatewayRequest, isAttempt, noSuchObject } from "./requests.ts";
import { isSessionId } from "./sessions.ts";
import type { Changed, Forbidden } from "./step.ts";

export interface GatewayOptions {
  /** The journal's file; it is made when it is not there. Only one gateway may use it at a time. */
  readonly journalPath: string;
  readonly now: () => Date;
}

export interface CallOptions {
  readonly idempotencyKey: string | null;
  /** A digest of what was asked, where the face knows more of it than the request tells. */
  readonly fingerprint?: string;
  /** Aborted when the caller no longer waits; what was begun is finished all the same. */
  readonly signal: AbortSignal;
}

export type Answer =
  /** `id` names the object of the life that was asked for. */
  | { readonly ok: true; readonly id: string; readonly life: Life; readonly replayed: boolean }
  /** The life is told where the error speaks of one. */
  | { readonly ok: false; readonly error: GatewayError; readonly life: Life | null; readonly replayed: boolean };

/** In place of an answer: there is none, and the connection is gone. */
export const LOST = Symbol("lost");

export interface Search {
  /** Pairs that the payment's metadata must have. */
  readonly metadata: Metadata;
  readonly createdFrom: Date;
}

/** When a step is taken, and for which request; the clock's own steps have none. */
interface Stamp {
  readonly now: Date;
  readonly key: string | null;
  readonly fingerprint: string | null;
}

interface Commit {
  readonly entry: JournalEntry;
  readonly written: Promise<void>;
}

/** Changes whose events `events` tells. */
const RECENT_MAX = 10_000;
/** Payments on which the clock acts before it lets others in. */
const DUE_BATCH = 500;
/** Steps of the clock on one payment at one time: more than any payment has. */
const CLOCK_STEPS_MAX = 1000;
/** How long an answer is held for its webhooks. */
const WEBHOOK_FIRST_MS = 10_000;

export class Gateway {
  readonly #clock: VirtualClock;
  readonly #journal: Journal;
  readonly #lives = new Lives((place) => this.#journal.read(place).life);
  readonly #history: History;
  readonly #keys = new IdempotencyKeys();
  readonly #faults = new Faults();
  readonly #due = new DueTimes();
  readonly #listeners = new Set<(batch: EventBatch) => void>();
  #acknowledged: (events: readonly GatewayEvent[]) => Promise<void> = () => Promise.resolve();
  #advancing: Promise<void> = Promise.resolve();
  #closed = false;

  /** Replays the journal. Throws when the file cannot be opened or is damaged. */
  constructor({ journalPath, now }: GatewayOptions) {
    /** Of the first release's lines, those after which the clock may have something to do. */
    const undated = new Map<string, number>();
    this.#journal = new Journal(journalPath, (head, place) => {
      const base = baseOf(head.intent);
      this.#lives.place(base, place, { metadata: head.metadata, checkout: isSessionId(head.answer ?? "") });
      if (head.key !== null) this.#keys.remember(head.key, place, Date.parse(head.at));
      if (head.due === undefined) undated.set(base, place);
      else undated.delete(base);
      this.#due.set(base, head.due ?? null);
    });
    for (const [base, place] of undated) this.#due.set(base, findDueTime(this.#journal.read(place).life));
    this.#history = new History(this.#journal, this.#lives);
    this.#clock = new VirtualClock(`${journalPath}.clock`, now);
    this.#clock.onTick(() => this.#actOnDue());
  }

  get closed(): boolean {
    return this.#closed;
  }

  get clock(): Clock {
    return this.#clock;
  }

  /** The gateway's time. */
  now(): Date {
    return this.#clock.now();
  }

  async perform(request: GatewayRequest, call: CallOptions): Promise<Answer | typeof LOST> {
    const key = call.idempotencyKey;
    if (key === null) return this.#execute(request, call, null);
    // An answer has its place in the journal before it is written, so a key under way is looked for first.
    if (!this.#keys.begin(key)) return refuse(KEY_UNDER_WAY);
    try {
      const print = call.fingerprint ?? fingerprint(request);
      return this.#replay(key, print) ?? (await this.#execute(request, call, print));
    } finally {
      this.#keys.end(key);
    }
  }

  /** Everything about the payment that any of its ids names. */
  async retrieve(id: string, signal: AbortSignal): Promise<Answer | typeof LOST> {
    const life = this.#current(id, this.#clock.now());
    const metadata = life?.intent.metadata ?? {};
    const fault = this.#faults.take({ point: "retrieve", attempt: false, metadata, subject: baseOf(id) });
    await this.#journal.written();
    if (fault?.kind === "error" || fault?.kind === "error_after") return refuse(FAULT_ERROR);
    return deliver(life ? { ok: true, id, life, replayed: false } : refuse(noSuchObject(id).error), fault, signal);
  }

  /** The payment that an id belongs to, for a look in whose way no fault lies. */
  async findLife(id: string): Promise<Life | undefined> {
    const life = this.#current(id, this.#clock.now());
    await this.#journal.written();
    return life;
  }

  /** The payments made since a time whose metadata has the pairs asked for, oldest first. */
  async search({ metadata, createdFrom }: Search): Promise<Life[]> {
    return Array.fromAsync(this.listLives({ order: "oldest", metadata, createdFrom }));
  }

  /** Lives by when they were made. Nothing is read ahead of the reader. */
  listLives(query: LifeQuery): AsyncGenerator<Life> {
    this.#actOnDue();
    return this.#history.lives(query);
  }

  /** Charges, refunds or disputes of all lives, by when they were made. */
  listParts(kind: PartKind, query: ListQuery): AsyncGenerator<Part> {
    this.#actOnDue();
    return this.#history.parts(kind, query);
  }

  /** All events that the journal tells of. */
  listEvents(query: ListQuery): AsyncGenerator<EventRecord> {
    this.#actOnDue();
    return this.#history.events(query);
  }

  findEvent(id: string): Promise<EventRecord | undefined> {
    return this.#history.findEvent(id);
  }

  /** The events of the latest changes, oldest first. */
  events(): GatewayEvent[] {
    return this.#history.latestEvents(RECENT_MAX);
  }

  /** The place in the journal behind the latest change. */
  get journalEnd(): number {
    return this.#journal.end;
  }

  /** The events of all changes from a place in the journal on that are written by now. */
  eventsFrom(place: number): Generator<EventBatch> {
    return this.#history.batchesFrom(place);
  }

  /** Tells the events of each change once the journal has it, and before the change is answered. Gives the way to stop being told. */
  onEvents(listener: (batch: EventBatch) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Says how a `webhook_first` fault knows that webhooks were acknowledged. */
  holdAnswersFor(acknowledged: (events: readonly GatewayEvent[]) => Promise<void>): void {
    this.#acknowledged = acknowledged;
  }

  /** Lays a fault in the way of calls to come. */
  script(fault: ScriptedFault): void {
    this.#faults.script(fault);
  }

  /** Lets time pass at once. What is due meanwhile happens in its order, each at its own time, and is written when this settles. */
  advance(ms: number): Promise<void> {
    if (!Number.isSafeInteger(ms) || ms < 0)
      throw new RangeError("the clock is advanced by whole milliseconds, never back");
    this.#advancing = this.#advancing.then(() => this.#advance(ms));
    const advanced = this.#advancing;
    this.#advancing = advanced.catch(() => undefined);
    return advanced;
  }

  /** Takes no more requests, and waits for those under way to be written. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#clock.stop();
    await this.#advancing;
    await this.#journal.close();
  }

  async #advance(ms: number): Promise<void> {
    const target = this.#clock.now().getTime() + ms;
    this.#clock.keep(new Date(target));
    for (let first = this.#due.first(); first !== undefined && first.time <= target; first = this.#due.first()) {
      if (this.#closed) return;
      this.#clock.moveTo(first.time);
      this.#actOnDue();
      await this.#journal.written();
    }
    this.#clock.moveTo(target);
    this.#clock.tick();
    await this.#journal.written();
  }

  /** What the clock has to do by now, in order; a part of it when there is much, and the rest at the next tick. */
  #actOnDue(): void {
    if (this.#closed || this.#journal.broken) return;
    const now = this.#clock.now();
    for (let count = 0; count < DUE_BATCH; count += 1) {
      const first = this.#due.first();
      if (first === undefined || first.time > now.getTime()) return;
      const place = this.#lives.placeOf(first.base);
      this.#current(first.base, now);
      // What the rules refuse, they refuse always: it must not come up again for ever.
      if (this.#lives.placeOf(first.base) === place) this.#due.set(first.base, null);
    }
  }

  #replay(key: string, print: string): Answer | undefined {
    const place = this.#keys.find(key, this.#clock.now().getTime());
    if (place === undefined) return undefined;
    const entry = this.#journal.read(place);
    return entry.fingerprint === print ? answerOf(entry, true) : refuse(KEY_REUSED);
  }

  async #execute(request: GatewayRequest, call: CallOptions, print: string | null): Promise<Answer | typeof LOST> {
    const now = this.#clock.now();
    const life = "id" in request ? this.#current(request.id, now) : undefined;
    const fault = this.#faults.take({
      point: faultPoint(request),
      attempt: isAttempt(request),
      metadata: "id" in request ? (life?.intent.metadata ?? {}) : request.params.metadata,
      subject: "id" in request ? baseOf(request.id) : (call.idempotencyKey ?? ""),
    });
    if (fault?.kind === "lost_before") return LOST;
    if (fault?.kind === "error") return refuse(FAULT_ERROR);
    const context = { now, declines: fault?.kind === "decline" };
    const step = "id" in request ? decideChange(request, life, context) : decideCreate(request, context);
    if (step.kind === "invalid") return refuse(step.error);
    const told = fault?.kind === "error_after" ? { ...step, error: FAULT_ERROR_AFTER } : step;
    const { entry, written } = this.#commit(told, { now, key: call.idempotencyKey, fingerprint: print });
    if (isDue(entry, now)) this.#byClock(entry.life, now);
    await written;
    if (fault?.kind === "webhook_first") await this.#webhooksOf(entry, call.signal);
    return deliver(answerOf(entry, false), fault, call.signal);
  }

  async #webhooksOf(entry: JournalEntry, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const bound = wait(WEBHOOK_FIRST_MS, undefined, { signal: AbortSignal.any([signal, over.signal]) });
    await Promise.race([this.#acknowledged(eventsOf(entry)), bound.catch(() => undefined)]);
    over.abort();
  }

  /** The life that an id belongs to, after the clock acted on it. */
  #current(id: string, now: Date): Life | undefined {
    const life = this.#lives.get(id);
    return life && this.#byClock(life, now);
  }

  #byClock(life: Life, now: Date): Life {
    let current = life;
    for (let count = 0; count < CLOCK_STEPS_MAX; count += 1) {
      const step = decideByClock(current, now);
      if (step?.kind !== "changed") return current;
      current = this.#commit(step, { now, key: null, fingerprint: null }).entry.life;
    }
    return current;
  }

  #commit(step: Changed | Forbidden, stamp: Stamp): Commit {
    const base = baseOf(step.life.intent.id);
    const entry = entryOf(step, stamp, this.#lives.placeOf(base) ?? null);
    const { offset, written } = this.#journal.append(entry);
    this.#lives.put(entry.life, offset);
    this.#due.set(base, entry.due ?? null);
    if (stamp.key !== null) this.#keys.remember(stamp.key, offset, stamp.now.getTime());
    if (this.#listeners.size > 0) this.#tell(entry, { after: this.#journal.end, written });
    return { entry, written };
  }

  #tell(entry: JournalEntry, { after, written }: { after: number; written: Promise<void> }): void {
    const tell = (): void => {
      const events = eventsOf(entry);
      for (const listener of this.#listeners) listener({ events, life: entry.life, after });
    };
    // What was not written did not happen; whoever waits for it is told.
    written.then(tell, () => undefined);
  }
}

function isDue({ due = null }: JournalEntry, now: Date): boolean {
  return due !== null && due <= now.getTime();
}

function entryOf(
  step: Changed | Forbidden,
  { now, key, fingerprint: print }: Stamp,
  before: number | null,
): JournalEntry {
  const { error } = step;
  const acted = step.kind === "changed";
  const life = acted ? { ...step.life, changes: step.life.changes + 1 } : step.life;
  const { charge, refund, dispute, amount } = acted ? step.effect : {};
  return {
    at: now.toISOString(),
    effect: acted ? step.effect.name : "refusal",
    intent: life.intent.id,
    ...(charge !== undefined && { charge }),
    ...(refund !== undefined && { refund }),
    ...(dispute !== undefined && { dispute }),
    ...(amount !== undefined && { amount: amount.toString() }),
    currency: life.intent.currency,
    metadata: life.intent.metadata,
    key,
    fingerprint: print,
    answer: acted ? step.id : null,
    error,
    before,
    due: findDueTime(life),
    life,
  };
}

function answerOf({ life, error, answer }: JournalEntry, replayed: boolean): Answer {
  if (error !== null) return { ok: false, error, life, replayed };
  return { ok: true, id: answer ?? life.intent.id, life, replayed };
}

function refuse(error: GatewayError): Answer {
  return { ok: false, error, life: null, replayed: false };
}

/** Hands an answer over, late or never where a fault says so. */
async function deliver(answer: Answer, fault: Fault | undefined, signal: AbortSignal): Promise<Answer | typeof LOST> {
  if (fault?.kind === "lost_after" || fault?.kind === "lost_before") return LOST;
  if (fault?.kind !== "delay") return answer;
  const waited = await wait(fault.delayMs, true, { signal }).catch(() => false);
  return waited ? answer : LOST;
}
