// The points of each protocol, on real servers: what is told at them, and what an act does to the server and to whoever waits for it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { after, before, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { Client } from "pg";
import { parseNatsUrl } from "../../../src/outbox/nats-connection.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { startNatsServer, type TestNatsServer } from "../../support/nats-server.ts";
import { withClient } from "../../support/with-client.ts";
import type { Act, Point, Watch } from "./point.ts";
import { PostgresDialect } from "./postgres-points.ts";
import { Wire } from "./wire.ts";

/** In which what must not arrive could have. */
const A_WHILE_MS = 50;
const WAIT_MAX_MS = 10_000;
const LARGE_ROWS = 200_000;

let database: TestDatabase;
let nats: TestNatsServer;
before(async () => {
  [database, nats] = await Promise.all([createTestDatabase(), startNatsServer()]);
  await withClient(database.url, (client) => client.query("create table note (id int primary key)"));
});
after(async () => {
  await nats.stop();
  await database.drop();
});

/** A watch that writes down what passes, and acts at one point. */
function actAt(side: Point["side"], label: string, act: Act): Watch & { seen: string[] } {
  const seen: string[] = [];
  const watch = (point: Point): Act => {
    seen.push(`${point.side} ${point.label}`);
    return point.side === side && point.label === label ? act : "pass";
  };
  return Object.assign(watch, { seen });
}

async function openWire(t: TestContext, on: Point["on"], url: string): Promise<Wire> {
  const { hostname: host, port } = new URL(url);
  const wire = await Wire.open({ target: { host, port: Number(port) }, on });
  t.after(() => wire.close());
  return wire;
}

function through(wire: Wire, url: string): string {
  const address = new URL(url);
  address.port = String(wire.port);
  return address.href;
}

async function openDatabaseWire(t: TestContext): Promise<{ wire: Wire; client: Client }> {
  const wire = await openWire(t, "database", database.url);
  const client = new Client({ connectionString: through(wire, database.url) });
  client.on("error", () => {});
  await client.connect();
  t.after(() => client.end().catch(() => {}));
  return { wire, client };
}

function writeNote(client: Client, id: number): Promise<unknown> {
  return client.query({ name: "write-note", text: "insert into note values ($1)", values: [id] });
}

/** Past the wire. The server may still be at it. */
async function noteIsThere(id: number): Promise<boolean> {
  const deadline = performance.now() + WAIT_MAX_MS;
  return withClient(database.url, async (client) => {
    for (;;) {
      const { rowCount } = await client.query("select from note where id = $1", [id]);
      if (rowCount === 1) return true;
      if (performance.now() > deadline) return false;
      await delay(5);
    }
  });
}

test("statements are told by their names, or their first words", async (t) => {
  const { wire, client } = await openDatabaseWire(t);
  const watch = actAt("send", "", "pass");
  wire.watch = watch;
  await writeNote(client, 1);
  await writeNote(client, 2);
  await client.query("select 1 as one");
  await client.query("select $1::int as number", [1]);
  await assert.rejects(writeNote(client, 2), { code: "23505" });
  const labels = ["write-note", "write-note", "select 1 as", "select $1::int as", "write-note"];
  assert.deepEqual(
    watch.seen,
    labels.flatMap((label) => [`send ${label}`, `receive ${label}`]),
  );
});

/** A message of PostgreSQL's protocol. */
function frame(type: string, body: string): Buffer {
  const bytes = Buffer.from(`${type}----${body}`, "latin1");
  bytes.writeUInt32BE(bytes.length - 1, 1);
  return bytes;
}

