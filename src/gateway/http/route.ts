// A route: a method, a path, the table of its parameters, and what it does with them.
import type { CallOptions, Gateway } from "../gateway.ts";
import type { Webhooks } from "../webhooks/webhooks.ts";
import { expandProblem } from "./expand.ts";
import type { FormFields } from "./form.ts";
import type { Site } from "./render-intent.ts";
import { type Outcome, refuse } from "./outcome.ts";
import { list, type Reader, readFields, type Table, text, type ValuesOf } from "./parameters.ts";

/** What routes work with. */
export interface Face extends Site {
  readonly gateway: Gateway;
  readonly webhooks: Webhooks;
}

export interface Call {
  readonly face: Face;
  /** What stands at `:id` in the path; empty where the path has none. */
  readonly id: string;
  readonly options: CallOptions;
  /** The version of Stripe's API that the caller asks for. */
  readonly version: string;
}

export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** Such as `/v1/refunds/:id`. */
  readonly path: string;
  /** Also answers the paths to expand. */
  readonly run: (call: Call, form: FormFields) => Promise<{ outcome: Outcome; expand: readonly string[] }>;
}

const EXPAND: { readonly expand: Reader<readonly string[] | null> } = { expand: list(text(200)) };

export function route<T extends Table>(
  address: `${Route["method"]} /${string}`,
  table: T,
  handle: (params: ValuesOf<T>, call: Call) => Promise<Outcome> | Outcome,
): Route {
  const [method = "", path = ""] = address.split(" ");
  const whole = { ...table, ...EXPAND };
  return {
    method: method as Route["method"],
    path,
    run: async (call, form) => {
      const read = readFields(whole, form);
      if (!read.ok) return { outcome: refuse(read.refusal), expand: [] };
      const values = read.value as ValuesOf<T> & { readonly expand: readonly string[] | null };
      const expand = values.expand ?? [];
      const problem = expandProblem(method, path, expand);
      return problem ? { outcome: refuse(problem), expand: [] } : { outcome: await handle(values, call), expand };
    },
  };
}

/** Finds the route of a request; `id` is what stands at `:id`. */
export class Router {
  readonly #routes = new Map<string, Route>();

  constructor(routes: readonly Route[]) {
    for (const each of routes) this.#routes.set(`${each.method} ${each.path}`, each);
  }

  find(method: string, path: string): { readonly route: Route; readonly id: string } | undefined {
    const segments = path.replace(/\/$/, "").split("/");
    const exact = this.#routes.get(`${method} ${segments.join("/")}`);
    if (exact) return { route: exact, id: "" };
    // The id stands last, or before one last word: /v1/payment_intents/:id/confirm.
    for (const place of [segments.length - 1, segments.length - 2]) {
      const id = segments[place];
      const found = this.#routes.get(`${method} ${segments.with(place, ":id").join("/")}`);
      if (found && id !== undefined && id !== "") return { route: found, id: decoded(id) };
    }
    return undefined;
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
