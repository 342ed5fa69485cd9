// What a dialect is: the paths, bodies and words of one document, over the use cases that every door shares. It reads a request, calls a use case
// and writes the answer; who calls, request ids, broken input, limits and failures are the framework's affair, which speaks the dialect's own words
// in its refusals.
import type { FastifyInstance, FastifyRequest, FastifySchema, RouteHandlerMethod } from "fastify";
import type { Caller, Parts } from "../../app/parts.ts";
import type { Refusal, Result } from "../../domain/error.ts";

export interface Dialect {
  /** Also the tag of its routes in the OpenAPI document. */
  readonly name: string;
  /** For the OpenAPI document. */
  readonly description: string;
  /** Writes every refusal on the dialect's routes, those of the framework (broken JSON, a body too large, a wrong method, a rate limit) included. */
  describeRefusal(refused: Refused): RestAnswer;
  /** Registers the routes, each with a `schema` for the OpenAPI document, in a scope of the dialect's own. */
  register(app: FastifyInstance, context: RestContext): void | Promise<void>;
}

/** A refusal on its way out, with the status that the contract's table gives it. */
export interface Refused {
  readonly refusal: Refusal;
  readonly status: number;
  readonly request: FastifyRequest;
  readonly now: Date;
}

export interface RestAnswer {
  readonly status: number;
  /** Written by JSON.stringify: amounts are `JSON.rawJSON(printDecimal(…))`. */
  readonly body: unknown;
  /** Besides those of every answer, or in their place: a content type, a place. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One call by somebody who is known. */
export interface RestCall {
  readonly request: FastifyRequest;
  readonly caller: Caller;
  /** From the Idempotency-Key header; empty when there is none. */
  readonly requestId: string;
}

export interface RestContext {
  readonly parts: Parts;
  /** The provider of payments that name none. */
  readonly provider: string;
  /**
   * A route's handler: finds out who calls (the signal is aborted when the client is gone) and the request id, the value of the Idempotency-Key
   * header, quoted or plain; and sends the answer, or the refusal in the dialect's words.
   */
  serve(handle: (call: RestCall) => Promise<Result<RestAnswer>>): RouteHandlerMethod;
  /** A handler for everybody: nobody is asked who they are. */
  servePublic(handle: (request: FastifyRequest) => Promise<Result<RestAnswer>>): RouteHandlerMethod;
  /** A route for a provider's signed webhooks: raw body, `{"received": true}`, 400 `Invalid signature`. Never rate limited. */
  receiveWebhooks(app: FastifyInstance, path: string, schema: FastifySchema): void;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Health probes, webhooks and what is asked for as often as a page is loaded: no rate limit. */
    readonly unlimited?: boolean;
  }
}
