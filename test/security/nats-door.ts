// The NATS door of the authorization walk: every subject that is served. A subject without a row here fails.
import type { TestContext } from "node:test";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { startNatsDoor } from "../../src/api/nats/door.ts";
import { createOperations } from "../../src/api/nats/operations.ts";
import { STATUSES } from "../../src/api/json/statuses.ts";
import type { Reason } from "../../src/domain/error.ts";
import { connectNats } from "../../src/outbox/nats-connection.ts";
import { startNatsServer } from "../support/nats-server.ts";
import type { Door, Kind, Operation, Target, Verdict } from "./authorization-table.ts";
import type { World } from "./authorization-world.ts";

interface SubjectRow {
  readonly kind: Kind;
  readonly allowed?: Reason;
  readonly payload: (target: Target) => object;
}

const OF_ORDER = ({ orderId }: Target): object => ({ orderId });
const OF_PAYMENT = ({ paymentId }: Target): object => ({ paymentId });

const ROWS: Readonly<Record<string, readonly SubjectRow[]>> = {
  "create.payment.session": [
    {
      kind: "create",
      payload: ({ unpaidOrderId }) => ({
        orderId: unpaidOrderId,
        currency: "eur",
        items: [{ name: "Lamp", price: 50, quantity: 2 }],
      }),
    },
  ],
  "complete.payment": [
    { kind: "change by order", payload: OF_ORDER },
    { kind: "change", payload: OF_PAYMENT },
  ],
  "capture.payment": [{ kind: "capture", allowed: "PAYMENT_NOT_PAID", payload: OF_PAYMENT }],
  "cancel.payment": [
    { kind: "change by order", payload: OF_ORDER },
    { kind: "change", payload: OF_PAYMENT },
  ],
  "process.refund.by.order": [
    { kind: "refund", allowed: "PAYMENT_NOT_PAID", payload: OF_ORDER },
    { kind: "refund", allowed: "PAYMENT_NOT_PAID", payload: OF_PAYMENT },
  ],
  "get.payment.status": [
    { kind: "read by order", payload: OF_ORDER },
    { kind: "read", payload: OF_PAYMENT },
  ],
};

function statusOf(reason: "ok" | Reason): string {
  return reason === "ok" ? "2xx" : String(STATUSES[reason]);
}

/** Opens the door on a server of its own; gives a connection of the test's. */
export async function openNats(t: TestContext, { authenticate, parts }: World): Promise<NatsConnection> {
  const server = await startNatsServer();
  const { log } = parts;
  const link = connectNats(server.url, log);
  const operations = createOperations({ parts, provider: "mock" });
  const door = await startNatsDoor({ nats: link, operations, authenticate, log });
  const connection = await server.connect();
  t.after(async () => {
    await connection.close();
    await door.stop();
    await link.close();
    await server.stop();
  });
  return connection;
}

export async function openNatsDoor(t: TestContext, world: World): Promise<Door> {
  const connection = await openNats(t, world);
  const served = createOperations({ parts: world.parts, provider: "mock" });

  async function ask(subject: string, payload: object, authorization: string | null): Promise<Verdict> {
    const sent = headers();
    if (authorization !== null) sent.set("Authorization", authorization);
    const reply = await connection.request(subject, JSON.stringify(payload), { headers: sent, timeout: 20_000 });
    const body = reply.string();
    const { error } = JSON.parse(body) as { readonly error?: { readonly reason: Reason; readonly status: number } };
    return { reason: error?.reason ?? "ok", status: error ? String(error.status) : "2xx", body };
  }

  const operations = [...served.keys()].flatMap((subject): Operation[] => {
    const rows = ROWS[subject];
    if (!rows) throw new Error(`${subject} has no row in the authorization walk (test/security/nats-door.ts)`);
    return rows.map(({ kind, allowed, payload }) => ({
      name: `${subject} (${kind})`,
      kind,
      allowed: allowed ?? ("ok" as const),
      call: (authorization: string | null, target: Target) => ask(subject, payload(target), authorization),
    }));
  });
  return { name: "NATS", operations, statusOf };
}
