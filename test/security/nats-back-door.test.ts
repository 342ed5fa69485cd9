// The threat "NATS as a back door": a caller who comes by a message instead of by a call. The walk shows that every subject asks who calls; here are the headers that a
// gateway in front of HTTP would have written, and replies that would make the service publish where only the service may.
import assert from "node:assert/strict";
import { after, before, describe, it, type TestContext } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers as newHeaders, type NatsConnection } from "@nats-io/transport-node";
import { ANOTHER, CUSTOMER, type TokenTarget, World } from "./authorization-world.ts";
import { openNats } from "./nats-door.ts";

const STREAM = "PAYMENTS";
/** Of which the service makes its events. */
const EVENTS = "payment.>";
const MESSAGES = 3;

let world: World;
before(async () => {
  world = await World.open();
});
after(() => world.close());

type Headers = readonly (readonly [name: string, value: string])[];

async function ask(connection: NatsConnection, subject: string, payload: object, fields: Headers): Promise<string> {
  const headers = newHeaders();
  for (const [name, value] of fields) headers.append(name, value);
  const reply = await connection.request(subject, JSON.stringify(payload), { headers, timeout: 20_000 });
  return reply.json<{ error?: { reason: string } }>().error?.reason ?? "ok";
}

/** What a proxy tells the services behind it, and what services tell each other. */
const SPOOFED: Headers = [
  ["x-user-id", "root"],
  ["x-user", "root"],
  ["x-role", "admin"],
  ["x-roles", "payment-admin,admin,service"],
  ["x-forwarded-user", "root"],
  ["x-forwarded-email", "root@shop.example"],
  ["x-auth-request-user", "root"],
  ["x-remote-user", "root"],
  ["remote-user", "root"],
  ["x-customer-id", ANOTHER],
  ["x-internal-service", "order-service"],
  ["internal-service", "true"],
  ["x-service-name", "order-service"],
  ["x-principal", "service:shop"],
  ["x-api-key", "root"],
  ["x-jwt-payload", Buffer.from(`{"sub":"root","roles":["admin"]}`).toString("base64url")],
  ["Nats-Request-Info", `{"user":"root","acc":"SYS"}`],
  ["x-ms-client-principal-id", "root"],
  ["x-amzn-oidc-identity", "root"],
  ["x-authenticated-userid", "root"],
];

async function targetAndOwner(): Promise<{ target: TokenTarget; owner: string }> {
  const target = await world.newTarget(ANOTHER);
  return { target, owner: await world.headerOf("customer, own", await world.newTarget(CUSTOMER)) };
}

async function statusOf({ paymentId }: TokenTarget): Promise<string> {
  const rows = await world.service.rows<{ status: string }>("select status from payment where id = $1", [
    paymentId.replace("payment_", ""),
  ]);
  return rows[0]?.status ?? "";
}

/** A stream like the service's, with messages that an attacker would like to see gone, and what is heard beside it. */
async function openStream(t: TestContext) {
  const connection = await openNats(t, world);
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: STREAM, subjects: [EVENTS] });
  for (let n = 0; n < MESSAGES; n += 1) await jetstream(connection).publish("payment.created", `{"n":${n}}`);
  return { connection, state: async () => (await manager.streams.info(STREAM)).state.messages };
}

