// What a route answers, before it is printed: an object with the payments that it speaks of (for `expand`), a refusal, or nothing at all
// where a fault loses the answer.
import { type Answer, LOST } from "../gateway.ts";
import type { Life } from "../objects.ts";
import { notFound, type Refusal } from "./refusal.ts";

export type Body = Readonly<Record<string, unknown>>;

export type Outcome =
  | { readonly kind: "object"; readonly body: Body; readonly lives: readonly Life[]; readonly replayed: boolean }
  /** `life` is the payment that the error speaks of. */
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly life: Life | null; readonly replayed: boolean }
  | { readonly kind: "lost" };

export function object(body: Body, lives: readonly Life[] = []): Outcome {
  return { kind: "object", body, lives, replayed: false };
}

export function refuse(refusal: Refusal): Outcome {
  return { kind: "refused", refusal, life: null, replayed: false };
}

/** The outcome of a call to the core; `print` prints the object that the answer names, and null where it is not there. */
export function outcomeOf(answer: Answer | typeof LOST, print: (life: Life, id: string) => Body | null): Outcome {
  if (answer === LOST) return { kind: "lost" };
  const { life, replayed } = answer;
  if (!answer.ok) return { kind: "refused", refusal: answer.error, life, replayed };
  const body = print(answer.life, answer.id);
  if (body === null) return refuse(notFound("object", answer.id));
  return { kind: "object", body, lives: [answer.life], replayed };
}
