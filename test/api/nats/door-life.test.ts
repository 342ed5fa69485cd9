// How the door lives: several processes in a queue group, bounds on what is worked on and waits, deadlines, a stop, and connections that end.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Operation } from "../../../src/api/nats/operations.ts";
import type { Caller } from "../../../src/app/parts.ts";
import { accept } from "../../../src/domain/error.ts";
import { parseNatsUrl } from "../../../src/outbox/nats-connection.ts";
import { Wire } from "../../torture/wire/wire.ts";
import { NatsWorld, newOrderId, sessionPayload } from "./open-door.ts";

const world = await NatsWorld.open();
after(() => world.close());

/** An operation that waits until the test lets it go. */
class Gate {
  begun = 0;
  readonly callers: Caller[] = [];
  readonly #open = Promise.withResolvers<void>();
  readonly #watchers = new Set<() => void>();

  readonly operations: ReadonlyMap<string, Operation> = new Map([
    [
      "get.payment.status",
      async ({ caller }) => {
        this.begun += 1;
        this.callers.push(caller);
        for (const watcher of this.#watchers) watcher();
        await this.#open.promise;
        return accept({ status: "pending" });
      },
    ],
  ]);

  open(): void {
    this.#open.resolve();
  }

  async reached(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (this.begun >= count) resolve();
    };
    this.#watchers.add(look);
    look();
    await promise;
  }
}

const question = { orderId: "held" };

function reasonOf(answer: Record<string, unknown>): unknown {
  return (answer["error"] as { reason: string } | undefined)?.reason ?? "ok";
}

function ofOrder(orderId: string, msg: string): (line: { msg: string; orderId?: unknown }) => boolean {
  return (line) => line.msg === msg && line.orderId === orderId;
}

test("of two processes one takes each message, and both take some", async () => {
  const [one, two] = [new Gate(), new Gate()];
  one.open();
  two.open();
  const doors = await Promise.all([one, two].map(({ operations }) => world.openDoor({ operations })));
  await Promise.all(Array.from({ length: 200 }, () => world.ask("get.payment.status", question)));
  assert.equal(one.begun + two.begun, 200);
  assert.ok(one.begun > 20 && two.begun > 20, `${one.begun} and ${two.begun}`);
  await Promise.all(doors.map((door) => door.stop()));
});

test("what is beyond the bounds is told to come again, and the rest waits its turn", async () => {
  const gate = new Gate();
  const door = await world.openDoor({ operations: gate.operations, limits: { inFlightMax: 4, waitingMax: 3 } });
  const asked = Array.from({ length: 10 }, () => world.ask("get.payment.status", question));
  const turnedAway = await Promise.all(asked.slice(7));
  assert.deepEqual(turnedAway.map(reasonOf), ["RATE_LIMITED", "RATE_LIMITED", "RATE_LIMITED"]);
  assert.equal(gate.begun, 4);
  gate.open();
  assert.deepEqual((await Promise.all(asked.slice(0, 7))).map(reasonOf), Array(7).fill("ok"));
  await door.stop();
});

test("the bytes that wait are bounded as well", async () => {
  const gate = new Gate();
  const limits = { inFlightMax: 1, waitingBytesMax: 100_000 };
  const door = await world.openDoor({ operations: gate.operations, limits });
  const large = { ...question, more: "x".repeat(60_000) };
  const asked = Array.from({ length: 3 }, () => world.ask("get.payment.status", large));
  assert.equal(reasonOf((await asked[2]) ?? {}), "RATE_LIMITED");
  gate.open();
  await Promise.all(asked);
  await door.stop();
});

test("a caller whose time is over before its turn is told that nothing was begun", async () => {
  const gate = new Gate();
  const door = await world.openDoor({ operations: gate.operations, limits: { inFlightMax: 1 } });
  const first = world.ask("get.payment.status", question, { "timeout-ms": "60000" });
  await gate.reached(1);
  const late = world.ask("get.payment.status", question, { "Timeout-Ms": "1" });
  await world.connection.flush();
  const { signal } = gate.callers[0] ?? assert.fail("nobody called");
  assert.equal(signal.aborted, false);
  setTimeout(() => gate.open(), 20);
  assert.equal(reasonOf(await first), "ok");
  assert.partialDeepStrictEqual(await late, { error: { reason: "SERVICE_UNAVAILABLE", outcome: "NOT_ATTEMPTED" } });
  assert.equal(gate.begun, 1);
  for (const text of ["0", "-1", "1.5", "soon", "300001"]) {
    const answer = await world.ask("get.payment.status", question, { "timeout-ms": text });
    assert.partialDeepStrictEqual(answer, { error: { reason: "INVALID_ARGUMENT", metadata: { field: "timeout-ms" } } });
  }
  await door.stop();
});

