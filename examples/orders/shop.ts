// The three services side by side: orders and inventory, which live in this process, and the payment service, started as `npm start` starts it, with
// the addresses of the other two.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { serve } from "./http.ts";
import { Inventory, inventoryHandler } from "./inventory-service.ts";
import { orderHandler, Orders } from "./order-service.ts";

/** What the services of the house show each other; a real one is long, random, and in no source. */
const TOKEN = "example-internal-token";

export interface ExampleShop {
  readonly orderUrl: string;
  readonly inventoryUrl: string;
  readonly paymentUrl: string;
  stop(): Promise<void>;
}

async function startPayments(environment: Readonly<Record<string, string>>) {
  const dataDir = mkdtempSync(join(tmpdir(), "payment-orders-"));
  const child = spawn(process.execPath, ["--import", "./src/require-node.js", "src/main.ts"], {
    cwd: join(import.meta.dirname, "../.."),
    env: { ...process.env, DATA_DIR: dataDir, PORT: "0", GRPC_PORT: "0", GATEWAY_PORT: "0", ...environment },
    stdio: ["ignore", "pipe", "ignore"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, port } = JSON.parse(line) as { msg: string; port?: number };
    if (msg !== "service ready" || port === undefined) continue;
    child.stdout.resume();
    return {
      url: `http://127.0.0.1:${port}`,
      async stop(): Promise<void> {
        child.kill("SIGTERM");
        await once(child, "exit");
        rmSync(dataDir, { recursive: true, force: true });
      },
    };
  }
  throw new Error("the payment service ended before it was ready; run `npm start` to see why");
}

export async function openShop(): Promise<ExampleShop> {
  const inventory = new Inventory();
  const orders = await serve(orderHandler(new Orders(inventory), TOKEN));
  const stock = await serve(inventoryHandler(inventory, TOKEN));
  const payments = await startPayments({
    ORDER_SERVICE_URL: orders.url,
    INVENTORY_SERVICE_URL: stock.url,
    INTERNAL_SERVICE_TOKEN: TOKEN,
  });
  return {
    orderUrl: orders.url,
    inventoryUrl: stock.url,
    paymentUrl: payments.url,
    async stop() {
      await payments.stop();
      await orders.stop();
      await stock.stop();
    },
  };
}
