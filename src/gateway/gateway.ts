// The mock gateway: a Stripe that lives in the process. It is the outside world, and knows nothing of the service: it keeps its own journal,
// and its faces (direct.ts is one) only translate what they are asked.
//
// A request is decided at once, without waiting, so that two requests never see each other half done; then it is written to the journal;
// then it is answered.
import { setTimeout as wait } from "node:timers/promises";
import { eventsOf, type GatewayEvent } from "./events.ts";
import { FAULT_ERROR, FAULT_ERROR_AFTER, type Fault, Faults, type ScriptedFault } from "./faults.ts";
import { fingerprint, IdempotencyKeys, KEY_REUSED, KEY_UNDER_WAY } from "./idempotency.ts";
import { Journal, type JournalEntry } from "./journal.ts";
import { Lives } from "./lives.ts";
import { baseOf, type GatewayError, type Life, type Metadata } from "./objects.ts";
import { decideChange, decideCreate, faultPoint, type GatewayRequest, isAttempt, noSuchObject } from "./requests.ts";
import { decideByClock } from "./sessions.ts";
import type { Changed, Forbidden } from "./step.ts";

export interface GatewayOptions {
  /** The journal's file; it is made when it is not there. Only one gateway may use it at a time. */
  readonly journalPath: string;
  readonly now: () => Date;
}

export interface CallOptions {
  readonly idempotencyKey: string | null;
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

/** Changes whose events can be listed. */
const RECENT_MAX = 10_000;

export class Gateway {
  readonly #now: () => Date;
  readonly #journal: Journal;
  readonly #lives = new Lives((offset) => this.#journal.read(offset).life);
  readonly #keys = new IdempotencyKeys();
  readonly #faults = new Faults();
  /** Places of the latest lines in the journal. */
  readonly #recent: number[] = [];
  #closed = false;

  /** Replays the journal. Throws when the file cannot be opened or is damaged. */
  constructor({ journalPath, now }: GatewayOptions) {
    this.#now = now;
    this.#journal = new Journal(journalPath, (head, offset) => {
      this.#lives.place(head.intent, offset);
      if (head.key !== null) this.#keys.remember(head.key, offset, Date.parse(head.at));
      this.#recall(offset);
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  async perform(request: GatewayRequest, call: CallOptions): Promise<Answer | typeof LOST> {
    const key = call.idempotencyKey;
    if (key === null) return this.#execute(request, call, null);
    // An answer has its place in the journal before it is written, so a key under way is looked for first.
    if (!this.#keys.begin(key)) return refuse(KEY_UNDER_WAY);
    try {
      const print = fingerprint(request);
      return this.#replay(key, print) ?? (await this.#execute(request, call, print));
    } finally {
      this.#keys.end(key);
    }
  }

  /** Everything about the payment that any of its ids names. */
  async retrieve(id: string, signal: AbortSignal): Promise<Answer | typeof LOST> {
    const life = this.#current(id, this.#now());
    const metadata = life?.intent.metadata ?? {};
    const fault = this.#faults.take({ point: "retrieve", attempt: false, metadata, subject: baseOf(id) });
    await this.#journal.written();
    if (fault?.kind === "error" || fault?.kind === "error_after") return refuse(FAULT_ERROR);
    return deliver(life ? { ok: true, id, life, replayed: false } : refuse(noSuchObject(id).error), fault, signal);
  }

  /** The payments made since a time whose metadata has the pairs asked for, oldest first. */
  async search({ metadata, createdFrom }: Search): Promise<Life[]> {
    await this.#journal.written();
    const pairs = Object.entries(metadata);
    const matches = (offset: number): boolean => {
      const { metadata: found } = this.#journal.readHead(offset);
      return pairs.every(([key, value]) => found[key] === value);
    };
    const places = this.#lives.since(createdFrom).filter(matches).toArray();
    return places.map((offset) => this.#journal.read(offset).life);
  }

  /** The events of the latest changes, oldest first. */
  events(): GatewayEvent[] {
    return this.#recent.slice(-RECENT_MAX).flatMap((offset) => eventsOf(this.#journal.read(offset)));
  }

  /** Lays a fault in the way of calls to come. */
  script(fault: ScriptedFault): void {
    this.#faults.script(fault);
  }

  /** Takes no more requests, and waits for those under way to be written. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#journal.close();
  }

  #replay(key: string, print: string): Answer | undefined {
    const offset = this.#keys.find(key, this.#now().getTime());
    if (offset === undefined) return undefined;
    const entry = this.#journal.read(offset);
    return entry.fingerprint === print ? answerOf(entry, true) : refuse(KEY_REUSED);
  }

  async #execute(request: GatewayRequest, call: CallOptions, print: string | null): Promise<Answer | typeof LOST> {
    const now = this.#now();
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
    await written;
    return deliver(answerOf(entry, false), fault, call.signal);
  }

  /** The life that an id belongs to, after the clock acted on it. */
  #current(id: string, now: Date): Life | undefined {
    const life = this.#lives.get(id);
    const step = life && decideByClock(life, now);
    return step ? this.#commit(step, { now, key: null, fingerprint: null }).entry.life : life;
  }

  #commit(step: Changed | Forbidden, stamp: Stamp): { entry: JournalEntry; written: Promise<void> } {
    const entry = entryOf(step, stamp);
    const { offset, written } = this.#journal.append(entry);
    this.#lives.put(entry.life, offset);
    if (stamp.key !== null) this.#keys.remember(stamp.key, offset, stamp.now.getTime());
    this.#recall(offset);
    return { entry, written };
  }

  #recall(offset: number): void {
    this.#recent.push(offset);
    if (this.#recent.length >= 2 * RECENT_MAX) this.#recent.splice(0, RECENT_MAX);
  }
}

function entryOf(step: Changed | Forbidden, { now, key, fingerprint: print }: Stamp): JournalEntry {
  const { life, error } = step;
  const acted = step.kind === "changed";
  const { charge, refund, amount } = acted ? step.effect : {};
  return {
    at: now.toISOString(),
    effect: acted ? step.effect.name : "refusal",
    intent: life.intent.id,
    ...(charge !== undefined && { charge }),
    ...(refund !== undefined && { refund }),
    ...(amount !== undefined && { amount: amount.toString() }),
    currency: life.intent.currency,
    metadata: life.intent.metadata,
    key,
    fingerprint: print,
    answer: acted ? step.id : null,
    error,
    life: acted ? { ...life, changes: life.changes + 1 } : life,
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
