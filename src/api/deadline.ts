// The caller of a grpc-js call: its signal is made only for those who ask, because most calls end before anybody does.
import type { ServerUnaryCall } from "@grpc/grpc-js";
import type { Identity, Role } from "../app/access.ts";
import type { Caller } from "../app/parts.ts";

type Call = Pick<ServerUnaryCall<unknown, unknown>, "cancelled" | "getDeadline" | "once">;

export class GrpcCaller implements Caller {
  readonly role: Role;
  readonly principal: string;
  readonly customerId: string | null;
  readonly clientToken: string | null;
  readonly #call: Call;
  #controller: AbortController | null = null;

  constructor(identity: Identity, call: Call) {
    this.role = identity.role;
    this.principal = identity.principal;
    this.customerId = identity.customerId;
    this.clientToken = identity.clientToken;
    this.#call = call;
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#follow(new AbortController());
    return this.#controller.signal;
  }

  // grpc-js says "cancelled" when the client hangs up, when the deadline passes, and also once the call is answered.
  #follow(controller: AbortController): AbortController {
    if (this.#call.cancelled) controller.abort();
    else this.#call.once("cancelled", () => controller.abort());
    return controller;
  }
}

/** Whether nobody waits for the answer any more. */
export function isOver(call: Call): boolean {
  return call.cancelled || Number(call.getDeadline()) <= Date.now();
}
