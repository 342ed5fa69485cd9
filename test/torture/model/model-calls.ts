// What callers ask for, and what the service owes them an answer to: the words of the model.
import type { Books, Seen } from "./model-books.ts";
import type { Card, Result, Terms, There } from "./model-there.ts";

/** A caller's wish, with all that makes it the same wish when it is told again. */
export type Call =
  | {
      readonly do: "create";
      readonly order: number;
      readonly terms: Terms;
      readonly card: Card | null;
      readonly attemptsMax: number | null;
    }
  | { readonly do: "complete"; readonly order: number; readonly card: Card | null; readonly minor: bigint | null }
  | { readonly do: "cancel"; readonly order: number; readonly reason: string }
  | { readonly do: "refund"; readonly order: number; readonly minor: bigint | null };

export const FAULTS = ["lost_before", "lost_after", "error", "error_after"] as const;
export type Fault = (typeof FAULTS)[number];

/** The calls of the provider, by what its faults are called after. */
export type Point = "create" | "confirm" | "capture" | "cancel" | "refund";

/** `ok` with how the payment stands then, or the reason of a refusal. */
export interface Verdict {
  readonly say: string;
  readonly seen: Seen | null;
  /** RefundPayment's alone. */
  readonly refund: string | null;
}

export interface PaymentModel {
  readonly order: number;
  readonly there: There;
  readonly books: Books;
  readonly expiresAt: number | null;
  /** The operation under way, refunds aside. */
  active: Operation | null;
  /** Whether the provider's name of it is known here. */
  placed: boolean;
  /** Of the letters, those that arrived. */
  readonly arrived: Set<number>;
}

export interface Operation {
  readonly point: Point;
  readonly payment: PaymentModel;
  /** Null for what the service owes by itself. */
  readonly request: Request | null;
  readonly card: Card;
  readonly minor: bigint;
  readonly refund: string;
  readonly reason: string;
  readonly madeAt: number;
  readonly declinesBefore: readonly number[];
  /** What the provider did, once it was reached. */
  result: Result | null;
  /** The provider answers with an error whenever it is asked again. */
  garbled: boolean;
  /** A cancel that asked for the end of the page. */
  isPage: boolean;
  attempts: number;
  dueAt: number;
}

export interface Request {
  readonly id: string;
  readonly call: Call;
  /** Null while nobody knows. */
  verdict: Verdict | null;
  /** The answer as it was first given; null until then. */
  answer: unknown;
}

export function refuse(say: string): Verdict {
  return { say, seen: null, refund: null };
}

export function accept({ books }: PaymentModel, refund: string | null = null): Verdict {
  return { say: "ok", seen: books.see(), refund };
}
