// Stripe's search language, for payment intents: clauses such as `status:"succeeded"`, `metadata["order"]:"7"`, `created>1700000000`,
// joined by AND or by OR, each with `-` before it for its opposite. `:` is equal, `~` contains. https://docs.stripe.com/search
import type { Metadata, PaymentIntent } from "../objects.ts";
import { found, invalidRequest, type Read, refused } from "./refusal.ts";

export interface SearchQuery {
  readonly matches: (intent: PaymentIntent) => boolean;
  /** What every match has in its metadata: an index to look by. */
  readonly metadata: Metadata;
}

interface Clause {
  readonly field: string;
  /** The key, where the field is metadata. */
  readonly key: string | null;
  readonly operator: ":" | "~" | ">" | "<" | ">=" | "<=";
  readonly value: string;
  readonly negated: boolean;
}

const CLAUSES_MAX = 10;
const FIELDS = ["amount", "created", "currency", "customer", "metadata", "status"];
const NUMBERS = ["amount", "created"];
const ABSENT = "null";
const QUOTED = String.raw`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`;
const CLAUSE = new RegExp(
  String.raw`\s*(-?)([a-z_]+)(?:\[(${QUOTED})\])?\s*(>=|<=|[:~<>])\s*(${QUOTED}|[\w.-]+)\s*`,
  "y",
);
const JOINT = /\s*(AND|OR)\s+/iy;

export function parseSearch(query: string): Read<SearchQuery> {
  const clauses: Clause[] = [];
  const joints = new Set<string>();
  for (let at = 0; ; ) {
    CLAUSE.lastIndex = at;
    const match = CLAUSE.exec(query);
    if (match === null) return refused(problem("We were unable to parse your search query."));
    const clause = clauseOf(match);
    const wrong = clauseProblem(clause);
    if (wrong !== undefined) return refused(problem(wrong));
    clauses.push(clause);
    if (clauses.length > CLAUSES_MAX) return refused(problem(`A query may have up to ${CLAUSES_MAX} clauses.`));
    at = CLAUSE.lastIndex;
    if (at === query.length) break;
    JOINT.lastIndex = at;
    const joint = JOINT.exec(query)?.[1];
    if (joint === undefined) return refused(problem("We were unable to parse your search query."));
    joints.add(joint.toUpperCase());
    at = JOINT.lastIndex;
  }
  if (joints.size > 1) return refused(problem("AND and OR cannot be used in one query."));
  return found(queryOf(clauses, joints.has("OR")));
}

function queryOf(clauses: readonly Clause[], any: boolean): SearchQuery {
  const holds = (intent: PaymentIntent) => (clause: Clause) => isTrue(clause, intent) !== clause.negated;
  const exact = clauses.filter(
    ({ key, operator, value, negated }) => key !== null && operator === ":" && value !== ABSENT && !negated,
  );
  return {
    matches: (intent) => (any ? clauses.some(holds(intent)) : clauses.every(holds(intent))),
    metadata: any ? {} : Object.fromEntries(exact.map(({ key, value }) => [key, value])),
  };
}

function clauseOf([, minus, field = "", key, operator, value = ""]: RegExpExecArray): Clause {
  return {
    field,
    key: key === undefined ? null : unquoted(key),
    operator: operator as Clause["operator"],
    value: unquoted(value),
    negated: minus === "-",
  };
}

function unquoted(text: string): string {
  return /^["']/.test(text) ? text.slice(1, -1).replaceAll(/\\(.)/g, "$1") : text;
}

function clauseProblem({ field, key, operator, value }: Clause): string | undefined {
  if (!FIELDS.includes(field))
    return `Field \`${field}\` is an unsupported search field for resource \`payment_intents\`.`;
  if ((field === "metadata") !== (key !== null))
    return `Field \`${field}\` is used in the wrong way: metadata has keys, and nothing else has.`;
  if (!NUMBERS.includes(field)) {
    return operator === ":" || operator === "~"
      ? undefined
      : `Operator \`${operator}\` is not supported for \`${field}\`.`;
  }
  if (operator === "~") return `Operator \`~\` is not supported for \`${field}\`.`;
  return /^\d{1,19}$/.test(value) ? undefined : `The value of \`${field}\` must be an integer.`;
}

function isTrue({ field, key, operator, value }: Clause, intent: PaymentIntent): boolean {
  switch (field) {
    case "amount":
      return compare(intent.amount, operator, BigInt(value));
    case "created":
      return compare(BigInt(intent.created), operator, BigInt(value));
    case "metadata":
      return textMatches(intent.metadata[key ?? ""], operator, value);
    case "currency":
      return textMatches(intent.currency, operator, value.toLowerCase());
    case "status":
      return textMatches(intent.status, operator, value);
    default:
      // There are no customers here.
      return false;
  }
}

function compare(actual: bigint, operator: Clause["operator"], wanted: bigint): boolean {
  switch (operator) {
    case ">":
      return actual > wanted;
    case "<":
      return actual < wanted;
    case ">=":
      return actual >= wanted;
    case "<=":
      return actual <= wanted;
    case ":":
      return actual === wanted;
    case "~":
      return false;
  }
}

/** An absent value matches nothing but `null`, which asks for just that. */
function textMatches(actual: string | undefined, operator: Clause["operator"], wanted: string): boolean {
  if (actual === undefined) return wanted === ABSENT;
  return operator === "~" ? actual.toLowerCase().includes(wanted.toLowerCase()) : actual === wanted;
}

function problem(message: string) {
  return invalidRequest(`${message} See https://docs.stripe.com/search for the query language.`, { param: "query" });
}
