// Each condition of a wire does what it says, to connections that there are and to new ones.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { CLEAR } from "./condition.ts";
import { dial, type Ear, LineServer } from "./line-server.ts";
import { Wire } from "./wire.ts";

const LONG_LINE_BYTES = 3_000_000;
const WAIT_MAX_MS = 10_000;
const POLL_MS = 5;
/** In which what must not arrive could have. */
const A_WHILE_MS = 50;

/** Waits until something was lost on so many connections. */
async function silent(wire: Wire, count: number): Promise<void> {
  const signal = AbortSignal.timeout(WAIT_MAX_MS);
  while (wire.silent < count) await delay(POLL_MS, undefined, { signal });
}

interface Lines {
  readonly server: LineServer;
  readonly wire: Wire;
  /** A connection over the wire that is in use: a line went there and back. */
  readonly connect: () => Promise<{ client: Ear; far: Ear }>;
}

async function openLines(t: TestContext): Promise<Lines> {
  const server = await LineServer.open();
  const wire = await Wire.open({ target: { host: "127.0.0.1", port: server.port }, on: "nats" });
  const clients: Ear[] = [];
  t.after(async () => {
    for (const { socket } of clients) socket.destroy();
    await wire.close();
    await server.close();
  });
  return {
    server,
    wire,
    async connect() {
      const client = dial(wire.port);
      clients.push(client);
      const index = server.ears.length;
      client.say("hello");
      const far = await server.ear(index);
      await client.hears("hello\r\n");
      return { client, far };
    },
  };
}

test("a clear wire passes everything on, and the ends of both sides", async (t) => {
  const { connect } = await openLines(t);
  const { client, far } = await connect();
  client.say("x".repeat(LONG_LINE_BYTES));
  client.socket.end();
  await far.ends();
  assert.equal(far.heard.length, "hello\r\n".length + LONG_LINE_BYTES + "\r\n".length);
  far.socket.end();
  await client.ends();
  assert.equal(client.heard, far.heard);
  assert.equal(client.broken, undefined);
});

test("latency holds every piece back, and keeps the order", async (t) => {
  const { wire, connect } = await openLines(t);
  const { client, far } = await connect();
  wire.setCondition({ kind: "latency", ms: 60, jitterMs: 20 });
  const startedAt = performance.now();
  for (const line of ["one", "two", "three"]) client.say(line);
  await client.hears("three\r\n");
  assert.ok(performance.now() - startedAt >= 80, "there and back took no time");
  assert.equal(far.heard, "hello\r\none\r\ntwo\r\nthree\r\n");
  assert.equal(client.heard, far.heard);
});

test("a wire that refuses resets who connects, and leaves those that are connected", async (t) => {
  const { wire, server, connect } = await openLines(t);
  const { client } = await connect();
  wire.setCondition({ kind: "refuse" });
  const refused = dial(wire.port);
  await refused.until(() => refused.socket.closed);
  assert.equal(refused.heard, "");
  assert.equal(server.ears.length, 1);
  client.say("still here");
  await client.hears("still here\r\n");
  wire.setCondition(CLEAR);
  await connect();
});

test("in a blackhole bytes vanish both ways, and a connection that lost some stays silent afterwards", async (t) => {
  const { wire, server, connect } = await openLines(t);
  const { client, far } = await connect();
  const { client: spared } = await connect();
  wire.setCondition({ kind: "blackhole" });
  const newcomer = dial(wire.port);
  newcomer.say("is anybody there");
  client.say("lost");
  far.say("lost as well");
  await silent(wire, 2);
  wire.setCondition(CLEAR);
  client.say("after the gap");
  await connect();
  await delay(A_WHILE_MS);
  assert.deepEqual([far.heard, client.heard, newcomer.heard], ["hello\r\n", "hello\r\n", ""]);
  assert.deepEqual([client.socket.closed, newcomer.socket.closed], [false, false]);
  assert.equal(server.ears.length, 3);
  spared.say("nothing was lost here");
  await spared.hears("nothing was lost here\r\n");
});

test("who leaves in a blackhole is not missed before the wire is clear", async (t) => {
  const { wire, connect } = await openLines(t);
  const { client, far } = await connect();
  wire.setCondition({ kind: "blackhole" });
  client.socket.destroy();
  await silent(wire, 1);
  assert.deepEqual([far.ended, far.socket.closed], [false, false]);
  wire.setCondition(CLEAR);
  await far.until(() => far.socket.closed);
});

test("half-open, what is said arrives, and neither answers nor ends come back", async (t) => {
  const { wire, connect } = await openLines(t);
  const { client, far } = await connect();
  wire.setCondition({ kind: "half-open" });
  client.say("do it");
  await far.hears("do it\r\n");
  far.socket.end();
  await silent(wire, 1);
  wire.setCondition(CLEAR);
  await delay(A_WHILE_MS);
  assert.deepEqual([client.heard, client.ended, client.socket.closed], ["hello\r\n", false, false]);
  client.socket.destroy();
  await far.until(() => far.socket.closed);
});

test("half-open, a new connection is made and hears nothing", async (t) => {
  const { wire, server } = await openLines(t);
  wire.setCondition({ kind: "half-open" });
  const client = dial(wire.port);
  client.say("anybody");
  const far = await server.ear(0);
  await far.hears("anybody\r\n");
  await silent(wire, 1);
  wire.setCondition(CLEAR);
  client.say("still nobody");
  await far.hears("still nobody\r\n");
  await delay(A_WHILE_MS);
  assert.deepEqual([client.heard, client.socket.closed], ["", false]);
  client.socket.destroy();
});

test("a trickle passes a byte at a time, and all of them", async (t) => {
  const { wire, connect } = await openLines(t);
  const { client, far } = await connect();
  wire.setCondition({ kind: "trickle", bytes: 1, everyMs: 1 });
  const before = far.arrivals;
  const line = "a line of some length, byte by byte";
  client.say(line);
  await client.hears(`${line}\r\n`);
  assert.equal(far.heard, `hello\r\n${line}\r\n`);
  // Two may be read at once.
  assert.ok(far.arrivals - before > line.length / 3, `${far.arrivals - before} arrivals`);
});

test("a reset ends all connections on both sides, and new ones are welcome", async (t) => {
  const { wire, connect } = await openLines(t);
  const { client, far } = await connect();
  wire.reset();
  await Promise.all([client.until(() => client.socket.closed), far.until(() => far.socket.closed)]);
  assert.deepEqual([client.broken, far.broken], ["ECONNRESET", "ECONNRESET"]);
  assert.equal(wire.connections, 0);
  await connect();
});

test("a server that is not there is felt as a reset", async (t) => {
  const server = await LineServer.open();
  const wire = await Wire.open({ target: { host: "127.0.0.1", port: server.port }, on: "nats" });
  t.after(() => wire.close());
  await server.close();
  const client = dial(wire.port);
  await client.until(() => client.socket.closed);
  assert.equal(client.heard, "");
});
