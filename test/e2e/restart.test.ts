// The service is stopped, killed and cut off from its servers: what it was doing is finished or resumed, nothing is left behind, and callers are told.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import pino from "pino";
import { PaymentMode } from "../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { startEmbeddedPostgres } from "../../src/embedded/postgres.ts";
import { noServers, query, waitFor } from "../embedded/data-directory.ts";
import { type Client, createClients, createProtocolClients, type Outcome, saidOf } from "../support/clients.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { StreamRecorder } from "../support/stream-recorder.ts";
import { findUnsettled } from "../torture/frame/invariants.ts";

const { createPayment, getPaymentStatus } = PaymentService.method;
const DATABASE_TIMEOUT_MS = 500;
/** A call that finds the database silent has an answer by then. */
const ANSWER_MAX_MS = 5_000;
const POLL_MS = 50;
const POLLS_MAX = 400;

const service = await ServiceProcess.start({
  DATABASE_TIMEOUT_MS: String(DATABASE_TIMEOUT_MS),
  PROVIDER_TIMEOUT_MS: "2000",
  RECOVERY_DELAY_MS: "100",
  RECOVERY_INTERVAL_MS: "100",
});
after(() => service.remove());

const sql: ServiceProcess["query"] = (text, values) => service.query(text, values);

let orders = 0;
function newOrder(): string {
  orders += 1;
  return `order-${orders}`;
}

/** A payment that is captured at once; its gateway answers after the delay. */
function create(client: Client, orderId: string, gatewayDelayMs = 0): Promise<Outcome> {
  return client.call(createPayment, {
    orderId,
    amount: { currency: "EUR", minor: 1999n },
    mode: PaymentMode.INTENT,
    paymentMethod: "pm_card_visa",
    metadata: gatewayDelayMs > 0 ? { gateway_fault: `create:delay=${gatewayDelayMs}` } : {},
    requestId: `${orderId}-create`,
  });
}

function statusOf({ answer, error }: Outcome): string | undefined {
  assert.ok(answer, JSON.stringify(error));
  const { payment, status } = answer as { payment?: { status: string }; status?: string };
  return payment?.status ?? status;
}

function read(client: Client, orderId: string): Promise<Outcome> {
  return client.call(getPaymentStatus, { payment: { case: "orderId", value: orderId } });
}