describe("NATS as a back door:", () => {
  it("who calls is told by a token alone, whatever other headers or the payload say", async (t) => {
    const connection = await openNats(t, world);
    const { target, owner } = await targetAndOwner();
    const { paymentId, orderId } = target;
    const claims = {
      role: "admin",
      userId: "root",
      principal: "service:shop",
      customerId: ANOTHER,
      user: { roles: ["admin"] },
    };
    for (const payload of [{ paymentId }, { orderId }, { paymentId, ...claims }]) {
      for (const subject of ["cancel.payment", "complete.payment", "process.refund.by.order", "get.payment.status"]) {
        assert.equal(await ask(connection, subject, payload, SPOOFED), "UNAUTHENTICATED", subject);
        const reason = await ask(connection, subject, payload, [["Authorization", owner], ...SPOOFED]);
        assert.match(reason, /^(PAYMENT_NOT_FOUND|ORDER_NOT_FOUND|PERMISSION_DENIED)$/, subject);
      }
    }
    assert.equal(await statusOf(target), "PENDING");
  });

  it("two tokens are none, whichever is the good one", async (t) => {
    const connection = await openNats(t, world);
    const { target, owner } = await targetAndOwner();
    const admin = await world.headerOf("admin", target);
    const names = ["Authorization", "authorization", "AUTHORIZATION"];
    for (const name of names) {
      const both: Headers = [
        ["Authorization", admin],
        [name, owner],
      ];
      for (const fields of [both, both.toReversed()])
        assert.equal(
          await ask(connection, "cancel.payment", { paymentId: target.paymentId }, fields),
          "UNAUTHENTICATED",
        );
    }
    assert.equal(await statusOf(target), "PENDING");
    assert.equal(
      await ask(connection, "cancel.payment", { paymentId: target.paymentId }, [["authorization", admin]]),
      "ok",
    );
  });

  it("a command without a reply asks who sends it as well", async (t) => {
    const connection = await openNats(t, world);
    const { target, owner } = await targetAndOwner();
    for (const authorization of [null, owner]) {
      const headers = newHeaders();
      if (authorization !== null) headers.set("Authorization", authorization);
      connection.publish("cancel.payment", JSON.stringify({ paymentId: target.paymentId }), { headers });
    }
    // A question that comes after the commands is answered after them.
    const asking = [["Authorization", await world.headerOf("admin", target)]] as const;
    assert.equal(await ask(connection, "get.payment.status", { paymentId: target.paymentId }, asking), "ok");
    assert.equal(await statusOf(target), "PENDING");
  });

  it("an answer goes to nobody's inbox but a caller's: not to the server, not to our events, not to our own subjects", async (t) => {
    const { connection, state } = await openStream(t);
    const target = await world.newTarget(CUSTOMER);
    const headers = newHeaders();
    headers.set("Authorization", await world.headerOf("admin", target));
    const replies = [
      `$JS.API.STREAM.DELETE.${STREAM}`,
      `$JS.API.STREAM.PURGE.${STREAM}`,
      `$JS.API.STREAM.UPDATE.${STREAM}`,
      `$JS.API.STREAM.MSG.DELETE.${STREAM}`,
      `$JS.API.CONSUMER.CREATE.${STREAM}`,
      `$JS.ACK.${STREAM}.relay.1.1.1.1.1`,
      "$SYS.REQ.SERVER.PING",
      "$KV.config.key",
      "payment.succeeded",
      "payment.refunded",
      "payment.made.up",
      "cancel.payment",
      "process.refund.by.order",
    ];
    for (const reply of replies) {
      // The answer, the refusal, and the answer to what is no message.
      for (const body of [JSON.stringify({ paymentId: target.paymentId }), `{"orderId":"none"}`, "{", ""])
        connection.publish("get.payment.status", body, { reply, headers });
    }
    await connection.flush();
    assert.equal(
      await ask(connection, "get.payment.status", { paymentId: target.paymentId }, [
        ["Authorization", headers.get("Authorization")],
      ]),
      "ok",
    );
    await connection.flush();
    assert.equal(await state(), MESSAGES);
    assert.equal(await statusOf(target), "PENDING");
  });

  it("an event on our stream moves no payment: the service says what happened, and does not hear it from there", async (t) => {
    const { connection } = await openStream(t);
    const target = await world.newTarget(CUSTOMER);
    const said = {
      paymentId: target.paymentId,
      orderId: target.orderId,
      status: "SUCCEEDED",
      version: 2,
      eventId: "event_1",
    };
    await jetstream(connection).publish("payment.succeeded", JSON.stringify(said));
    assert.equal(await statusOf(target), "PENDING");
  });
});
