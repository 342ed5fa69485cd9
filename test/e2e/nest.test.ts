// The real NestJS: its client asks, its errors arrive, its microservice hears our events, and the example of it goes as told.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ClientProxy, ClientProxyFactory, NatsRecordBuilder, Transport } from "@nestjs/microservices";
import { headers } from "nats";
import { catchError, firstValueFrom, of, timeout } from "rxjs";
import { createRelay } from "../../src/outbox/relay.ts";
import { NatsWorld, newOrderId, sessionPayload } from "../api/nats/open-door.ts";

const ROOT = join(import.meta.dirname, "../..");
type Json = Record<string, unknown>;

const world = await NatsWorld.open();
const door = await world.openDoor();
const link = world.link();
const { pool } = world.service.database;
const relay = createRelay({
  pool,
  databaseUrl: world.service.databaseUrl,
  nats: link,
  log: world.log.logger,
  streamName: "PAYMENTS",
  source: "/test",
  replicas: 1,
  times: { pollMs: 50 },
});
relay.start();
const { host, username, password } = new URL(world.server.url);
const client: ClientProxy = ClientProxyFactory.create({
  transport: Transport.NATS,
  options: { servers: `nats://${host}`, ...(username && { user: username, pass: password }) },
});
after(async () => {
  await client.close();
  await door.stop();
  await relay.stop();
  await link.close();
  await world.close();
});

function send(pattern: unknown, data: unknown): Promise<Json> {
  return firstValueFrom(client.send<Json>(pattern, data).pipe(timeout(15_000)));
}

/** What `catchError` of a Nest application sees. */
function errorOf(pattern: unknown, data: unknown): Promise<Json> {
  const caught = client.send<Json>(pattern, data).pipe(
    timeout(15_000),
    catchError((error: Json) => of({ caught: error })),
  );
  return firstValueFrom(caught).then((value) => value["caught"] as Json);
}

test("Nest's client gets the document's bodies", async () => {
  const orderId = newOrderId();
  const session = await send("create.payment.session", sessionPayload(orderId));
  assert.deepEqual(Object.keys(session), ["paymentSessionId", "paymentUrl", "expiresAt"]);
  assert.partialDeepStrictEqual(await send("complete.payment", { orderId }), { status: "completed", amount: 51.98 });
  const refund = { orderId, amount: 50.0, reason: "requested_by_customer" };
  const refunds = await Promise.all(
    Array.from({ length: 4 }, () => {
      const fields = headers();
      fields.set("Idempotency-Key", `nest-${orderId}`);
      return send("process.refund.by.order", new NatsRecordBuilder(refund).setHeaders(fields).build());
    }),
  );
  for (const answer of refunds) assert.deepEqual(answer, refunds[0]);
  const status = await send("get.payment.status", { orderId });
  assert.partialDeepStrictEqual(status, { status: "partially_refunded", amountRefunded: 50 });

  test("Nest's client gets refusals as errors", async () => {
    const refused = await errorOf("complete.payment", { orderId: "nobody's" });
    assert.partialDeepStrictEqual(refused, {
      status: "error",
      statusCode: 404,
      reason: "ORDER_NOT_FOUND",
      outcome: "NOT_ATTEMPTED",
      message: "order nobody's has no payment",
    });
    assert.partialDeepStrictEqual(await errorOf("complete.payment", "text"), { reason: "INVALID_ARGUMENT" });
  });
});

test("Nest's events are commands", async () => {
  const orderId = newOrderId();
  await send("create.payment.session", sessionPayload(orderId));
  await firstValueFrom(client.emit("complete.payment", { orderId, requestId: `emit-${orderId}` }), {
    defaultValue: undefined,
  });
  await world.log.until((line) => line.msg === "command carried out" && line["orderId"] === orderId);
  assert.equal((await send("get.payment.status", { orderId }))["status"], "completed");
});

test("the NestJS example goes as told", async () => {
  const example = spawn(process.execPath, ["examples/nest/main.ts"], {
    cwd: ROOT,
    env: { ...process.env, NATS_URL: world.server.url },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const output of [example.stdout, example.stderr]) output.on("data", (text: Buffer) => (said += text.toString()));
  const [exitCode] = await once(example, "close");
  assert.equal(exitCode, 0, said);
  assert.match(said, /The story went as told\./);
});
