// What most routes do: ask the core, and print the object that it answers with.
import { LOST } from "../gateway.ts";
import type { Life } from "../objects.ts";
import type { GatewayRequest } from "../requests.ts";
import { amountProblem } from "./amounts.ts";
import { renderObject } from "./catalogue.ts";
import { endOf, type Listed, type Listing, startOf, type TimeRange } from "./listing.ts";
import { type Outcome, outcomeOf, refuse } from "./outcome.ts";
import { notFound, type Refusal } from "./refusal.ts";
import type { Call, Face } from "./route.ts";

/** A kind of objects: the prefix of its ids, and what messages about one that is not there say. */
export interface Kind {
  readonly prefix: string;
  readonly name: string;
  readonly param: string;
}

export const INTENT: Kind = { prefix: "pi_", name: "payment_intent", param: "intent" };
export const SESSION: Kind = { prefix: "cs_", name: "checkout.session", param: "session" };
export const CHARGE: Kind = { prefix: "ch_", name: "charge", param: "charge" };
export const REFUND: Kind = { prefix: "re_", name: "refund", param: "refund" };
export const DISPUTE: Kind = { prefix: "du_", name: "dispute", param: "dispute" };
export const TRANSACTION: Kind = { prefix: "txn_", name: "balance_transaction", param: "id" };

/** Asks the core for a change, and prints what it answers. `kind` is that of the object that the path names. */
export async function perform(call: Call, request: GatewayRequest, kind: Kind = INTENT): Promise<Outcome> {
  const { face, id, options } = call;
  if (id !== "" && !id.startsWith(kind.prefix)) return refuse(notFound(kind.name, id, kind.param));
  const answer = await face.gateway.perform(request, options);
  const outcome = outcomeOf(answer, (life, answered) => renderObject(answered, life, face));
  return isMissing(outcome, id) ? refuse(notFound(kind.name, id, kind.param)) : outcome;
}

/** Prints the object that the path names. */
export async function retrieve(call: Call, kind: Kind): Promise<Outcome> {
  const { face, id, options } = call;
  const missing = refuse(notFound(kind.name, id, kind.param));
  if (!id.startsWith(kind.prefix)) return missing;
  const answer = await face.gateway.retrieve(id, options.signal);
  if (answer !== LOST && answer.ok && renderObject(id, answer.life, face) === null) return missing;
  const outcome = outcomeOf(answer, (life) => renderObject(id, life, face));
  return isMissing(outcome, id) ? missing : outcome;
}

/** The core knows nothing of what the path names. */
function isMissing(outcome: Outcome, id: string): boolean {
  return outcome.kind === "refused" && outcome.refusal.status === 404 && id !== "";
}

/**
 * The source of a list of what every payment has one of, or every checkout; `toListed` gives undefined for the payments that have none to show.
 */
export function lifeSource<T extends Listed>(
  face: Face,
  { created, checkouts = false }: { readonly created: TimeRange | null; readonly checkouts?: boolean },
  toListed: (life: Life) => T | undefined,
): Pick<Listing<T>, "source" | "has" | "created"> {
  const end = endOf(created);
  const span = {
    checkouts,
    createdFrom: new Date(startOf(created) * 1000),
    ...(end < LAST_SECOND && { createdTo: new Date(end * 1000) }),
  };
  return {
    created,
    async has(id) {
      const life = await face.gateway.findLife(id);
      return life !== undefined && toListed(life)?.id === id;
    },
    async *source(query) {
      for await (const life of face.gateway.listLives({ ...query, ...span })) {
        const listed = toListed(life);
        if (listed) yield listed;
      }
    },
  };
}

/** Behind it, no date can be made. */
const LAST_SECOND = 8_640_000_000_000;

/** What is wrong with a part of a payment's amount, or undefined: it is in the payment's currency. */
export async function partProblem(
  { gateway }: Face,
  id: string,
  { amount, param }: { readonly amount: bigint | null; readonly param: string },
): Promise<Refusal | undefined> {
  const life = amount === null ? undefined : await gateway.findLife(id);
  return life && amount !== null ? amountProblem(amount, life.intent.currency, param) : undefined;
}
