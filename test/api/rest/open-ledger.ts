// The ledger on a real port, and what its tests order, ask for, and expect of a problem.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type Json, openShop, type Shop, type Told } from "./open-shop.ts";

export const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

type RequestHeaders = Record<string, string>;

export interface Ledger extends Shop {
  readonly post: (path: string, body?: unknown, headers?: RequestHeaders) => Promise<Told>;
  readonly get: (path: string, headers?: RequestHeaders) => Promise<Told>;
  /** A payment that is not paid. */
  readonly create: (change?: object, headers?: RequestHeaders) => Promise<Json>;
  readonly paid: (change?: object, headers?: RequestHeaders) => Promise<Json>;
}

export function order(change: object = {}): object {
  return { orderId: randomUUID(), amount: 100.25, currency: "USD", ...change };
}

export async function openLedger(...wanted: Parameters<typeof openShop>): Promise<Ledger> {
  const shop = await openShop(...wanted);
  const post: Ledger["post"] = (path, body, headers = {}) => shop.ask("POST", path, { body, headers });
  const create: Ledger["create"] = async (change = {}, headers = {}) => {
    const created = await post("/api/payments", order(change), headers);
    assert.equal(created.status, 201, created.text);
    return created.body;
  };
  return {
    ...shop,
    post,
    get: (path, headers = {}) => shop.ask("GET", path, { headers }),
    create,
    paid: (change = {}, headers = {}) => create({ paymentMethodId: "pm_card_visa", ...change }, headers),
  };
}

export function assertProblem(answer: Told, status: number, reason: string): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers.get("content-type"), "application/problem+json; charset=utf-8");
  const { body } = answer;
  assert.equal(body.status, status);
  assert.equal(body.reason, reason, answer.text);
  assert.match(body.type, /^https:\/\/tools\.ietf\.org\/html\/rfc/);
  for (const key of ["title", "detail", "instance", "outcome"]) assert.equal(typeof body[key], "string", key);
}
