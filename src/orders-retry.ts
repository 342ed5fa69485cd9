// `npm run orders:retry`: lists the events that the order and inventory services never took, and has the running service try them again. It ends with
// 0; with 1 when it could not be done. What is refused again is parked again.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { listParked, type ParkedEvent, retryParked } from "./orders/parking.ts";
import { parseNatsUrl } from "./outbox/nats-connection.ts";

const USAGE = `Usage: npm run orders:retry -- [options]

  --list            only prints what is parked, and why
  --order ID        only events of this order
  --payment ID      only events of this payment
  --nats URL        the NATS of the service; by default the one that it keeps in its data folder
  --data-dir PATH   that folder; by default .data
`;

interface Wanted {
  readonly list: boolean;
  readonly order: string | undefined;
  readonly payment: string | undefined;
  readonly natsUrl: string;
}

/** The address of the nats-server that a service keeps in its data folder. */
function findEmbedded(dataDir: string): string {
  const read = (name: string): string => readFileSync(join(dataDir, "nats", name), "utf8").trim();
  try {
    return `nats://payment:${read("password")}@127.0.0.1:${read("port")}`;
  } catch (error) {
    throw new Error(`No service keeps its NATS in ${dataDir}; send --nats or --data-dir.`, { cause: error });
  }
}

function readArguments(): Wanted | null {
  const { values } = parseArgs({
    options: {
      list: { type: "boolean", default: false },
      order: { type: "string" },
      payment: { type: "string" },
      nats: { type: "string" },
      "data-dir": { type: "string", default: ".data" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const { list, order, payment } = values;
  return { list, order, payment, natsUrl: values.nats ?? findEmbedded(values["data-dir"]) };
}

function isWanted({ order, payment }: Wanted, event: ParkedEvent): boolean {
  return (order === undefined || event.orderId === order) && (payment === undefined || event.paymentId === payment);
}

function print({ type, orderId, paymentId, parkedAt, deliveries, why }: ParkedEvent): string {
  return `  ${type}  order ${orderId || "unknown"}  ${paymentId || "no payment"}\n    ${parkedAt}, after ${deliveries} deliveries: ${why}\n`;
}

async function retryAll(connection: NatsConnection, wanted: Wanted): Promise<void> {
  let count = 0;
  for await (const event of listParked(connection)) {
    if (!isWanted(wanted, event)) continue;
    count += 1;
    process.stdout.write(print(event));
    if (!wanted.list) await retryParked(connection, event);
  }
  const done = wanted.list ? "parked" : "given to the running service to try again";
  process.stdout.write(
    count === 0 ? "Nothing is parked.\n" : `${count} ${count === 1 ? "event" : "events"} ${done}.\n`,
  );
}

async function main(): Promise<void> {
  const wanted = readArguments();
  if (!wanted) {
    process.stdout.write(USAGE);
    return;
  }
  const connection = await connect({ ...parseNatsUrl(wanted.natsUrl), reconnect: false });
  try {
    await retryAll(connection, wanted);
  } finally {
    await connection.close();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
