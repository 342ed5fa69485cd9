// What goes wrong before or beneath a dialect's own code, as a refusal: requests that cannot be read, and failures of the service. The caller's
// faults are 4xx; only a failure of the service is 5xx, and its cause is in the log alone.
import type { FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { refuseUnavailable } from "../../app/unavailable.ts";
import { type Refusal, refusal } from "../../domain/error.ts";
import { STATUSES } from "../json/statuses.ts";

export interface Fault {
  readonly refusal: Refusal;
  readonly status: number;
}

/** What a parser or a hook throws to refuse a request. */
export class RequestFault extends Error {
  override readonly name = "RequestFault";
  readonly fault: Fault;

  constructor(refused: Refusal, status: number = STATUSES[refused.reason]) {
    super(refused.message);
    this.fault = { refusal: refused, status };
  }
}

export function faultOf(refused: Refusal): Fault {
  return { refusal: refused, status: STATUSES[refused.reason] };
}

/** The framework's refusals of requests, in our words. */
const SENTENCES: Readonly<Record<number, string>> = {
  400: "The request cannot be read: its URL, its headers or its body are broken.",
  413: "The body is too large.",
  414: "The URL is too long.",
  415: "The content type of the request is not served here; use application/json.",
};

function statusOf(error: unknown): number {
  const status = typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : 500;
  return typeof status === "number" ? status : 500;
}

export function explainError(error: unknown, request: FastifyRequest, log: Logger): Fault {
  if (error instanceof RequestFault) return error.fault;
  const status = statusOf(error);
  if (status >= 400 && status < 500) {
    return { refusal: refusal("INVALID_ARGUMENT", SENTENCES[status] ?? "The request cannot be served."), status };
  }
  const route = request.routeOptions.url;
  const unavailable = refuseUnavailable(error);
  if (unavailable) {
    log.warn({ err: error, route }, "call refused: the database is away");
    return faultOf(unavailable);
  }
  log.error({ err: error, route }, "call failed");
  return faultOf(
    refusal("INTERNAL", "The service failed; repeat the call with the same Idempotency-Key, or ask its operators."),
  );
}
