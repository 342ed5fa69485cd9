// The storefront on a real port, and what its tests put into a cart and ask for.
import assert from "node:assert/strict";
import { type Json, openShop, type Shop, type Told } from "./open-shop.ts";

export const PAYMENT_ID = /^payment_[0-9a-f-]{36}$/;
export const ORDER_ID = /^order_[0-9a-f-]{36}$/;
export const BOOK = { book_id: "book_1", quantity: 1, price_cents: 999, credits: 1, title: "Book Title" };

type RequestHeaders = Record<string, string>;

export interface Storefront extends Shop {
  readonly post: (path: string, body: unknown, headers?: RequestHeaders) => Promise<Told>;
  readonly get: (path: string, headers?: RequestHeaders) => Promise<Told>;
  /** A payment intent that is not paid. */
  readonly newIntent: (change?: object, headers?: RequestHeaders) => Promise<Json>;
  readonly newPaid: (change?: object, headers?: RequestHeaders) => Promise<Json>;
}

let users = 0;
export function newUser(): string {
  users += 1;
  return `user_${users}`;
}

export function cart(change: object = {}): object {
  return { user_id: "user_123", items: [BOOK], ...change };
}

/** Where the storefront serves a path of its own. */
export const at = (path: string): string => `/api/v1/payment/${path}`;

export async function openStorefront(...wanted: Parameters<typeof openShop>): Promise<Storefront> {
  const shop = await openShop(...wanted);
  const post: Storefront["post"] = (path, body, headers = {}) => shop.ask("POST", at(path), { body, headers });
  const newIntent: Storefront["newIntent"] = async (change = {}, headers = {}) => {
    const created = await post("create-payment-intent", cart(change), headers);
    assert.equal(created.status, 200, created.text);
    return created.body;
  };
  return {
    ...shop,
    post,
    get: (path, headers = {}) => shop.ask("GET", at(path), { headers }),
    newIntent,
    async newPaid(change = {}, headers = {}) {
      const intent = await newIntent(change, headers);
      const confirmed = await post("confirm-payment", { payment_intent_id: intent.payment_intent_id }, headers);
      assert.equal(confirmed.status, 200, confirmed.text);
      return intent;
    },
  };
}
