// The threat "amount from the browser": a customer who says what an order costs, and amounts that are none, at every door where an amount can be said.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { TestContext } from "node:test";
import { headers as newHeaders } from "@nats-io/transport-node";
import { callByHand, frame } from "../support/grpc-by-hand.ts";
import { CUSTOMER, World } from "./authorization-world.ts";
import { openNats } from "./nats-door.ts";

/** JSON texts that are no amount of euros in major units. */
const NO_AMOUNTS = [
  "-1",
  "-0.01",
  "0",
  "-0",
  "0.0",
  "0.001",
  "19.999",
  "1e-3",
  "1e21",
  "1e400",
  "-1e400",
  "9223372036854775808",
  "92233720368547758.08",
  "99999999999999999999999999999999999999",
  `"19.99 "`,
  `" 19.99"`,
  `"1 9.99"`,
  `"19,99"`,
  `"NaN"`,
  `"Infinity"`,
  `"-1"`,
  `"0x10"`,
  `"１９"`,
  `""`,
  "true",
  "[19.99]",
  `{"$gt":0}`,
  `{"valueOf":19.99}`,
];
/** Those are not even JSON. */
const NO_JSON = [
  "NaN",
  "Infinity",
  "-Infinity",
  "0x10",
  "01",
  "+1",
  "1_000",
  ".5",
  "5.",
  "1e",
  "--1",
  "1,5",
  "undefined",
];
/** In minor units, where a count of them is asked for, also fractions are none. */
const NO_COUNTS = [
  ...NO_AMOUNTS.filter((each) => each !== "9223372036854775808"),
  "1.5",
  "1e2",
  "100.0",
  "9223372036854775808",
];

interface AmountDoor {
  readonly name: string;
  readonly bad: readonly string[];
  /** Sends an amount as it is written; gives the status. */
  send(amount: string, who: "service" | "customer", orderId: string): Promise<number>;
  /** An amount that is not the order's. */
  readonly wrong: string;
}

let world: World;
before(async () => {
  world = await World.open();
});
after(() => world.close());

