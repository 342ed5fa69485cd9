// A page that buys a book over Connect-Web: it creates a payment, shows the way to the checkout, and follows the payment's status until it is decided.
//
// The amount here is the page's own, which is for trying: with AUTH_MODE=jwt, customers' amounts come from the order service. What a customer may read is
// the one payment whose client_token the page was given; it is all that is needed to follow the status.
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { PaymentStatus } from "../../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../../gen/payment/v1/payment_service_pb.ts";

const PAUSE_MS = 500;
/** A day: no checkout is open for longer. */
const LOOKS_MAX = (24 * 3_600_000) / PAUSE_MS;
const PRICE = { currency: "EUR", minor: 1_999n };
const OPEN = new Set([PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.PROCESSING]);
const NAMES = new Map(Object.entries(PaymentStatus).map(([name, status]) => [status, name]));

const baseUrl = document.documentElement.dataset.paymentUrl;
const payments = createClient(PaymentService, createConnectTransport({ baseUrl, useHttpGet: true }));

const find = (id) => document.getElementById(id);

function bearer(token) {
  return token === "" ? {} : { headers: { authorization: `Bearer ${token}` } };
}

function complain(error) {
  find("problem").textContent = error.message;
  find("problem").hidden = false;
}

async function buy(token) {
  const orderId = `book-${crypto.randomUUID()}`;
  const created = await payments.createPayment(
    // Sent again after a lost answer, the same request id takes effect once.
    { orderId, amount: PRICE, description: "A book", requestId: `create-${orderId}` },
    bearer(token),
  );
  find("order-id").textContent = orderId;
  find("checkout").href = created.checkout.url;
  find("order").hidden = false;
  return { paymentId: created.payment.paymentId, clientToken: created.clientToken };
}

/** Asks until the payment is decided. A look that fails is repeated: the status is only read. */
async function follow({ paymentId, clientToken }) {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    try {
      const { status } = await payments.getPaymentStatus(
        { payment: { case: "paymentId", value: paymentId } },
        bearer(clientToken),
      );
      find("status").value = NAMES.get(status) ?? String(status);
      find("problem").hidden = true;
      if (!OPEN.has(status)) return;
    } catch (error) {
      complain(error);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function buyAndFollow(button) {
  button.disabled = true;
  try {
    await follow(await buy(find("token").value));
  } catch (error) {
    complain(error);
    button.disabled = false;
  }
}

find("buy").addEventListener("submit", (event) => {
  event.preventDefault();
  void buyAndFollow(event.target.querySelector("button"));
});
