// `expand[]`: an id in an answer becomes the object that it stands for, along a path of up to four steps. In a list the path begins with `data`.
// https://docs.stripe.com/expand
import type { Catalogue } from "./catalogue.ts";
import type { Body } from "./outcome.ts";
import { invalidRequest, printable, type Refusal } from "./refusal.ts";

const DEPTH_MAX = 4;

/** By kind of object: what may be expanded, and what it becomes; "none" where there never is one here. */
const EXPANDABLE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  payment_intent: {
    latest_charge: "charge",
    payment_method: "payment_method",
    ...nothing("customer application on_behalf_of review source"),
  },
  "checkout.session": {
    payment_intent: "payment_intent",
    line_items: "list of item",
    ...nothing("customer setup_intent subscription invoice payment_link"),
  },
  charge: {
    payment_intent: "payment_intent",
    balance_transaction: "balance_transaction",
    refunds: "list of refund",
    ...nothing("customer application on_behalf_of review failure_balance_transaction"),
  },
  refund: {
    payment_intent: "payment_intent",
    charge: "charge",
    balance_transaction: "balance_transaction",
    ...nothing("payment_method customer failure_balance_transaction"),
  },
  dispute: { payment_intent: "payment_intent", charge: "charge" },
  balance_transaction: { source: "charge" },
  payment_method: nothing("customer"),
};

function nothing(names: string): Readonly<Record<string, string>> {
  return Object.fromEntries(names.split(" ").map((name) => [name, "none"]));
}

/** What the routes of a collection answer. */
const KINDS: Readonly<Record<string, string>> = {
  payment_intents: "payment_intent",
  sessions: "checkout.session",
  charges: "charge",
  refunds: "refund",
  disputes: "dispute",
  balance_transactions: "balance_transaction",
  payment_methods: "payment_method",
};

/** What is wrong with the paths that a request wants expanded: it is known before anything is done. */
export function expandProblem(method: string, path: string, expand: readonly string[]): Refusal | undefined {
  const segments = path.split("/").slice(2);
  const kind = KINDS[segments.find((segment) => segment !== "checkout") ?? ""] ?? "none";
  const isList = method === "GET" && segments.at(-1) !== ":id";
  const wrong = expand.find((each) => !isExpandable(isList ? `list of ${kind}` : kind, each.split(".")));
  if (wrong === undefined) return undefined;
  const message =
    wrong.split(".").length > DEPTH_MAX
      ? `You cannot expand more than ${DEPTH_MAX} levels of a property. Property: ${printable(wrong)}`
      : `This property cannot be expanded (${printable(wrong)}).`;
  return invalidRequest(message, { param: "expand" });
}

function isExpandable(kind: string, path: readonly string[]): boolean {
  const [property = "", ...rest] = path;
  if (path.length > DEPTH_MAX) return false;
  const members = kind.startsWith("list of ") ? kind.slice("list of ".length) : undefined;
  const next = members === undefined ? EXPANDABLE[kind]?.[property] : property === "data" ? members : undefined;
  if (next === undefined) return false;
  return rest.length === 0 || isExpandable(next, rest);
}

/** Expands paths that `expandProblem` found nothing wrong with. */
export function expandBody(body: Body, paths: readonly string[], catalogue: Catalogue): Body {
  return paths.reduce((expanded, path) => expandPath(expanded, path.split("."), catalogue), body);
}

function expandPath(body: Body, [property = "", ...rest]: readonly string[], catalogue: Catalogue): Body {
  const value = body[property] ?? included(body, property, catalogue);
  const next = typeof value === "string" ? (catalogue.find(value) ?? value) : value;
  if (Array.isArray(next)) return { ...body, [property]: next.map((each: Body) => expandRest(each, rest, catalogue)) };
  return { ...body, [property]: isBody(next) ? expandRest(next, rest, catalogue) : (next ?? null) };
}

function expandRest(body: Body, rest: readonly string[], catalogue: Catalogue): Body {
  return rest.length === 0 ? body : expandPath(body, rest, catalogue);
}

/** Lists that an object holds only when asked for. */
function included(body: Body, property: string, catalogue: Catalogue): Body | undefined {
  return property === "line_items" || property === "refunds" ? catalogue.include(body, property) : undefined;
}

function isBody(value: unknown): value is Body {
  return typeof value === "object" && value !== null;
}
