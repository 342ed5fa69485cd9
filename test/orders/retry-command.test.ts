// The command that an operator runs for events that were parked.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { World } from "./world.ts";

const run = promisify(execFile);
const COMMAND = join(import.meta.dirname, "../../src/orders-retry.ts");
const PARKED = "order event parked; `npm run orders:retry` tries it again";

test("parked events are listed, and those that are named are tried again", async (t) => {
  const world = await World.open(t);
  const [first, second] = [world.shop.place(), world.shop.place()];
  world.shop.fault = () => ({ status: 403, body: {} });
  world.startDriver();
  await world.publish("payment.failed", first);
  await world.publish("payment.succeeded", second);
  await world.untilLogged(PARKED, 2);
  const retry = async (...options: string[]): Promise<string> =>
    (await run(process.execPath, [COMMAND, "--nats", world.natsUrl, ...options])).stdout;

  const listed = await retry("--list");
  assert.match(listed, new RegExp(`payment\\.failed {2}order ${first._id}`));
  assert.match(listed, /after 3 deliveries: the order service, asked for the order: it answered 403/);
  assert.match(listed, /2 events parked\./);

  world.shop.fault = () => undefined;
  assert.match(await retry("--order", second._id), /^ {2}payment\.succeeded[^]*1 event given to the running service/);
  await world.shop.until(() => world.shop.statusOf(second) === "CONFIRMED");
  assert.equal(world.shop.statusOf(first), "PENDING");
  await retry();
  await world.shop.until(() => world.shop.statusOf(first) === "CANCELLED");
  assert.equal(await retry(), "Nothing is parked.\n");
});

test("the command says in one sentence what it lacks", async () => {
  await assert.rejects(run(process.execPath, [COMMAND, "--data-dir", "/nowhere"]), {
    code: 1,
    stderr: "No service keeps its NATS in /nowhere; send --nats or --data-dir.\n",
  });
});
