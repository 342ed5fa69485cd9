// Faults by script, never by chance. A test sets them for the whole gateway, or a payment brings its own in its metadata:
//
//   gateway_fault: "lost_after"                              every operation, the first call of each
//   gateway_fault: "confirm:lost_before x2, refund:error"    the first two confirms, the first refund
//   gateway_fault: "capture:delay=250"                       milliseconds
//
// A call that is answered from its idempotency key is not counted and meets no fault. Counts of a payment's own faults are held in memory.
import type { GatewayError, Metadata } from "./objects.ts";

/** The metadata key of a payment that brings its own faults. */
export const FAULT_METADATA_KEY = "gateway_fault";

const FAULT_KINDS = ["decline", "delay", "lost_after", "lost_before", "error", "error_after", "webhook_first"] as const;
/**
 * decline: the attempt is declined whatever the card. delay: acts at once, answers late. lost_after: acts, and the answer is lost.
 * lost_before: does nothing, and never answers. error: does nothing, and says so. error_after: acts, and answers with an error.
 * webhook_first: acts, and answers once the webhooks of what it did are acknowledged, or after ten seconds.
 */
export type FaultKind = (typeof FAULT_KINDS)[number];

const FAULT_POINTS = ["create", "confirm", "capture", "cancel", "refund", "retrieve"] as const;
export type FaultPoint = (typeof FAULT_POINTS)[number];

export interface Fault {
  readonly kind: FaultKind;
  readonly delayMs: number;
}

export interface ScriptedFault {
  readonly operation: FaultPoint;
  readonly fault: FaultKind;
  /** How many calls meet it; 1 when absent. */
  readonly times?: number;
  readonly delayMs?: number;
}

export interface FaultQuery {
  readonly point: FaultPoint | null;
  /** Whether there is an attempt to decline. */
  readonly attempt: boolean;
  readonly metadata: Metadata;
  /** What the calls are counted by: the payment, or the key of the call that makes it. */
  readonly subject: string;
}

interface Rule extends Fault {
  readonly point: FaultPoint | null;
  readonly times: number;
}

const DELAY_MS_DEFAULT = 1000;
const COUNTS_MAX = 10_000;
const RULE = /^(?:([a-z]+):)?([a-z_]+)(?:=(\d{1,6}))?(?:\s*x(\d{1,4}))?$/;

export class Faults {
  readonly #script: { rule: Rule; left: number }[] = [];
  /** How many calls met each rule of each payment. */
  readonly #counts = new Map<string, number>();

  script({ operation, fault, times = 1, delayMs = DELAY_MS_DEFAULT }: ScriptedFault): void {
    this.#script.push({ rule: { point: operation, kind: fault, times, delayMs }, left: times });
  }

  /** The fault that this call meets, if any; it is counted. */
  take(query: FaultQuery): Fault | undefined {
    if (query.point === null) return undefined;
    const scripted = this.#script.find(({ rule, left }) => left > 0 && applies(rule, query));
    if (scripted) {
      scripted.left -= 1;
      return scripted.rule;
    }
    const text = query.metadata[FAULT_METADATA_KEY];
    if (text === undefined) return undefined;
    return parseFaults(text)?.find((rule, index) => {
      if (!applies(rule, query)) return false;
      const name = `${query.subject} ${index} ${query.point}`;
      const count = this.#counts.get(name) ?? 0;
      if (count >= rule.times) return false;
      this.#count(name, count + 1);
      return true;
    });
  }

  #count(name: string, count: number): void {
    this.#counts.set(name, count);
    const oldest = this.#counts.keys().next();
    if (this.#counts.size > COUNTS_MAX && !oldest.done) this.#counts.delete(oldest.value);
  }
}

function applies(rule: Rule, query: FaultQuery): boolean {
  return (rule.point === null || rule.point === query.point) && (rule.kind !== "decline" || query.attempt);
}

/** Reads the faults that a payment brings; undefined when the text is not as above. */
export function parseFaults(text: string): readonly Rule[] | undefined {
  const rules = text.split(",").map((part) => parseRule(part.trim()));
  return rules.includes(undefined) ? undefined : (rules as Rule[]);
}

function parseRule(text: string): Rule | undefined {
  const [, pointText, kindText, delayText, timesText] = RULE.exec(text) ?? [];
  const kind = FAULT_KINDS.find((each) => each === kindText);
  const point = FAULT_POINTS.find((each) => each === pointText);
  if (kind === undefined || (pointText !== undefined && point === undefined)) return undefined;
  const delayMs = Number(delayText ?? DELAY_MS_DEFAULT);
  return { point: point ?? null, kind, delayMs, times: Number(timesText ?? 1) };
}

/** Nothing was done. */
export const FAULT_ERROR: GatewayError = {
  status: 429,
  type: "api_error",
  code: "rate_limit",
  decline_code: null,
  message: "Too many requests. Nothing was done.",
  param: null,
  charge: null,
};

/** Something was done, although the answer does not say so. */
export const FAULT_ERROR_AFTER: GatewayError = {
  status: 500,
  type: "api_error",
  code: null,
  decline_code: null,
  message: "An unknown error occurred.",
  param: null,
  charge: null,
};
