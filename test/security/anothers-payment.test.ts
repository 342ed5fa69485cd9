// The threat "reading or moving another's payment". Who may do what is walked over every operation of every door in authorization-walk.test.ts; here a customer
// goes after another's by all that they could have got hold of: ids, the token of another payment, filters, page tokens, and the words of refusals.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { completePayment } from "../../src/app/complete-payment.ts";
import { createPayment } from "../../src/app/create-payment.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import { printRefundId } from "../../src/domain/ids.ts";
import { answerOf, caller, createInput } from "../app/open-service.ts";
import { ANOTHER, CUSTOMER, type TokenTarget, World } from "./authorization-world.ts";

const RPC = "/payment.v1.PaymentService";

let world: World;
let theirs: TokenTarget & { readonly sessionId: string; readonly refundId: string };
let own: TokenTarget;
/** Of the customer who should see none of it. */
let authorization: string;
before(async () => {
  world = await World.open();
  own = await world.newTarget(CUSTOMER);
  authorization = await world.headerOf("customer, own", own);
  theirs = { ...(await world.newTarget(ANOTHER)), ...(await paidAndRefunded()) };
});
after(() => world.close());

/** A checkout of the other customer that was paid and given back in part. */
async function paidAndRefunded() {
  const orderId = `${ANOTHER}-refunded`;
  const { parts } = world.service;
  const input = createInput({ orderId, customerId: ANOTHER, mode: "CHECKOUT", paymentMethod: null });
  const { payment, checkout } = answerOf(await createPayment(parts, caller, input));
  const find = { paymentId: payment.id };
  const pay = { find, paymentMethod: "pm_card_visa", amount: null, requestId: "pay-theirs" };
  answerOf(await completePayment(parts, caller, pay));
  const amount = { minor: 1_000n, currency: "EUR" };
  const { refund } = answerOf(
    await refundPayment(parts, caller, { find, amount, reason: null, requestId: "refund-theirs" }),
  );
  return { sessionId: checkout?.sessionId ?? "", refundId: refund ? printRefundId(refund.id) : "" };
}

interface Heard {
  readonly status: number;
  readonly body: string;
}

async function ask(path: string, body?: object, bearer = authorization): Promise<Heard> {
  const answer = await fetch(`http://127.0.0.1:${world.ports.http.port}${path}`, {
    ...(body && { method: "POST", body: JSON.stringify(body) }),
    headers: { authorization: bearer, ...(body && { "content-type": "application/json" }) },
  });
  return { status: answer.status, body: await answer.text() };
}

/** All that names the other's payments. */
function namesOf(): string[] {
  const { paymentId, orderId, clientToken, reference } = theirs;
  return [paymentId.replace("payment_", ""), orderId, clientToken, reference, theirs.sessionId, `${ANOTHER}-refunded`];
}

function books(): Promise<unknown[]> {
  return world.service.rows(
    "select id, status, version, revision, captured_minor, refunded_minor, metadata, success_url from payment where customer_id = $1 order by id",
    [ANOTHER],
  );
}

