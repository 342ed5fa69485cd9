// The canonical dialect on a real port, and the orders that its tests make and pay.
import assert from "node:assert/strict";
import { type Answer, type OpenedRest, openRest } from "./open-rest.ts";

export const PAYMENT_ID = /^payment_[0-9a-f-]{36}$/;
/** Two shirts, 51.98 together. */
export const ITEMS = '"items":[{"name":"Premium T-shirt","price":25.99,"quantity":2}]';

export interface Canonical extends OpenedRest {
  readonly createSession: (orderId: string, more?: string) => Promise<Answer>;
  /** A paid order of 51.98 USD. */
  readonly payOrder: () => Promise<string>;
}

let orders = 0;

export function newOrder(): string {
  orders += 1;
  return `order-${orders}`;
}

export async function openCanonical(...wanted: Parameters<typeof openRest>): Promise<Canonical> {
  const rest = await openRest(...wanted);
  const { ask } = rest;
  const createSession: Canonical["createSession"] = (orderId, more = "") =>
    ask("POST", "/v1/payments/session", { body: `{"orderId":"${orderId}","currency":"usd",${ITEMS}${more}}` });
  return {
    ...rest,
    createSession,
    async payOrder() {
      const orderId = newOrder();
      await createSession(orderId);
      assert.equal((await ask("POST", `/v1/payments/complete/order/${orderId}`)).status, 200);
      return orderId;
    },
  };
}

/** The status, the reason, the outcome and the fields of a refusal. */
export function refused(answer: Answer): unknown[] {
  const { reason, outcome, violations } = answer.body;
  return [answer.status, reason, outcome, ...violations.map(({ field }: { field: string }) => field)];
}