async function poll<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (let polls = 0; polls < POLLS_MAX; polls += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await delay(POLL_MS);
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Waits until the gateway has been asked for these orders, so that the calls are in the middle. */
function inFlight(orderIds: readonly string[]): Promise<true> {
  return poll(async () => {
    const { orders: taken } = await service.journal();
    return orderIds.every((orderId) => taken.has(orderId)) || undefined;
  }, "calls in flight");
}

async function countUnpublished(url: string): Promise<unknown> {
  const [count] = await query(url, "select count(*)::int from payment_event where published_at is null");
  return count;
}

test("told to stop, it finishes the calls in flight, drains its events and leaves no server behind", async (t) => {
  const clients = createClients(t, service);
  const orderIds = clients.map(() => newOrder());
  const calls = clients.map((client, index) => create(client, orderIds[index] ?? "", 800));
  await inFlight(orderIds);
  const exit = await service.stop();
  assert.deepEqual(exit, { code: 0, signal: null });
  const outcomes = await Promise.all(calls);
  assert.deepEqual(
    outcomes.map(statusOf),
    clients.map(() => "PAYMENT_STATUS_SUCCEEDED"),
  );
  assert.deepEqual(service.servers(), noServers);

  const postgres = await startEmbeddedPostgres({ dataDir: service.dataDir, log: pino({ level: "silent" }) });
  const unpublished = await countUnpublished(postgres.url);
  const [events] = await query(postgres.url, "select count(*)::int from payment_event");
  await postgres.stop();
  assert.equal(unpublished, 0);
  assert.equal(events, 2 * clients.length);
  await service.start();
});

test("told to stop twice, it ends at once, leaves no server behind, and finishes the call when it starts again", async (t) => {
  const [client] = createClients(t, service);
  assert.ok(client);
  const orderId = newOrder();
  const call = create(client, orderId, 1_500);
  await inFlight([orderId]);
  service.signal("SIGTERM");
  await service.awaitLog("stopping");
  const startedAt = performance.now();
  const exit = await service.stop();
  assert.ok(performance.now() - startedAt < 1_000);
  assert.deepEqual(exit, { code: 1, signal: null });
  await waitFor(() => Object.values(service.servers()).flat().length === 0, "the end of the servers");
  const { error } = await call;
  assert.equal(error && saidOf(error), undefined);

  await service.start();
  const again = await poll(async () => {
    const outcome = await create(client, orderId, 1_500);
    return outcome.answer ? outcome : undefined;
  }, "the payment's answer");
  assert.equal(statusOf(again), "PAYMENT_STATUS_SUCCEEDED");
  assert.equal((await service.journal()).orders.get(orderId)?.charges, 1);
});

function pids(): number[] {
  return [service.serverPid("postgres"), service.serverPid("nats")];
}

function countServers(): string {
  const { postmasters, natsServers, others } = service.servers();
  return `${postmasters.length} postmaster, ${natsServers.length} nats-server, ${others.length} others`;
}

test("killed and started again, it has its data, and servers of its own alone", async (t) => {
  const [client] = createClients(t, service);
  assert.ok(client);
  const orderId = newOrder();
  assert.equal(statusOf(await create(client, orderId)), "PAYMENT_STATUS_SUCCEEDED");
  const before = pids();
  await service.kill();
  await service.start();
  // A backend that was forked just now has the postmaster's name for a moment.
  await waitFor(() => countServers() === "1 postmaster, 1 nats-server, 0 others", "the end of the old servers");
  assert.notDeepEqual(pids(), before);
  assert.equal(statusOf(await read(client, orderId)), "PAYMENT_STATUS_SUCCEEDED");
  const recorder = await StreamRecorder.open(await service.connectNats());
  const messages = await recorder.until((all) => all.filter(({ body }) => body.includes(`"${orderId}"`)).length >= 2);
  await recorder.close();
  assert.deepEqual(
    messages.filter(({ body }) => body.includes(`"${orderId}"`)).map(({ subject }) => subject),
    ["payment.created", "payment.succeeded"],
  );
});

/** Stops or continues the embedded PostgreSQL as a whole: the postmaster and the backends that it has. */
function signalPostgres(signal: NodeJS.Signals): void {
  const postmaster = service.serverPid("postgres");
  process.kill(postmaster, signal);
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, "utf8").split(" ").filter(Boolean);
  for (const pid of children) {
    try {
      process.kill(Number(pid), signal);
    } catch (error) {
      // A backend may end between the list and its signal.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

test("with PostgreSQL silent, calls are told so within a bound, and work again by themselves when it is back", async (t) => {
  const clients = createProtocolClients(t, service);
  const orderId = newOrder();
  const [client] = clients;
  assert.ok(client);
  assert.equal(statusOf(await create(client, orderId)), "PAYMENT_STATUS_SUCCEEDED");
  signalPostgres("SIGSTOP");
  t.after(() => signalPostgres("SIGCONT"));
  const startedAt = performance.now();
  const refused = await Promise.all(clients.flatMap((each) => [create(each, newOrder()), read(each, orderId)]));
  assert.ok(performance.now() - startedAt < ANSWER_MAX_MS, `${performance.now() - startedAt} ms`);
  for (const { error } of refused) {
    assert.equal(error?.code, "unavailable");
    const said = saidOf(error);
    assert.equal(said?.reason, "SERVICE_UNAVAILABLE");
    assert.match(said.outcome, /^(NOT_ATTEMPTED|UNKNOWN)$/);
    assert.deepEqual(
      error.details.map(([type]) => type),
      ["ErrorInfo", "RetryInfo"],
    );
  }
  const health = `http://localhost:${service.http.port}/health/`;
  assert.equal((await fetch(`${health}ready`)).status, 503);
  assert.equal((await fetch(`${health}live`)).status, 200);

  signalPostgres("SIGCONT");
  const again = await poll(async () => {
    const outcome = await read(client, orderId);
    return outcome.answer ? outcome : undefined;
  }, "the database's return");
  assert.equal(statusOf(again), "PAYMENT_STATUS_SUCCEEDED");
  const created = await poll(async () => {
    const outcome = await create(client, "order-after-silence");
    return outcome.answer ? outcome : undefined;
  }, "a new payment");
  assert.equal(statusOf(created), "PAYMENT_STATUS_SUCCEEDED");
});

test("with NATS silent, calls go on as before, and their events arrive when it is back", async (t) => {
  const clients = createProtocolClients(t, service);
  await poll(async () => (await findUnsettled(sql)).length === 0 || undefined, "the end of what came before");
  const natsServer = service.serverPid("nats");
  process.kill(natsServer, "SIGSTOP");
  t.after(() => process.kill(natsServer, "SIGCONT"));
  const orderIds = Array.from({ length: 30 }, () => newOrder());
  const startedAt = performance.now();
  for (const [index, orderId] of orderIds.entries())
    assert.equal(
      statusOf(await create(clients[index % clients.length] as Client, orderId)),
      "PAYMENT_STATUS_SUCCEEDED",
    );
  assert.ok(performance.now() - startedAt < ANSWER_MAX_MS, `${performance.now() - startedAt} ms`);
  assert.equal(await countUnpublished(service.databaseUrl), 2 * orderIds.length);

  process.kill(natsServer, "SIGCONT");
  const recorder = await StreamRecorder.open(await service.connectNats());
  const ours = (body: string): boolean => orderIds.includes((JSON.parse(body) as { orderId: string }).orderId);
  await recorder.until((all) => all.filter(({ body }) => ours(body)).length >= 2 * orderIds.length);
  await recorder.close();
  await poll(async () => (await countUnpublished(service.databaseUrl)) === 0 || undefined, "the marks");
});