describe("reading or moving another's payment:", () => {
  it("by their ids, whichever they are and wherever they are put, nothing is told and nothing moves", async () => {
    const before = await books();
    const ids = [
      theirs.paymentId,
      theirs.orderId,
      theirs.reference,
      theirs.sessionId,
      theirs.refundId,
      `${ANOTHER}-refunded`,
    ];
    const calls: (readonly [string, object?])[] = ids.flatMap((id): (readonly [string, object?])[] => {
      const segment = encodeURIComponent(id);
      return [
        [`${RPC}/GetPayment`, { paymentId: id }],
        ...["GetPaymentStatus", "CompletePayment", "CancelPayment", "RefundPayment"].flatMap(
          (method): (readonly [string, object])[] => [
            [`${RPC}/${method}`, { paymentId: id }],
            [`${RPC}/${method}`, { orderId: id }],
          ],
        ),
        [`/v1/payments/${segment}`],
        [`/v1/payments/status/order/${segment}`],
        [`/v1/payments/complete/order/${segment}`, {}],
        [`/v1/payments/cancel/order/${segment}`, {}],
        ["/v1/payments/refund/order", { orderId: id }],
        [`/payments/status/${segment}`],
        [`/payment/status/${segment}`],
        [`/api/v1/payment/checkout-session/${segment}`],
        [`/api/v1/payment/payment/${segment}`],
        ["/api/v1/payment/confirm-payment", { payment_intent_id: id, payment_method_id: "pm_card_visa" }],
        ["/api/v1/payment/refund", { payment_id: id }],
        [`/api/payments/${segment}`],
        [`/api/payments/${segment}/confirm`, {}],
        [`/api/payments/${segment}/refund`, {}],
        ["/internal/payments/capture", { paymentId: id }],
      ];
    });
    const holes: string[] = [];
    for (const [path, body] of calls) {
      const heard = await ask(path, body);
      // Their own words come back; what they did not know does not.
      const sent = `${decodeURIComponent(path)} ${JSON.stringify(body)}`;
      const told = namesOf().filter((name) => heard.body.includes(name) && !sent.includes(name));
      if (heard.status < 400 || heard.status >= 500 || told.length > 0)
        holes.push(`${path} ${JSON.stringify(body)}: ${heard.status} ${told.join()}`);
    }
    assert.deepEqual(holes, []);
    assert.deepEqual(await books(), before);
  });

  it("by the token of another payment, also where the payment is one's own", async () => {
    const other = await world.newTarget(ANOTHER);
    for (const token of [other.clientToken, own.clientToken]) {
      const bearer = `Bearer ${token}`;
      assert.equal((await ask(`${RPC}/GetPayment`, { paymentId: theirs.paymentId }, bearer)).status, 404);
      assert.equal((await ask(`/v1/payments/${theirs.paymentId}`, undefined, bearer)).status, 404);
      assert.equal((await ask(`${RPC}/CancelPayment`, { paymentId: theirs.paymentId }, bearer)).status, 403);
    }
    // A token is one payment's, and nobody's who does not hold it whole.
    const cut = theirs.clientToken.slice(0, -1);
    const last = theirs.clientToken.endsWith("A") ? "B" : "A";
    assert.equal((await ask(`${RPC}/GetPayment`, { paymentId: theirs.paymentId }, `Bearer ${cut}${last}`)).status, 404);
    assert.equal((await ask(`${RPC}/GetPayment`, { paymentId: theirs.paymentId }, `Bearer ${cut}`)).status, 401);
    const good = await ask(`${RPC}/GetPayment`, { paymentId: theirs.paymentId }, `Bearer ${theirs.clientToken}`);
    assert.equal(good.status, 200);
  });

  it("by a list that names another's customer id or order, in every spelling", async () => {
    const filters: readonly (readonly [string, object?])[] = [
      [`${RPC}/ListPayments`, { customerId: ANOTHER, pageSize: 500 }],
      [`${RPC}/ListPayments`, { orderId: theirs.orderId, pageSize: 500 }],
      [`${RPC}/ListPayments`, { customerId: `${CUSTOMER}' or customer_id = '${ANOTHER}`, pageSize: 500 }],
      [`${RPC}/ListPayments`, { customerId: "%", pageSize: 500 }],
      [`${RPC}/ListPayments`, { customerId: "", pageSize: 500 }],
      [`/v1/payments?customerId=${ANOTHER}`],
      [`/v1/payments?customerId=${CUSTOMER}&customerId=${ANOTHER}`],
      [`/v1/payments?customerId[]=${ANOTHER}`],
      [`/v1/payments?orderId=${theirs.orderId}`],
      [`/api/payments?orderId=${theirs.orderId}`],
      [`/api/payments?customerId=${ANOTHER}`],
      [`/api/v1/payment/user/${ANOTHER}/payments`],
      [`/api/v1/payment/user/${ANOTHER}/orders`],
      [`/api/v1/payment/user/${CUSTOMER}%2F..%2F${ANOTHER}/payments`],
    ];
    for (const [path, body] of filters) {
      const heard = await ask(path, body);
      assert.ok(heard.status < 500, `${path}: ${heard.status}`);
      const [id = "", , token = "", reference = ""] = namesOf();
      for (const name of [id, token, reference]) assert.equal(heard.body.includes(name), false, path);
    }
  });

  it("by the page token of another's list", async () => {
    const admin = await world.headerOf("admin", own);
    const tokens: string[] = [];
    for (const filter of [{}, { customerId: ANOTHER }]) {
      const listed = await ask(`${RPC}/ListPayments`, { ...filter, pageSize: 1 }, admin);
      tokens.push((JSON.parse(listed.body) as { nextPageToken?: string }).nextPageToken ?? "");
    }
    assert.ok(
      tokens.every((token) => token !== ""),
      tokens.join(),
    );
    for (const pageToken of tokens) {
      for (const filter of [{}, { customerId: ANOTHER }, { customerId: CUSTOMER }]) {
        const heard = await ask(`${RPC}/ListPayments`, { ...filter, pageSize: 500, pageToken });
        for (const name of namesOf()) assert.equal(heard.body.includes(name), false, `${pageToken}: ${heard.body}`);
      }
      const rest = await ask(`/v1/payments?pageSize=100&pageToken=${encodeURIComponent(pageToken)}`);
      for (const name of namesOf()) assert.equal(rest.body.includes(name), false, rest.body);
    }
  });

  it("by the words of the refusal: another's and what does not exist are told alike", async () => {
    const nobody = { paymentId: "payment_01a1fe22-0000-7000-8000-000000000000", orderId: "nobody-1" };
    const calls = [
      (target: typeof nobody) => ask(`${RPC}/GetPayment`, { paymentId: target.paymentId }),
      (target: typeof nobody) => ask(`${RPC}/GetPaymentStatus`, { orderId: target.orderId }),
      (target: typeof nobody) => ask(`${RPC}/CancelPayment`, { paymentId: target.paymentId }),
      (target: typeof nobody) => ask(`${RPC}/CompletePayment`, { orderId: target.orderId }),
      (target: typeof nobody) => ask(`/v1/payments/${target.paymentId}`),
      (target: typeof nobody) => ask(`/api/payments/${target.paymentId}`),
    ];
    for (const call of calls) {
      const told = await Promise.all(
        [theirs, nobody].map(async (target) => {
          const { status, body } = await call(target);
          const plain = body
            .replaceAll(target.paymentId, "id")
            .replaceAll(target.paymentId.replace("payment_", ""), "id")
            .replaceAll(target.orderId, "order");
          // What is told of the details is told once more in the bytes of protobuf, and with it the time.
          return `${status} ${plain.replaceAll(/"value":"[^"]*"/g, "").replaceAll(/"(timestamp|instance)":"[^"]*"/g, "")}`;
        }),
      );
      assert.equal(told[0], told[1]);
    }
  });
});
