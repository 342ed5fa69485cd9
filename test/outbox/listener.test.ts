// The connection that hears notifications, on a network that fails without a word.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import pino from "pino";
import { listen } from "../../src/outbox/listener.ts";
import { createTestDatabase } from "../support/database.ts";
import { withClient } from "../support/with-client.ts";
import { CLEAR } from "../torture/wire/condition.ts";
import { Wire } from "../torture/wire/wire.ts";

const CHANNEL = "news";
const WAIT_MAX_MS = 15_000;
const POLL_MS = 10;
const TIMES = { checkIntervalMs: 200, answerTimeoutMs: 1_000 };

test("a listener notices that its connection fell silent, and listens on another one", async (t) => {
  const database = await createTestDatabase();
  const url = new URL(database.url);
  const wire = await Wire.open({ target: { host: url.hostname, port: Number(url.port) }, on: "database" });
  url.port = String(wire.port);
  const events = new EventEmitter();
  const heard = (): Promise<unknown> => once(events, "heard", { signal: AbortSignal.timeout(WAIT_MAX_MS) });
  const listening = heard();
  const stop = listen({
    databaseUrl: url.href,
    channel: CHANNEL,
    log: pino({ level: "silent" }),
    onNotification: () => void events.emit("heard"),
    times: TIMES,
  });
  t.after(async () => {
    await stop();
    await wire.close();
    await database.drop();
  });
  await listening;
  wire.setCondition({ kind: "blackhole" });
  // What it is told is lost, and the connection with it.
  await withClient(database.url, (client) => client.query(`notify ${CHANNEL}`));
  while (wire.silent === 0) await delay(POLL_MS);
  const again = heard();
  wire.setCondition(CLEAR);
  await again;
  const notified = heard();
  await withClient(database.url, (client) => client.query(`notify ${CHANNEL}`));
  await notified;
  assert.equal(wire.silent, 0);
});
