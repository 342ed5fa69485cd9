// What a call to the order or the inventory service came to, in the words that decide what happens next.
import type { Reply } from "./service-client.ts";

export type Outcome<T> =
  | { readonly kind: "done"; readonly value: T }
  /** No answer, or one that says "not now": it is asked again for long. */
  | { readonly kind: "away"; readonly why: string }
  /** An answer that asking again will hardly change. */
  | { readonly kind: "refused"; readonly why: string };

export function done<T>(value: T): Outcome<T> {
  return { kind: "done", value };
}

export function refused(why: string): Outcome<never> {
  return { kind: "refused", why };
}

/** What an answer means that is no success: `task` says what was asked, as in "the order service, asked to confirm the order". */
export function conclude(reply: Reply, task: string): Outcome<never> {
  if ("away" in reply) return { kind: "away", why: `${task}: ${reply.away}` };
  const { status } = reply;
  if (status === 401 || status === 403) {
    return refused(`${task}: it answered ${status}; is INTERNAL_SERVICE_TOKEN what it expects?`);
  }
  return refused(`${task}: it answered ${status}`);
}

export function isSuccess(reply: Reply): reply is { readonly status: number; readonly text: string } {
  return "status" in reply && reply.status >= 200 && reply.status < 300;
}
