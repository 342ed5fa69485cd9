// How long after its start the service answers a first RPC, with everything of its own: PostgreSQL, nats-server, gateway.
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { PaymentMode, PaymentStatus } from "../gen/payment/v1/payment_pb.ts";
import { openCalls } from "./calls.ts";
import { targetOf } from "./measure-service.ts";
import { residentMbOf } from "./process-figures.ts";
import { makeDirectory } from "./servers.ts";
import { type Service, startService } from "./service.ts";

const pollMs = 5;
const startDeadlineMs = 60_000;
const callTimeoutMs = 10_000;
// For what start-up leaves to be collected.
const restMs = 3_000;

export interface StartUp {
  /** In an empty data directory. */
  readonly firstMs: number;
  /** In the same directory again. */
  readonly laterMs: number;
  /** Memory of node, some seconds after its only call. */
  readonly restMb: number;
}

export async function measureStartUp(): Promise<StartUp> {
  using directory = makeDirectory();
  const firstMs = await timeStart(directory.path, async () => {});
  let restMb = 0;
  const laterMs = await timeStart(directory.path, async (service) => {
    await delay(restMs);
    restMb = residentMbOf(service.pid);
  });
  return { firstMs, laterMs, restMb };
}

async function timeStart(dataDir: string, whenStarted: (service: Service) => Promise<void>): Promise<number> {
  const from = performance.now();
  await using service = await startService({ dataDir });
  await awaitPort(service);
  const calls = openCalls("grpc", { target: targetOf(service, "grpc"), timeoutMs: callTimeoutMs });
  const { payment } = await calls.createPayment({
    orderId: `start-${from}`,
    amount: { currency: "EUR", minor: 1999n },
    mode: PaymentMode.INTENT,
    paymentMethod: "pm_card_visa",
  });
  const tookMs = performance.now() - from;
  if (payment?.status !== PaymentStatus.SUCCEEDED) throw new Error("the first payment did not succeed");
  await whenStarted(service);
  return tookMs;
}

/** Tries the port itself: a gRPC channel that was refused would wait a second before it tries again. */
async function awaitPort(service: Service): Promise<void> {
  const deadline = performance.now() + startDeadlineMs;
  while (!(await accepts(service.grpcPort))) {
    service.assertRunning();
    if (performance.now() > deadline) throw new Error(`the service does not listen after ${startDeadlineMs} ms`);
    await delay(pollMs);
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ host: "127.0.0.1", port });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
