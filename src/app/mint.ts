// The clock and the mint of the process: what the domain is given instead of having it.
import { randomBytes, randomUUID } from "node:crypto";
import { type EventId, mintId, type OperationId, type PaymentId, type RefundId } from "../domain/ids.ts";
import type { Parts } from "./parts.ts";

export type Mint = Pick<Parts, "now" | "randomUuid" | "mintPaymentId" | "mintOperationId" | "moment" | "mintToken">;

/** `now` is the clock of this process; tests bring their own. */
export function createMint(now: () => Date): Mint {
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
        mintEventId: () => mintId<EventId>(at, randomUuid()),
        mintRefundId: () => mintId<RefundId>(at, randomUuid()),
      };
    },
    // 24 random bytes: 192 bits.
    mintToken: () => randomBytes(24).toString("base64url"),
  };
}
