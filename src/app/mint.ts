// The clock and the mint of the process: what the domain is given instead of having it.
import { randomBytes, randomUUID } from "node:crypto";
import type { LatePolicy } from "../domain/decide-fact.ts";
import {
  type DisputeId,
  type EventId,
  mintId,
  type OperationId,
  type PaymentId,
  type RefundId,
} from "../domain/ids.ts";
import type { Parts } from "./parts.ts";

export type Mint = Pick<Parts, "now" | "randomUuid" | "mintPaymentId" | "mintOperationId" | "moment" | "mintToken">;

/** `now` is the clock of this process; tests bring their own. */
export function createMint(now: () => Date, latePolicy: LatePolicy = "refund"): Mint {
  const randomUuid = (): string => randomUUID();
  return {
    now,
    randomUuid,
    mintPaymentId: (at) => mintId<PaymentId>(at, randomUuid()),
    mintOperationId: (at) => mintId<OperationId>(at, randomUuid()),
    moment() {
      const at = now();
      return {
        now: at,
        latePolicy,
        mintEventId: () => mintId<EventId>(at, randomUuid()),
        mintRefundId: () => mintId<RefundId>(at, randomUuid()),
        mintDisputeId: () => mintId<DisputeId>(at, randomUuid()),
      };
    },
    // 24 random bytes: 192 bits.
    mintToken: () => randomBytes(24).toString("base64url"),
  };
}
