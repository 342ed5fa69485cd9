// What a running process of the service holds: memory that is really in use, open files, timers, connections. The heap is read through node's inspector, which
// can have the garbage collected first; the service is started with INSPECTED.
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { residentMbOf } from "../../../bench/process-figures.ts";
import type { ServiceProcess } from "../../support/service-process.ts";
import type { Query } from "../frame/invariants.ts";

/** For the environment: the inspector listens on a free port of loopback. */
export const INSPECTED = { NODE_OPTIONS: "--inspect=127.0.0.1:0" };
const INSPECTOR = /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/;
const ANSWER_MAX_MS = 30_000;
/** What a first collection frees, finalizers may let go of more. */
const COLLECTIONS = 2;
const FINALIZERS_MS = 100;
const BYTES_PER_MB = 2 ** 20;
const HOUR_MS = 3_600_000;

export interface Gauges {
  readonly atMs: number;
  readonly heapMb: number;
  readonly residentMb: number;
  /** Open files, sockets among them. */
  readonly files: number;
  readonly timers: number;
  /** Connections of the service to the database. */
  readonly databaseConnections: number;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** One session of the inspector: a question at a time. */
class Inspector {
  readonly #socket: WebSocket;
  #asked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async open(url: string): Promise<Inspector> {
    const socket = new WebSocket(url);
    await once(socket, "open", { signal: AbortSignal.timeout(ANSWER_MAX_MS) });
    return new Inspector(socket);
  }

  async ask<T>(method: string, params: object = {}): Promise<T> {
    this.#asked += 1;
    const id = this.#asked;
    this.#socket.send(JSON.stringify({ id, method, params }));
    const signal = AbortSignal.timeout(ANSWER_MAX_MS);
    for (;;) {
      const [event] = (await once(this.#socket, "message", { signal })) as [MessageEvent];
      const answer = JSON.parse(String(event.data)) as Answer;
      if (answer.id !== id) continue;
      if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
      return answer.result as T;
    }
  }

  close(): void {
    this.#socket.close();
  }
}

async function readHeap(inspector: Inspector): Promise<number> {
  for (let count = 0; count < COLLECTIONS; count += 1) {
    await inspector.ask("HeapProfiler.collectGarbage");
    await delay(FINALIZERS_MS);
  }
  const { usedSize } = await inspector.ask<{ usedSize: number }>("Runtime.getHeapUsage");
  return usedSize / BYTES_PER_MB;
}

async function countTimers(inspector: Inspector): Promise<number> {
  const expression = 'process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length';
  const { result } = await inspector.ask<{ result: { value: number } }>("Runtime.evaluate", {
    expression,
    returnByValue: true,
  });
  return result.value;
}

export class Meter {
  readonly #service: ServiceProcess;
  readonly #query: Query;
  readonly #inspector: string;

  /** Soon after the start: the inspector's address is in what the service said then. */
  constructor(service: ServiceProcess, query: Query) {
    const [inspector] = INSPECTOR.exec(service.said) ?? [];
    if (inspector === undefined) throw new Error("the service was not started with its inspector");
    this.#service = service;
    this.#query = query;
    this.#inspector = inspector;
  }

  /** Best while the service has nothing to do: what is under way is no leak. */
  async read(): Promise<Gauges> {
    const inspector = await Inspector.open(this.#inspector);
    const heapMb = await readHeap(inspector);
    const timers = await countTimers(inspector);
    inspector.close();
    const { pid } = this.#service;
    const [connections] = await this.#query<{ count: number }>(
      "select count(*)::int as count from pg_stat_activity where application_name like 'payment-service%'",
    );
    return {
      atMs: performance.now(),
      heapMb,
      residentMb: residentMbOf(pid),
      files: readdirSync(`/proc/${pid}/fd`).length,
      timers,
      databaseConnections: connections?.count ?? 0,
    };
  }
}

/** By least squares, for each hour. */
export function slopePerHour(gauges: readonly Gauges[], figure: Exclude<keyof Gauges, "atMs">): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const hours = gauges.map(({ atMs }) => atMs / HOUR_MS);
  const values = gauges.map((each) => each[figure]);
  const [middle, level] = [mean(hours), mean(values)];
  const covariance = mean(hours.map((hour, index) => (hour - middle) * ((values[index] ?? level) - level)));
  const variance = mean(hours.map((hour) => (hour - middle) ** 2));
  return variance === 0 ? 0 : covariance / variance;
}