test("requests that are sent at once are answered in their order, each answer whole", () => {
  const dialect = new PostgresDialect();
  const startup = Buffer.from("----\0\u0003\0\0user\0", "latin1");
  startup.writeUInt32BE(startup.length, 0);
  const ready = frame("Z", "I");
  assert.equal(dialect.read("up", startup).length, 1);
  assert.equal(dialect.read("down", ready).length, 1);
  const first = [frame("P", "one\0select 1\0\0\0"), frame("B", "\0one\0\0\0\0\0\0\0"), frame("S", "")];
  const asked = Buffer.concat([...first, frame("Q", "select 2\0")]);
  // However it is broken up.
  const sent = [...asked].flatMap((byte) => dialect.read("up", Buffer.from([byte])));
  assert.deepEqual(
    sent.map(({ bytes, point }) => [point?.label, bytes.length]),
    [
      ["one", asked.length - frame("Q", "select 2\0").length],
      ["select 2", frame("Q", "select 2\0").length],
    ],
  );
  assert.deepEqual(dialect.read("down", frame("C", "SELECT 1\0")), []);
  const [one] = dialect.read("down", ready);
  const [two] = dialect.read("down", Buffer.concat([frame("C", "SELECT 1\0"), ready]));
  assert.deepEqual([one?.point?.label, two?.point?.label], ["one", "select 2"]);
  assert.deepEqual(one?.bytes, two?.bytes);
});

test("a long answer passes whole", async (t) => {
  const { client } = await openDatabaseWire(t);
  const { rowCount } = await client.query(`select i from generate_series(1, ${LARGE_ROWS}) as i`);
  assert.equal(rowCount, LARGE_ROWS);
});

test("cut before it is sent, a statement was not run", async (t) => {
  const { wire, client } = await openDatabaseWire(t);
  wire.watch = actAt("send", "write-note", "cut");
  await assert.rejects(writeNote(client, 10));
  assert.equal(wire.connections, 0);
  const rows = await withClient(database.url, (past) => past.query("select from note where id = 10"));
  assert.equal(rows.rowCount, 0);
});

test("cut before its answer is received, a statement is committed", async (t) => {
  const { wire, client } = await openDatabaseWire(t);
  let committed = false;
  wire.watch = async ({ side }) => {
    if (side === "send") return "pass";
    const { rowCount } = await withClient(database.url, (past) => past.query("select from note where id = 11"));
    committed = rowCount === 1;
    return "cut";
  };
  await assert.rejects(writeNote(client, 11), /ECONNRESET|terminated/);
  assert.ok(committed);
});

test("swallowed, an answer never comes, and the connection stays open", async (t) => {
  const { wire, client } = await openDatabaseWire(t);
  wire.watch = actAt("receive", "write-note", "swallow");
  let settled = false;
  const settle = (): void => void (settled = true);
  writeNote(client, 12).then(settle, settle);
  assert.ok(await noteIsThere(12));
  await delay(A_WHILE_MS);
  assert.equal(settled, false);
  assert.deepEqual([wire.connections, wire.silent], [1, 1]);
});

test("an answer waits until the watch has decided", async (t) => {
  const { wire, client } = await openDatabaseWire(t);
  const decided = Promise.withResolvers<Act>();
  wire.watch = ({ side }) => (side === "receive" ? decided.promise : "pass");
  let settled = false;
  const writing = writeNote(client, 13).finally(() => (settled = true));
  assert.ok(await noteIsThere(13));
  await delay(A_WHILE_MS);
  assert.equal(settled, false);
  decided.resolve("pass");
  await writing;
});

test("a notification passes without a point", async (t) => {
  const { wire, client } = await openDatabaseWire(t);
  await client.query("listen news");
  const watch = actAt("send", "", "pass");
  wire.watch = watch;
  const heard = once(client, "notification", { signal: AbortSignal.timeout(WAIT_MAX_MS) });
  await withClient(database.url, (past) => past.query("notify news"));
  await heard;
  assert.deepEqual(watch.seen, []);
});

interface Stream {
  readonly wire: Wire;
  /** By way of the wire. */
  readonly connection: NatsConnection;
  /** What the stream holds, past the wire. */
  readonly messages: () => Promise<number>;
}

async function openStream(t: TestContext, name: string): Promise<Stream> {
  const past = await nats.connect();
  t.after(() => past.close());
  const manager = await jetstreamManager(past);
  await manager.streams.add({ name, subjects: [`${name}.>`] });
  const wire = await openWire(t, "nats", nats.url);
  const connection = await connect({ ...parseNatsUrl(through(wire, nats.url)), reconnect: false });
  t.after(() => connection.close());
  return { wire, connection, messages: async () => (await manager.streams.info(name)).state.messages };
}

