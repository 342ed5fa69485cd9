// The control API: its requests are JSON, which a form of another site cannot send, and are read by the same tables as Stripe's.
import { printWire } from "../wire-json.ts";
import { API_VERSION } from "./api-version.ts";
import { controlRoutes } from "./control-routes.ts";
import type { Form, FormFields } from "./form.ts";
import { type Outcome, refuse } from "./outcome.ts";
import { errorFields, invalidRequest, type Read, refused, found } from "./refusal.ts";
import { deliveryRoutes } from "./webhook-routes.ts";
import { type Face, Router } from "./route.ts";
import type { ApiAnswer, ApiRequest } from "./stripe-api.ts";

export class ControlApi {
  readonly #face: Face;
  readonly #router = new Router([...controlRoutes, ...deliveryRoutes]);

  constructor(face: Face) {
    this.#face = face;
  }

  async answer(request: ApiRequest): Promise<ApiAnswer | undefined> {
    const outcome = await this.#decide(request);
    const headers = { "content-type": "application/json", "cache-control": "no-store" };
    switch (outcome.kind) {
      case "lost":
        return undefined;
      case "object":
        return { status: 200, headers, body: printWire(outcome.body) };
      case "refused":
        return { status: outcome.refusal.status, headers, body: printWire({ error: errorFields(outcome.refusal) }) };
    }
  }

  async #decide({ method, path, headers, body, signal }: ApiRequest): Promise<Outcome> {
    const match = this.#router.find(method, path);
    if (match === undefined)
      return refuse(invalidRequest("The control API has no such method and path.", { status: 404 }));
    const fields = method === "POST" ? readJson(headers["content-type"], body) : found({});
    if (!fields.ok) return refuse(fields.refusal);
    const options = { idempotencyKey: null, signal };
    return (await match.route.run({ face: this.#face, id: match.id, options, version: API_VERSION }, fields.value))
      .outcome;
  }
}

function readJson(contentType: string | undefined, body: string): Read<FormFields> {
  if (body === "") return found({});
  if (!/^application\/json\b/i.test(contentType ?? "")) {
    return refused(invalidRequest("The body must be JSON, and content-type application/json.", { status: 415 }));
  }
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return found(fieldsOf(value));
  } catch {
    // What cannot be read is refused with the rest below.
  }
  return refused(invalidRequest("The body is not a JSON object."));
}

function fieldsOf(value: object): FormFields {
  const given = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(given.map(([name, field]) => [name, formOf(field)]));
}

function formOf(value: unknown): Form {
  if (Array.isArray(value)) return value.map(formOf);
  return typeof value === "object" && value !== null ? fieldsOf(value) : String(value);
}