function restDoor(
  name: string,
  path: string,
  write: (amount: string, orderId: string) => string,
  unit: "major" | "minor",
): AmountDoor {
  return {
    name,
    bad: [...(unit === "major" ? NO_AMOUNTS : NO_COUNTS), ...NO_JSON],
    wrong: unit === "major" ? "0.01" : "1",
    async send(amount, who, orderId) {
      const answer = await fetch(`http://127.0.0.1:${world.ports.http.port}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: await headerOf(who) },
        body: write(amount, orderId),
      });
      await answer.text();
      return answer.status;
    },
  };
}

async function headerOf(who: "service" | "customer"): Promise<string> {
  const target = {
    paymentId: "",
    orderId: "",
    unpaidOrderId: "",
    customerId: CUSTOMER,
    reference: "",
    clientToken: "",
  };
  return world.headerOf(who === "service" ? "service" : "customer, own", target);
}

const DOORS: readonly AmountDoor[] = [
  restDoor(
    "REST, the canonical dialect's price",
    "/v1/payments/session",
    (amount, orderId) =>
      `{"orderId":"${orderId}","currency":"eur","items":[{"name":"Lamp","price":${amount},"quantity":1}]}`,
    "major",
  ),
  restDoor(
    "REST, booking",
    "/payment/process",
    (amount, orderId) =>
      `{"booking_id":"${orderId}","user_id":"${CUSTOMER}","amount":${amount},"currency":"EUR","payment_method":"credit_card","payment_method_token":"pm_card_visa"}`,
    "major",
  ),
  restDoor(
    "REST, storefront",
    "/api/v1/payment/create-payment-intent",
    (amount, orderId) =>
      `{"user_id":"${CUSTOMER}","order_id":"${orderId}","currency":"eur","items":[{"book_id":"b-1","title":"Lamps","price_cents":${amount},"quantity":1}]}`,
    "minor",
  ),
  restDoor(
    "REST, ledger",
    "/api/payments",
    (amount, orderId) => `{"orderId":"${orderId}","amount":${amount},"currency":"EUR"}`,
    "major",
  ),
  {
    ...restDoor(
      "Connect",
      "/payment.v1.PaymentService/CreatePayment",
      (amount, orderId) => `{"orderId":"${orderId}","amount":{"currency":"EUR","minor":${amount}}}`,
      "minor",
    ),
    // JSON of protobuf takes an int64 in any spelling of its number.
    bad: [...NO_COUNTS.filter((each) => !["1e2", "100.0"].includes(each)), ...NO_JSON],
  },
];

/** All that a call could have written. */
function written(): Promise<unknown[]> {
  return world.service.rows(
    "select (select count(*) from payment) as payments, (select count(*) from provider_operation) as operations, (select count(*) from payment_event) as events",
  );
}

let orders = 0;
function newOrder(): string {
  orders += 1;
  return `${CUSTOMER}-amount-${orders}`;
}

async function openNatsDoor(t: TestContext): Promise<AmountDoor> {
  const connection = await openNats(t, world);
  return {
    name: "NATS",
    bad: [...NO_AMOUNTS, ...NO_JSON],
    wrong: "0.01",
    async send(amount, who, orderId) {
      const headers = newHeaders();
      headers.set("Authorization", await headerOf(who));
      const body = `{"orderId":"${orderId}","currency":"eur","items":[{"name":"Lamp","price":${amount},"quantity":1}]}`;
      const reply = await connection.request("create.payment.session", body, { headers, timeout: 20_000 });
      const told = reply.json<{ error?: { status: number } }>();
      return told.error?.status ?? 201;
    },
  };
}

describe("amount from the browser:", () => {
  it("what is no amount is refused at every door, and nothing is written", async (t) => {
    const doors = [...DOORS, await openNatsDoor(t)];
    const before = await written();
    const holes: string[] = [];
    let tried = 0;
    for (const door of doors) {
      for (const amount of door.bad) {
        tried += 1;
        const status = await door.send(amount, "service", newOrder());
        if (status !== 400 && status !== 422) holes.push(`${door.name}: ${amount} is ${status}`);
      }
    }
    t.diagnostic(`${tried} amounts`);
    assert.deepEqual(holes, []);
    assert.deepEqual(await written(), before);
  });

  it("a customer who says another amount than the order's is refused at every door", async (t) => {
    const before = await written();
    for (const door of [...DOORS, await openNatsDoor(t)]) {
      const status = await door.send(door.wrong, "customer", newOrder());
      assert.ok(status >= 400 && status < 500, `${door.name}: ${status}`);
    }
    assert.deepEqual(await written(), before);
  });

  it("a customer who says the order's amount, or none, pays the order's amount", async (t) => {
    for (const door of [...DOORS, await openNatsDoor(t)]) {
      const orderId = newOrder();
      const right = door.wrong === "1" ? "10000" : "100";
      const status = await door.send(right, "customer", orderId);
      assert.ok(status < 300, `${door.name}: ${status}`);
      const rows = await world.service.rows(
        "select amount_minor::text as amount, customer_id from payment where order_id = $1",
        [orderId],
      );
      assert.deepEqual(rows, [{ amount: "10000", customer_id: CUSTOMER }], door.name);
    }
  });

  it("what is no amount in protobuf is refused on the fast lane", async () => {
    const before = await written();
    /** order_id, then amount { currency: EUR, minor }. */
    const create = (minor: readonly number[]): Buffer => {
      const money = [0x0a, 3, 0x45, 0x55, 0x52, 0x10, ...minor];
      return Buffer.from([0x0a, 1, 0x6f, 0x12, money.length, ...money]);
    };
    const minus = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    const lowest = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
    const authorization = await headerOf("service");
    for (const minor of [[0], minus, lowest]) {
      const path = "/payment.v1.PaymentService/CreatePayment";
      const { status, reason } = await callByHand(world.ports.grpc.port, path, frame(create(minor)), { authorization });
      assert.deepEqual([status, reason], [3, "INVALID_AMOUNT"], minor.join());
    }
    assert.deepEqual(await written(), before);
  });
});
