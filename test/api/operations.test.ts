// OperationsService on both ports, over the use cases on a real database and the mock gateway; and the command that calls it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createConnectTransport } from "@connectrpc/connect-web";
import pino from "pino";
import { openToAll } from "../../src/api/auth.ts";
import { prepareCalls } from "../../src/api/calls.ts";
import { startHttp } from "../../src/api/connect.ts";
import { startGrpc } from "../../src/api/grpc.ts";
import { createHealth } from "../../src/api/health.ts";
import { createOperationsHandlers } from "../../src/api/operations-handlers.ts";
import type { OpenPort } from "../../src/api/port.ts";
import { createPayment } from "../../src/app/create-payment.ts";
import { recover } from "../../src/app/recover.ts";
import { createBooks } from "../../src/db/books.ts";
import { createOperatorReads } from "../../src/db/operator-reads.ts";
import { DriftKind, OperationsService, WebhookEventState } from "../../gen/payment/v1/operations_service_pb.ts";
import { PaymentStatus } from "../../gen/payment/v1/payment_pb.ts";
import { answerOf, caller, createInput, TestService } from "../app/open-service.ts";
import { SEEDS } from "../app/drift-seeds.ts";

let service: TestService;
let ports: { grpc: OpenPort; http: OpenPort };
let clients: readonly (readonly [string, Client<typeof OperationsService>])[];

before(async () => {
  service = await TestService.open({ latePolicy: "hold" });
  const log = pino({ level: "silent" });
  const health = createHealth({ checks: [], log });
  const parts = {
    ...service.parts,
    books: createBooks(service.database),
    operatorReads: createOperatorReads(service.database),
  };
  const calls = prepareCalls(OperationsService, createOperationsHandlers(parts), log);
  const options = {
    host: "127.0.0.1",
    port: 0,
    tls: null,
    reflection: false,
    stopTimeoutMs: 1_000,
    calls,
    authenticate: openToAll(),
    health,
    log,
  };
  const [grpc, http] = await Promise.all([startGrpc(options), startHttp({ ...options, corsOrigins: [] })]);
  ports = { grpc, http };
  clients = [
    ["gRPC", createClient(OperationsService, createGrpcTransport({ baseUrl: `http://localhost:${grpc.port}` }))],
    ["Connect", createClient(OperationsService, createConnectTransport({ baseUrl: `http://localhost:${http.port}` }))],
    [
      "Connect, GET",
      createClient(
        OperationsService,
        createConnectTransport({ baseUrl: `http://localhost:${http.port}`, useHttpGet: true }),
      ),
    ],
  ];
});
after(async () => {
  await Promise.all([ports.grpc.stop(), ports.http.stop()]);
  await service.close();
});

/** A span of time that begins now, and in which nothing has happened yet. */
function openRange(): {
  from: Date;
  end(): { from: ReturnType<typeof timestampFromDate>; to: ReturnType<typeof timestampFromDate> };
} {
  service.time += 3_600_000;
  const from = new Date(service.time - 1_000);
  return {
    from,
    end: () => ({ from: timestampFromDate(from), to: timestampFromDate(new Date(service.time + 1_000)) }),
  };
}

async function refusalOf(call: Promise<unknown>): Promise<Code> {
  const error = await call.then(
    () => assert.fail("it was not refused"),
    (thrown: unknown) => ConnectError.from(thrown),
  );
  return error.code;
}

