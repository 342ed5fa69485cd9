// The gateway's hosted checkout page and its few calls; and the bank's page for payments that have no checkout page:
//
//   GET  /c/pay/:session                the page
//   GET  /c/pay/:session/state          what it shows
//   POST /c/pay/:session/pay            { token } or { number, exp_month, exp_year, cvc }
//   POST /c/pay/:session/authenticate   { approve }: the cardholder's answer to the bank
//
//   GET  /c/authenticate/:intent?client_secret=…, …/state, POST …/authenticate: the same without a form
//
// A card's number is turned into a token before anything else happens, and is neither kept nor told back. The session's id, or the intent's
// secret, is the capability: whoever has it may pay. Calls are JSON alone, which another site's form cannot send.
import { type Answer, type CallOptions, type Gateway, LOST } from "../gateway.ts";
import type { GatewayError, Life } from "../objects.ts";
import { createPaymentMethod, findMethodCard } from "../payment-methods.ts";
import {
  type AuthenticationView,
  type CheckoutView,
  viewAuthentication,
  type Viewpoint,
  viewCheckout,
} from "./checkout-view.ts";
import { explainProblem, type Problem } from "./checkout-words.ts";

/** A file as it is answered. */
export interface CheckoutFile {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface CheckoutAssets {
  readonly checkout: CheckoutFile;
  readonly authenticate: CheckoutFile;
  readonly files: ReadonlyMap<string, CheckoutFile>;
}

export interface CheckoutOptions {
  readonly gateway: Gateway;
  readonly assets: CheckoutAssets;
  /** Who is paid, in the words of the page. */
  readonly merchantName: string;
}

/** What the requests of HTTP/1.1 and HTTP/2 have in common. */
export interface CheckoutRequest extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: { readonly "content-type"?: string | undefined };
}

export interface CheckoutResponse {
  writeHead(status: number, headers?: Record<string, string | number | string[] | undefined>): unknown;
  end(chunk?: string | Uint8Array): unknown;
  destroy(): unknown;
  once(event: "close", listener: () => void): unknown;
}

export type CheckoutHandler = (request: CheckoutRequest, response: CheckoutResponse) => void;

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

interface Told {
  readonly state: CheckoutView | AuthenticationView;
  readonly problem: Problem | null;
}

const PATH = /^\/c\/(?:pay\/(cs_\w{1,100})|authenticate\/(pi_\w{1,100}))\/?(state|pay|authenticate)?$/;
const BODY_BYTES_MAX = 4 * 1024;

/** Answers everything under `/c/`, and anything else with 404. */
export function createCheckoutRoutes(options: CheckoutOptions): CheckoutHandler {
  return (request, response) => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    serve(options, request, gone.signal).then(
      (reply) => (reply === LOST ? response.destroy() : send(request, response, reply)),
      // The request's body broke off, or the gateway is stopping: nobody is there to be told.
      () => response.destroy(),
    );
  };
}

async function serve(
  options: CheckoutOptions,
  request: CheckoutRequest,
  signal: AbortSignal,
): Promise<Reply | typeof LOST> {
  const [path = "", query = ""] = (request.url ?? "").split("?", 2);
  const file = options.assets.files.get(path);
  const [, session, intent, action] = PATH.exec(path) ?? [];
  const subject = subjectOf({ session, intent, query });
  if (file === undefined && (subject === undefined || (action === "pay" && intent !== undefined))) return NOWHERE;
  const posts = action === "pay" || action === "authenticate";
  const methods = posts ? ["POST"] : ["GET", "HEAD"];
  if (!methods.includes(request.method ?? "")) return refuse(405, "Use another method.", { allow: methods.join(", ") });
  if (file !== undefined) return { status: 200, ...file };
  if (subject === undefined) return NOWHERE;
  if (action === undefined) return { status: 200, ...options.assets[subject.page] };
  const desk = new Desk(options, subject, signal);
  if (!posts) return desk.state();
  const body = await readJson(request);
  if (!body.ok) return body.reply;
  return action === "pay" ? desk.pay(body.value) : desk.authenticate(body.value);
}

/** What a path speaks of: a session, or an intent with its secret. */
interface Subject {
  readonly id: string;
  readonly page: "checkout" | "authenticate";
  /** What its page is told; null when the payment is not the one that the path may speak of. */
  readonly view: (life: Life, viewpoint: Viewpoint) => Told["state"] | null;
}

interface Named {
  readonly session: string | undefined;
  readonly intent: string | undefined;
  readonly query: string;
}

