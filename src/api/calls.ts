// A service's calls as both ports serve them: the request is validated, the handler runs, and whatever goes wrong is a refusal.
import type { DescMethod, DescMethodUnary, DescService, Message } from "@bufbuild/protobuf";
import type { Logger } from "pino";
import type { Caller } from "../app/parts.ts";
import { refuseUnavailable } from "../app/unavailable.ts";
import { type Refusal, type Result, refusal } from "../domain/error.ts";
import type { Handler } from "./handlers.ts";
import { prepareRules, validate } from "./validation.ts";

export interface UnaryCall {
  readonly method: DescMethodUnary;
  /** Never rejects. `request` is a message of the method's input. */
  readonly run: (request: Message, caller: Caller) => Promise<Result<Message>>;
  /** The refusal for something that was thrown; its cause is logged and goes nowhere else. */
  readonly refuseFault: (error: unknown) => Refusal;
}

/** The handlers of a service by the local names of its methods. */
type Handlers<S extends DescService> = {
  readonly [M in keyof S["method"]]: S["method"][M] extends DescMethodUnary ? Handler<S["method"][M]> : never;
};

function prepareCall(method: DescMethodUnary, handler: Handler<DescMethodUnary>, log: Logger): UnaryCall {
  function refuseFault(error: unknown): Refusal {
    const unavailable = refuseUnavailable(error);
    if (unavailable) {
      log.warn({ err: error, method: method.name }, "call refused: the database is away");
      return unavailable;
    }
    log.error({ err: error, method: method.name }, "call failed");
    return refusal("INTERNAL", "The service failed; repeat the call with the same request_id, or ask its operators.");
  }
  prepareRules(method.input);
  return {
    method,
    refuseFault,
    async run(request, caller) {
      try {
        const invalid = validate(method.input, request);
        return invalid ? { ok: false, error: invalid } : await handler(request, caller);
      } catch (error) {
        return { ok: false, error: refuseFault(error) };
      }
    },
  };
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}

/** The calls of a service whose methods are all unary. */
export function prepareCalls<S extends DescService>(service: S, handlers: Handlers<S>, log: Logger): UnaryCall[] {
  // The types of `handlers` prove that each handler takes and gives its method's messages; a list cannot say that.
  const byName = handlers as Readonly<Record<string, Handler<DescMethodUnary>>>;
  return service.methods.map((method) => {
    const handler = byName[method.localName];
    if (!isUnary(method) || !handler) throw new Error(`${method.name} has no handler of its kind`);
    return prepareCall(method, handler, log);
  });
}