describe("a reconciliation", () => {
  it("is planned, applied and then empty, through every client alike", async () => {
    for (const [name, client] of clients) {
      const range = openRange();
      const seeded = await SEEDS[0]?.(service);
      const plan = await client.planReconciliation(range.end());
      const [planned] = plan.reconciliation?.providers ?? [];
      assert.deepEqual([planned?.provider, planned?.checkedThere, planned?.complete], ["mock", 1n, true], name);
      assert.deepEqual(
        planned?.counts.map(({ kind, count }) => [kind, count]),
        [[DriftKind.MISSING_HERE, 1n]],
      );
      const [drift] = planned?.drifts ?? [];
      assert.deepEqual(
        [drift?.paymentId, drift?.applied, drift?.needsPerson],
        [`payment_${seeded?.payment.id}`, false, ""],
      );
      const applied = await client.applyReconciliation(range.end());
      assert.deepEqual(
        applied.reconciliation?.providers[0]?.drifts.map((each) => each.applied),
        [true],
        name,
      );
      const again = await client.planReconciliation(range.end());
      assert.deepEqual(again.reconciliation?.providers[0]?.drifts, [], name);
    }
  });

  it("without a beginning, with an end before it, or of a provider that is none, is refused", async () => {
    const time = timestampFromDate(new Date(service.time));
    for (const [name, client] of clients) {
      assert.equal(await refusalOf(client.planReconciliation({})), Code.InvalidArgument, name);
      assert.equal(await refusalOf(client.planReconciliation({ from: time, to: time })), Code.InvalidArgument, name);
      const unknown = client.applyReconciliation({ ...openRange().end(), provider: "paypal" });
      assert.equal(await refusalOf(unknown), Code.InvalidArgument, name);
    }
  });
});

