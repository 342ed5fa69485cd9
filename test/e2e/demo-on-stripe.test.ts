// The demo, as it is, told against a service whose provider is Stripe: it knows nothing of providers, and its story goes as told.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, test } from "node:test";
import { openStripeService } from "../support/stripe-service.ts";

const ROOT = join(import.meta.dirname, "../..");

const { gateway, service, remove } = await openStripeService();
after(remove);

test("the demo goes as told on Stripe", async () => {
  const demo = spawn(process.execPath, ["examples/demo/main.ts"], {
    cwd: ROOT,
    env: { ...process.env, GRPC_PORT: String(service.grpc.port), DATA_DIR: service.dataDir },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const output of [demo.stdout, demo.stderr]) output.on("data", (text: Buffer) => (said += text.toString()));
  const [exitCode] = await once(demo, "close");
  assert.equal(exitCode, 0, said);
  assert.match(said, /The story went as told\./);
  const payments = await service.query<{ provider: string; captured: string; refunded: string; order_id: string }>(
    "select provider, order_id, captured_minor::text as captured, refunded_minor::text as refunded from payment",
  );
  assert.deepEqual([...new Set(payments.map(({ provider }) => provider))], ["stripe"]);
  const { orders } = await gateway.journal();
  const moved = payments.filter(({ captured }) => captured !== "0");
  assert.deepEqual(
    moved.map(({ order_id, captured, refunded }) => [order_id, BigInt(captured), BigInt(refunded)]),
    moved.map(({ order_id }) => [order_id, orders.get(order_id)?.capturedMinor, orders.get(order_id)?.refundedMinor]),
  );
  assert.equal(orders.size, moved.length);
});
