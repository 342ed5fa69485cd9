// A relay in a process of its own, to be stopped, continued and killed by a test. It writes its log to its output.
import { parseArgs } from "node:util";
import pino from "pino";
import { openDatabase } from "../../src/db/database.ts";
import { connectNats } from "../../src/outbox/nats-connection.ts";
import { createRelay } from "../../src/outbox/relay.ts";

const { values } = parseArgs({
  options: {
    database: { type: "string", default: "" },
    nats: { type: "string", default: "" },
    stream: { type: "string", default: "" },
    times: { type: "string", default: "{}" },
  },
});

const log = pino({ level: "debug" }, pino.destination({ sync: true }));
const database = await openDatabase({
  url: values.database,
  poolMax: 4,
  statementTimeoutMs: 10_000,
  connectTimeoutMs: 5_000,
});
database.pool.on("error", () => {});
createRelay({
  pool: database.pool,
  databaseUrl: values.database,
  nats: connectNats(values.nats, log),
  log,
  streamName: values.stream,
  source: "/test",
  replicas: 1,
  times: JSON.parse(values.times),
}).start();