describe("webhook events", () => {
  it("are listed newest first, page by page, by what became of them, and replayed", async () => {
    const before = service.events.length;
    for (let number = 0; number < 3; number += 1) {
      await createPayment(service.parts, caller, createInput());
      service.time += 1_000;
    }
    const delivered = service.events.slice(before).filter(({ type }) => type === "payment_intent.succeeded");
    for (const event of delivered) {
      await service.deliver(event);
      service.time += 1_000;
    }
    const newestFirst = delivered.map(({ id }) => id).toReversed();
    assert.equal(newestFirst.length, 3);
    for (const [name, client] of clients) {
      const found: string[] = [];
      let pageToken = "";
      do {
        const page = await client.listWebhookEvents({ provider: "mock", pageSize: 2, pageToken });
        found.push(...page.webhookEvents.map(({ eventId }) => eventId));
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      assert.deepEqual(found, newestFirst, name);
      const inert = await client.listWebhookEvents({
        states: [WebhookEventState.INERT],
        type: "payment_intent.succeeded",
      });
      assert.deepEqual(
        inert.webhookEvents.map(({ state, paymentId }) => [state, paymentId.startsWith("payment_")]),
        newestFirst.map(() => [WebhookEventState.INERT, true]),
        name,
      );
      const none = await client.listWebhookEvents({ receiveTimeFrom: timestampFromDate(new Date(service.time + 1)) });
      assert.deepEqual(none.webhookEvents, [], name);
      await client.replayWebhookEvent({ provider: "mock", eventId: newestFirst[0] ?? "" });
      const received = await client.listWebhookEvents({ states: [WebhookEventState.RECEIVED] });
      assert.deepEqual(
        received.webhookEvents.map(({ eventId }) => eventId),
        [newestFirst[0]],
        name,
      );
      await recover(service.parts);
    }
  });

  it("that nobody sent cannot be replayed, and a token that is none lists nothing", async () => {
    for (const [name, client] of clients) {
      const unknown = client.replayWebhookEvent({ provider: "mock", eventId: "evt_none" });
      assert.equal(await refusalOf(unknown), Code.NotFound, name);
      assert.equal(await refusalOf(client.replayWebhookEvent({})), Code.InvalidArgument, name);
      assert.equal(
        await refusalOf(client.listWebhookEvents({ pageToken: "bm90IGEgdG9rZW4" })),
        Code.InvalidArgument,
        name,
      );
    }
  });
});

describe("a payment's history", () => {
  it("is every change with the event as it is published", async () => {
    const { payment } = answerOf(await createPayment(service.parts, caller, createInput()));
    for (const [name, client] of clients) {
      const { events, paymentId } = await client.getPaymentHistory({ paymentId: `payment_${payment.id}` });
      assert.equal(paymentId, `payment_${payment.id}`, name);
      assert.deepEqual(
        events.map(({ version, type, status }) => [version, type, status]),
        [
          [1, "payment.created", PaymentStatus.PENDING],
          [2, "payment.succeeded", PaymentStatus.SUCCEEDED],
        ],
        name,
      );
      const body = JSON.parse(events[1]?.body ?? "") as { eventId: string; amountMinor: string };
      assert.deepEqual([body.eventId, body.amountMinor], [events[1]?.eventId, "10000"], name);
    }
  });

  it("of a payment that is none is refused", async () => {
    for (const [name, client] of clients) {
      const unknown = client.getPaymentHistory({ paymentId: "payment_01900000-0000-7000-8000-000000000000" });
      assert.equal(await refusalOf(unknown), Code.NotFound, name);
      assert.equal(await refusalOf(client.getPaymentHistory({ paymentId: "order-1" })), Code.InvalidArgument, name);
    }
  });
});

describe("late payments", () => {
  it("are those that had ended when money came, and still hold it", async () => {
    const range = openRange();
    await SEEDS.find(({ name }) => name === "capturedLate")?.(service);
    const [, client] = clients[0] ?? assert.fail();
    await client.applyReconciliation(range.end());
    for (const [name, each] of clients) {
      const { payments, nextPageToken } = await each.listLatePayments({});
      assert.deepEqual(
        payments.map(({ status, amountCaptured }) => [status, amountCaptured?.minor]),
        [[PaymentStatus.CANCELED, 10_000n]],
        name,
      );
      assert.equal(nextPageToken, "", name);
    }
  });
});

describe("npm run reconcile", () => {
  const script = join(import.meta.dirname, "../../src/reconcile.ts");

  async function command(...options: string[]): Promise<{ code: number | null; output: string; complaint: string }> {
    const child = spawn(process.execPath, [script, ...options], { stdio: ["ignore", "pipe", "pipe"] });
    const [output, complaint, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<number | null>((resolve) => child.once("exit", resolve)),
    ]);
    return { code, output, complaint };
  }

  function within(range: { from: Date }): string[] {
    const to = new Date(service.time + 1_000).toISOString();
    return ["--from", range.from.toISOString(), "--to", to, "--address", `http://localhost:${ports.http.port}`];
  }

  it("ends with 2 while there is drift, with 0 once it is put right, and tells both", async () => {
    const range = openRange();
    const seeded = await SEEDS.find(({ name }) => name === "paidUnheard")?.(service);
    const found = await command(...within(range));
    assert.deepEqual([found.code, found.complaint], [2, ""]);
    assert.match(found.output, new RegExp(`payment_${seeded?.payment.id} pi_\\w+: status differs, can be applied`));
    assert.match(found.output, /mock {2}status differs +1 +0 +0/);
    const applied = await command(...within(range), "--apply", "--provider", "mock");
    assert.deepEqual([applied.code, applied.complaint], [0, ""]);
    assert.match(applied.output, /mock {2}status differs +1 +1 +0/);
    const again = await command(...within(range));
    assert.deepEqual([again.code, again.complaint], [0, ""]);
    assert.match(again.output, /No drift\.\n1 payments here and 1 at the providers/);
  });

  it("ends with 1 and a sentence when it cannot be done", async () => {
    const cases = [
      ["--last", "soon"],
      ["--from", "yesterday"],
      ["--from", "2026-01-02", "--to", "2026-01-01"],
      ["--address", "http://localhost:1"],
      ["--frm"],
    ];
    for (const options of cases) {
      const { code, complaint } = await command(...options);
      assert.equal(code, 1, options.join(" "));
      assert.match(complaint, /^[^\n]+\n$/, options.join(" "));
    }
  });
});