test("a publish and the stream's answer to it are told by the subject, and other messages pass", async (t) => {
  const { wire, connection } = await openStream(t, "told");
  const watch = actAt("send", "", "pass");
  wire.watch = watch;
  const heard = Promise.withResolvers<string>();
  connection.subscribe("news", { callback: (_error, message) => heard.resolve(message.string()) });
  await connection.flush();
  const past = await nats.connect();
  past.publish("news", "from elsewhere");
  assert.equal(await heard.promise, "from elsewhere");
  await past.close();
  await jetstream(connection).publish("told.once", "body");
  assert.deepEqual(watch.seen, ["send told.once", "receive told.once"]);
});

test("cut before it is sent, a message is not stored; cut before the answer, it is", async (t) => {
  for (const [side, stored] of [
    ["send", 0],
    ["receive", 1],
  ] as const) {
    const { wire, connection, messages } = await openStream(t, `cut_${side}`);
    wire.watch = actAt(side, `cut_${side}.x`, "cut");
    await assert.rejects(jetstream(connection).publish(`cut_${side}.x`, "body"));
    assert.equal(await messages(), stored, side);
  }
});

interface Provider {
  readonly wire: Wire;
  /** Requests that arrived. */
  readonly arrived: string[];
  /** A request by way of the wire; gives the body of the answer. */
  readonly ask: (method: string, path: string, body?: string) => Promise<string>;
}

async function openProvider(t: TestContext): Promise<Provider> {
  const arrived: string[] = [];
  const server = createServer((incoming, response) => {
    void buffer(incoming).then((body) => {
      arrived.push(`${incoming.method} ${incoming.url} ${body.toString()}`);
      // Without a length, in chunks.
      response.write("what was ");
      response.end("asked for");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const wire = await openWire(t, "provider", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => {
    agent.destroy();
    server.close();
    server.closeAllConnections();
  });
  return {
    wire,
    arrived,
    async ask(method, path, body = "") {
      const headers = { "content-length": Buffer.byteLength(body) };
      const asking = request({ port: wire.port, host: "127.0.0.1", method, path, agent, headers });
      asking.end(body);
      const [answer] = (await once(asking, "response")) as [IncomingMessage];
      return (await buffer(answer)).toString();
    },
  };
}

test("requests to the provider are told by method and path, without ids", async (t) => {
  const { wire, arrived, ask } = await openProvider(t);
  const watch = actAt("send", "", "pass");
  wire.watch = watch;
  const paths = [
    "/v1/payment_intents/pi_3MtwBwLkdIwHu7ix/confirm",
    "/v1/webhook_endpoints/we_1Mr5jULkdIwHu7ix",
    "/v1/refunds?limit=3",
  ];
  for (const path of paths) assert.equal(await ask("POST", path, "a=b"), "what was asked for");
  assert.deepEqual(
    watch.seen,
    ["/v1/payment_intents/:id/confirm", "/v1/webhook_endpoints/:id", "/v1/refunds"].flatMap((path) => [
      `send POST ${path}`,
      `receive POST ${path}`,
    ]),
  );
  assert.equal(arrived.length, paths.length);
  // All three went over one connection.
  assert.equal(wire.connections, 1);
});

test("cut before it is sent, a request does not arrive; cut before its answer, it did", async (t) => {
  const { wire, arrived, ask } = await openProvider(t);
  wire.watch = actAt("send", "POST /v1/refunds", "cut");
  await assert.rejects(ask("POST", "/v1/refunds", "first"));
  assert.deepEqual(arrived, []);
  wire.watch = actAt("receive", "POST /v1/refunds", "cut");
  await assert.rejects(ask("POST", "/v1/refunds", "second"));
  assert.deepEqual(arrived, ["POST /v1/refunds second"]);
  wire.watch = null;
  assert.equal(await ask("GET", "/v1/refunds"), "what was asked for");
});
