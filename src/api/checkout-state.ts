// What the pages to which a checkout returns ask: how the payment of a checkout session stands. A session's id cannot be guessed, and whoever has it
// may know this much: nothing of the customer, and nothing that moves money.
import type { Logger } from "pino";
import { getPaymentOfSession } from "../app/get-payment.ts";
import type { Parts } from "../app/parts.ts";
import { refuseUnavailable } from "../app/unavailable.ts";
import { refusal } from "../domain/error.ts";
import { printPaymentId } from "../domain/ids.ts";
import { money, printDecimal } from "../domain/money.ts";
import { isOpen, type Payment } from "../domain/payment.ts";
import type { HttpHandler } from "./http-port.ts";
import { sendJson, sendRefusal } from "./json-http.ts";

export const CHECKOUT_STATE_PREFIX = "/v1/payments/session/";

function describe(payment: Payment): unknown {
  const { amount, failure } = payment;
  const major = (minor: bigint): unknown => JSON.rawJSON(printDecimal(money(minor, amount.currency)));
  return {
    paymentId: printPaymentId(payment.id),
    orderId: payment.orderId,
    status: payment.status,
    amount: major(amount.minor),
    amountMinor: amount.minor.toString(),
    currency: amount.currency,
    amountCaptured: major(payment.capturedMinor),
    amountRefunded: major(payment.refundedMinor),
    failure: failure && { reason: failure.reason, message: failure.message },
    description: payment.description,
    checkoutUrl: isOpen(payment.status) ? payment.checkoutUrl : null,
    expiresAt: payment.expiresAt,
    updatedAt: payment.updatedAt,
  };
}

export function createCheckoutStateHandler(parts: Parts, log: Logger): HttpHandler {
  return (request, response) => {
    request.resume();
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return sendRefusal(response, 405, refusal("INVALID_ARGUMENT", "The state of a checkout is read by GET"));
    }
    const sessionId = (request.url ?? "").split("?", 1)[0]?.slice(CHECKOUT_STATE_PREFIX.length) ?? "";
    getPaymentOfSession(parts, sessionId).then(
      (found) => (found.ok ? sendJson(response, 200, describe(found.value)) : sendRefusal(response, 404, found.error)),
      (error: unknown) => {
        const unavailable = refuseUnavailable(error);
        if (!unavailable) log.error({ err: error }, "state of a checkout not read");
        sendRefusal(response, unavailable ? 503 : 500, unavailable ?? refusal("INTERNAL", "The service failed."));
      },
    );
  };
}
