// The service's pages on a port of their own, with a stand-in for the route that they read: it answers what a test tells it to.
import { createResultPages } from "../../src/web/pages.ts";
import { openSite, type Site } from "./open-checkout.ts";

export interface StubService extends Site {
  /** What the payment is from now on: JSON, or the status of a failure. */
  answer(told: string | number): void;
  /** How often the payment was read. */
  readonly reads: () => number;
}

export async function openService(): Promise<StubService> {
  const pages = createResultPages();
  let told: string | number = 404;
  let reads = 0;
  const site = await openSite((request, response) => {
    const path = request.url?.split("?", 1)[0] ?? "";
    const page = pages.get(path);
    if (page) return page(request, response);
    if (!path.startsWith("/v1/payments/session/")) return response.writeHead(404).end();
    reads += 1;
    const status = typeof told === "number" ? told : 200;
    return response
      .writeHead(status, { "content-type": "application/json" })
      .end(typeof told === "number" ? "{}" : told);
  });
  return {
    ...site,
    answer(next) {
      told = next;
    },
    reads: () => reads,
  };
}

/** A payment as `GET /v1/payments/session/:sessionId` tells it; `amount` is the text of a number. */
export function paymentJson({
  status,
  amount = "64.97",
  currency = "EUR",
  failure = null,
  description = "Order 2041",
  checkoutUrl = "http://127.0.0.1:9/c/pay/cs_test_1",
}: {
  readonly status: string;
  readonly amount?: string;
  readonly currency?: string;
  readonly failure?: { readonly reason: string; readonly message: string } | null;
  readonly description?: string | null;
  readonly checkoutUrl?: string | null;
}): string {
  const refunded = status === "REFUNDED" ? amount : "0";
  const rest = {
    paymentId: "payment_1",
    orderId: "2041",
    status,
    amountMinor: amount.replace(".", ""),
    currency,
    failure: status === "FAILED" ? (failure ?? { reason: "INSUFFICIENT_FUNDS", message: "" }) : null,
    description,
    checkoutUrl: status === "PENDING" || status === "REQUIRES_ACTION" ? checkoutUrl : null,
    expiresAt: null,
    updatedAt: "2026-11-20T10:00:00.000Z",
  };
  const amountRefunded = status === "PARTIALLY_REFUNDED" ? "10.5" : refunded;
  return `{"amount":${amount},"amountRefunded":${amountRefunded},${JSON.stringify(rest).slice(1)}`;
}
