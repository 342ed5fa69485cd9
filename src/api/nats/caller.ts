// The caller of a message: its signal is made only for those who ask, because most calls end before anybody does.
import type { Identity, Role } from "../../app/access.ts";
import type { Caller } from "../../app/parts.ts";

export class NatsCaller implements Caller {
  readonly role: Role;
  readonly principal: string;
  readonly customerId: string | null;
  readonly clientToken: string | null;
  readonly #deadline: number;
  #signal: AbortSignal | null = null;

  /** `leftMs`: how long the caller still waits. */
  constructor(identity: Identity, leftMs: number) {
    this.role = identity.role;
    this.principal = identity.principal;
    this.customerId = identity.customerId;
    this.clientToken = identity.clientToken;
    this.#deadline = performance.now() + leftMs;
  }

  get signal(): AbortSignal {
    this.#signal ??= AbortSignal.timeout(Math.max(0, Math.round(this.#deadline - performance.now())));
    return this.#signal;
  }
}
