// What the service is to reach. Speed is told as a multiple of what PostgreSQL could do by itself in the same minute (yardstick/README.md).
import type { Form, Round } from "./rounds.ts";

export interface Target {
  readonly name: string;
  readonly of: (round: Round) => number;
  readonly unit: string;
  readonly digits: number;
  readonly bound: "at least" | "at most";
  /** When the path is first built. */
  readonly first: number;
  /** When the path is finished. */
  readonly later?: number;
  /** The figure behind a ratio. */
  readonly behind?: { readonly of: (round: Round) => number; readonly unit: string };
}

/** Lives per second as a multiple of what PostgreSQL could do in the same round. */
export function ratioToS4(round: Round, form: Form): number {
  return round.service[form].livesPerSecond / round.yardstick.s4;
}

function slowestCallP99(round: Round): number {
  const { create, complete, refund } = round.service.grpc.latencyMs;
  return Math.max(create.p99, complete.p99, refund.p99);
}

export const targets: readonly Target[] = [
  {
    name: "lives per second, gRPC, relay on",
    of: (round) => ratioToS4(round, "grpc"),
    unit: "× S4",
    digits: 2,
    bound: "at least",
    first: 0.7,
    later: 2.4,
    behind: { of: (round) => round.service.grpc.livesPerSecond, unit: "/s" },
  },
  {
    name: "lives per second, Connect JSON over h2c, relay on",
    of: (round) => ratioToS4(round, "connectJsonH2c"),
    unit: "× S4",
    digits: 2,
    bound: "at least",
    first: 0.5,
    later: 1.5,
    behind: { of: (round) => round.service.connectJsonH2c.livesPerSecond, unit: "/s" },
  },
  {
    name: "p99 of the slowest call, gRPC, relay on",
    of: (round) => slowestCallP99(round) / round.yardstick.createP99Ms,
    unit: "× p99 of pgbench's create",
    digits: 2,
    bound: "at most",
    first: 1,
    later: 0.3,
    behind: { of: (round) => slowestCallP99(round), unit: " ms" },
  },
  {
    name: "relay drain",
    of: (round) => round.drain.eventsPerSecond,
    unit: "events/s",
    digits: 0,
    bound: "at least",
    first: 20_000,
    later: 35_000,
    behind: { of: (round) => round.drain.events, unit: " events" },
  },
  {
    name: "lag from event to consumer, p99",
    of: (round) => round.lagMs.p99,
    unit: "ms",
    digits: 0,
    bound: "at most",
    first: 50,
    later: 20,
  },
  {
    name: "memory under load, node (highest)",
    of: (round) => round.service.grpc.nodeMb,
    unit: "MB",
    digits: 0,
    bound: "at most",
    first: 320,
    later: 220,
  },
  {
    name: "memory under load, all with the database",
    of: (round) => round.service.grpc.allMb,
    unit: "MB",
    digits: 0,
    bound: "at most",
    first: 550,
    later: 400,
  },
  {
    name: "first RPC answered after start, with initdb",
    of: (round) => round.startUp.firstMs / 1_000,
    unit: "s",
    digits: 2,
    bound: "at most",
    first: 3,
    later: 1.2,
  },
  {
    name: "first RPC answered after start, later",
    of: (round) => round.startUp.laterMs / 1_000,
    unit: "s",
    digits: 2,
    bound: "at most",
    first: 1.5,
    later: 0.8,
  },
  {
    name: "memory at rest, node",
    of: (round) => round.startUp.restMb,
    unit: "MB",
    digits: 0,
    bound: "at most",
    first: 150,
  },
];
