// One request to Stripe's API, from its head and body to the status, headers and body of its answer: key, version, idempotency key and
// parameters are checked in that order, then its route decides.
import { randomBytes } from "node:crypto";
import { fingerprint } from "../idempotency.ts";
import { printWire } from "../wire-json.ts";
import { API_VERSION, versionProblem } from "./api-version.ts";
import { keyProblem } from "./auth.ts";
import { catalogueOf } from "./catalogue.ts";
import { chargeRoutes } from "./charge-routes.ts";
import { eventRoutes } from "./event-routes.ts";
import { expandBody } from "./expand.ts";
import { parseForm } from "./form.ts";
import { intentRoutes } from "./intent-routes.ts";
import { methodRoutes } from "./method-routes.ts";
import { type Outcome, refuse } from "./outcome.ts";
import { errorFields, invalidRequest, printable, type Refusal } from "./refusal.ts";
import { renderIntent, renderMethodOf } from "./render-intent.ts";
import { type Face, Router } from "./route.ts";
import { searchRoutes } from "./search-routes.ts";
import { sessionRoutes } from "./session-routes.ts";
import { endpointRoutes } from "./webhook-routes.ts";

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** Aborted when the caller no longer waits. */
  readonly signal: AbortSignal;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const IDEMPOTENCY_KEY_MAX = 255;

export class StripeApi {
  readonly #face: Face;
  readonly #router = new Router([
    ...intentRoutes,
    ...searchRoutes,
    ...sessionRoutes,
    ...methodRoutes,
    ...chargeRoutes,
    ...eventRoutes,
    ...endpointRoutes,
  ]);

  constructor(face: Face) {
    this.#face = face;
  }

  /** Undefined where the answer is lost. */
  async answer(request: ApiRequest): Promise<ApiAnswer | undefined> {
    const requestId = `req_${randomBytes(10).toString("base64url").replace(/\W|_/g, "0")}`;
    const key = request.method === "POST" ? request.headers["idempotency-key"] || null : null;
    const outcome = await this.#decide(request, key);
    if (outcome.kind === "lost") return undefined;
    const headers = {
      "content-type": "application/json",
      "cache-control": "no-cache, no-store",
      "request-id": requestId,
      "stripe-version": request.headers["stripe-version"] ?? API_VERSION,
      ...(key !== null && key.length <= IDEMPOTENCY_KEY_MAX && { "idempotency-key": key }),
      ...(outcome.replayed && { "idempotent-replayed": "true" }),
    };
    if (outcome.kind === "object") return { status: 200, headers, body: printWire(outcome.body) };
    return { status: outcome.refusal.status, headers, body: printWire(this.#errorBody(outcome, requestId)) };
  }

  #errorBody({ refusal, life }: Extract<Outcome, { kind: "refused" }>, requestId: string): unknown {
    const charge = life?.charges.find((each) => each.id === refusal.charge);
    return {
      error: {
        ...errorFields(refusal),
        ...(isMismatch(refusal) && { message: `${refusal.message} ${OTHER_KEY}` }),
        ...(life && { payment_intent: renderIntent(life, this.#face) }),
        ...(charge && { payment_method: renderMethodOf(charge.payment_method) }),
        request_log_url: `https://dashboard.stripe.com/test/logs/${requestId}`,
      },
    };
  }

  async #decide(request: ApiRequest, key: string | null): Promise<Outcome> {
    const { headers, method, path } = request;
    const problem =
      keyProblem(headers["authorization"]) ?? versionProblem(headers["stripe-version"]) ?? keyLengthProblem(key);
    if (problem) return refuse(problem);
    const match = this.#router.find(method, path);
    if (match === undefined) return refuse(unrecognized(method, path));
    const form = parseForm(method === "POST" ? request.body : request.query);
    const options = {
      idempotencyKey: key,
      fingerprint: fingerprint({ method, path, form }),
      signal: request.signal,
    };
    const version = headers["stripe-version"] ?? API_VERSION;
    const { outcome, expand } = await match.route.run({ face: this.#face, id: match.id, options, version }, form);
    if (outcome.kind !== "object" || expand.length === 0) return outcome;
    return { ...outcome, body: expandBody(outcome.body, expand, catalogueOf(outcome.lives, this.#face)) };
  }
}

/** A key that was used for something else. */
function isMismatch({ type, status }: Refusal): boolean {
  return type === "idempotency_error" && status === 400;
}

const OTHER_KEY = "Try using another key if you meant to execute a different request.";

function keyLengthProblem(key: string | null): Refusal | undefined {
  if (key === null || key.length <= IDEMPOTENCY_KEY_MAX) return undefined;
  return invalidRequest(
    `Idempotency keys may be at most ${IDEMPOTENCY_KEY_MAX} characters, but yours has ${key.length}.`,
  );
}

function unrecognized(method: string, path: string): Refusal {
  const url = printable(path);
  return invalidRequest(
    `Unrecognized request URL (${method}: ${url}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
    { status: 404 },
  );
}