test("a caller's time ends its signal", async () => {
  const gate = new Gate();
  const door = await world.openDoor({ operations: gate.operations });
  const answer = world.ask("get.payment.status", question, { "timeout-ms": "30" });
  await gate.reached(1);
  const { signal } = gate.callers[0] ?? assert.fail("nobody called");
  // The timer of the signal alone keeps nobody alive.
  const alive = setInterval(() => {}, 1_000);
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve());
  await aborted;
  clearInterval(alive);
  gate.open();
  await answer;
  await door.stop();
});

test("a stop finishes and answers what was taken, and takes nothing new", async () => {
  const gate = new Gate();
  const door = await world.openDoor({ operations: gate.operations, limits: { inFlightMax: 2 } });
  const asked = Array.from({ length: 5 }, () => world.ask("get.payment.status", question));
  await gate.reached(2);
  await world.connection.flush();
  const stopped = door.stop();
  gate.open();
  await stopped;
  assert.deepEqual((await Promise.all(asked)).map(reasonOf), Array(5).fill("ok"));
  await assert.rejects(world.ask("get.payment.status", question), /no responders/);
});

test("a stop ends within its bound, and tells those whose turn did not come", async () => {
  const gate = new Gate();
  const door = await world.openDoor({ operations: gate.operations, limits: { inFlightMax: 1, stopTimeoutMs: 100 } });
  const held = world.connection.request("get.payment.status", JSON.stringify(question), { timeout: 300 });
  const heldOutcome = held.then(
    () => "answered",
    () => "unanswered",
  );
  await gate.reached(1);
  const waiting = world.ask("get.payment.status", question);
  await world.connection.flush();
  await door.stop();
  assert.partialDeepStrictEqual(await waiting, { error: { reason: "SERVICE_UNAVAILABLE", outcome: "NOT_ATTEMPTED" } });
  gate.open();
  assert.equal(await heldOutcome, "unanswered");
});

test("subjects are served again on the next connection", async () => {
  const gate = new Gate();
  gate.open();
  const links: ReturnType<typeof world.link>[] = [];
  const nats = {
    up: async (signal: AbortSignal) => {
      const link = world.link();
      links.push(link);
      return link.up(signal);
    },
  };
  const door = await world.openDoor({ operations: gate.operations, nats });
  assert.equal(reasonOf(await world.ask("get.payment.status", question)), "ok");
  const isServed = ({ msg }: { msg: string }): boolean => msg === "NATS subjects are served";
  const served = world.log.lines.filter(isServed).length;
  await links[0]?.close();
  await world.log.until(isServed, served + 1);
  assert.equal(reasonOf(await world.ask("get.payment.status", question)), "ok");
  await door.stop();
  await Promise.all(links.map((link) => link.close()));
});

test("subjects are served on the next connection also when this one ended before it said that it serves them", async (t) => {
  const gate = new Gate();
  gate.open();
  const { hostname, port } = new URL(world.server.url);
  const wire = await Wire.open({ target: { host: hostname, port: Number(port) }, on: "nats" });
  t.after(() => wire.close());
  const silent = await connect({
    ...parseNatsUrl(world.server.url),
    servers: [`127.0.0.1:${wire.port}`],
    reconnect: false,
  });
  // Its subscriptions arrive, and the server's word that they did is lost.
  wire.setCondition({ kind: "half-open" });
  const link = world.link();
  const asked = Promise.withResolvers<void>();
  const nats = {
    up: (signal: AbortSignal): Promise<NatsConnection | undefined> => {
      asked.resolve();
      return silent.isClosed() ? link.up(signal) : Promise.resolve(silent);
    },
  };
  const opening = world.openDoor({ operations: gate.operations, nats });
  await asked.promise;
  await silent.close();
  const door = await opening;
  assert.equal(reasonOf(await world.ask("get.payment.status", question)), "ok");
  await door.stop();
  await link.close();
});

test("NATS that is away keeps nobody from starting or stopping", async () => {
  const nats = {
    up: (signal: AbortSignal) =>
      new Promise<undefined>((resolve) => signal.addEventListener("abort", () => resolve(undefined))),
  };
  const door = await world.openDoor({ nats, limits: { startTimeoutMs: 20 } });
  await door.stop();
});

test("two doors on one database give copies of a request one answer and one effect", async () => {
  const doors = await Promise.all([world.openDoor(), world.openDoor()]);
  const orderId = newOrderId();
  const created = await Promise.all(
    Array.from({ length: 8 }, () =>
      world.ask("create.payment.session", { ...sessionPayload(orderId), requestId: `create-${orderId}` }),
    ),
  );
  for (const answer of created) assert.deepEqual(answer, created[0]);
  for (let copy = 0; copy < 8; copy += 1)
    world.command("complete.payment", { orderId }, { "Nats-Msg-Id": `pay-${orderId}` });
  await world.log.until(ofOrder(orderId, "command carried out"), 8);
  const rows = await world.service.rows<{ n: number }>(
    "select count(*)::int as n from provider_operation o join payment p on p.id = o.payment_id where p.order_id = $1",
    [orderId],
  );
  assert.equal(rows[0]?.n, 2);
  await Promise.all(doors.map((door) => door.stop()));
});