function subjectOf({ session: sessionId, intent: intentId, query }: Named): Subject | undefined {
  if (sessionId !== undefined) {
    return {
      id: sessionId,
      page: "checkout",
      view: (life, viewpoint) => (life.session?.id === sessionId ? viewCheckout(life, life.session, viewpoint) : null),
    };
  }
  if (intentId === undefined) return undefined;
  const secret = new URLSearchParams(query).get("client_secret");
  return {
    id: intentId,
    page: "authenticate",
    view: (life, viewpoint) =>
      life.intent.id === intentId && life.intent.client_secret === secret ? viewAuthentication(life, viewpoint) : null,
  };
}

/** The calls of one request about one payment. */
class Desk {
  readonly #options: CheckoutOptions;
  readonly #subject: Subject;
  readonly #call: CallOptions;

  constructor(options: CheckoutOptions, subject: Subject, signal: AbortSignal) {
    this.#options = options;
    this.#subject = subject;
    this.#call = { idempotencyKey: null, signal };
  }

  state(): Promise<Reply | typeof LOST> {
    return this.#tell(null);
  }

  async pay(body: Readonly<Record<string, unknown>>): Promise<Reply | typeof LOST> {
    const method = readMethod(body, this.#options.gateway.now());
    if (typeof method === "object") return this.#tell(method);
    const answer = await this.#options.gateway.perform(
      { operation: "pay_session", id: this.#subject.id, payment_method: method },
      this.#call,
    );
    return this.#settle(answer);
  }

  async authenticate({ approve }: Readonly<Record<string, unknown>>): Promise<Reply | typeof LOST> {
    if (typeof approve !== "boolean") return refuse(400, "approve is true or false.");
    const found = await this.#look();
    if (found === LOST || "status" in found) return found;
    const answer = await this.#options.gateway.perform(
      { operation: "authenticate", id: found.intent.id, approve },
      this.#call,
    );
    return this.#settle(answer);
  }

  #settle(answer: Answer | typeof LOST): Promise<Reply | typeof LOST> | typeof LOST {
    if (answer === LOST) return LOST;
    return this.#tell(answer.ok ? null : answer.error, answer.life);
  }

  /** Tells the state, and the error where the session is open in spite of it: one that is paid all the same has no problem. */
  async #tell(error: GatewayError | null, known: Life | null = null): Promise<Reply | typeof LOST> {
    const life = known ?? (await this.#look());
    if (life === LOST || "status" in life) return life;
    const state = this.#view(life);
    if (state === null) return NO_PAYMENT;
    return tell({ state, problem: error && state.status === "open" ? explainProblem(error) : null });
  }

  async #look(): Promise<Life | Reply | typeof LOST> {
    const answer = await this.#options.gateway.retrieve(this.#subject.id, this.#call.signal);
    if (answer === LOST) return LOST;
    if (answer.ok) return this.#view(answer.life) === null ? NO_PAYMENT : answer.life;
    return answer.error.status === 404 ? NO_PAYMENT : refuse(503, "The gateway cannot tell now.");
  }

  #view(life: Life): Told["state"] | null {
    const { gateway, merchantName: merchant } = this.#options;
    const card = findMethodCard(life.intent.payment_method ?? "");
    return this.#subject.view(life, { merchant, now: gateway.now(), last4: card?.number.slice(-4) ?? null });
  }
}

/** The name of what to pay with, or why there is none. */
function readMethod(body: Readonly<Record<string, unknown>>, now: Date): string | GatewayError {
  const { token, number, exp_month, exp_year, cvc } = body;
  const source =
    typeof token === "string"
      ? token
      : { number: String(number), exp_month: Number(exp_month), exp_year: Number(exp_year), cvc: String(cvc) };
  const made = createPaymentMethod(source, now);
  if (!made.ok) return made.error;
  // A token is told on as it came, so that it stays what it is called in the gateway's books.
  return typeof source === "string" ? source : made.paymentMethod.id;
}

type ReadBody =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly reply: Reply };

async function readJson(request: CheckoutRequest): Promise<ReadBody> {
  if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) {
    return { ok: false, reply: refuse(415, "Send application/json.") };
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX)
      return { ok: false, reply: refuse(413, "The body is too large.", { connection: "close" }) };
    chunks.push(chunk);
  }
  const value = parseObject(Buffer.concat(chunks).toString());
  return value ? { ok: true, value } : { ok: false, reply: refuse(400, "The body is no JSON object.") };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const JSON_HEADERS = {
  "content-type": "application/json",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

function tell(told: Told): Reply {
  return { status: 200, headers: JSON_HEADERS, body: JSON.stringify(told) };
}

function refuse(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { ...JSON_HEADERS, ...headers }, body: JSON.stringify({ error: { message } }) };
}

const NO_PAYMENT = refuse(404, "There is no such payment.");
const NOWHERE = refuse(404, "Nothing is served at this path.");

function send(request: CheckoutRequest, response: CheckoutResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(request.method === "HEAD" ? undefined : body);
}
