// One round: the yardstick, then the service in each of its measured forms, one after the other on one PostgreSQL server.
import { measureLives, type ServiceFigures, type Window, withService } from "./measure-service.ts";
import { type Drain, measureDrain, measureLag } from "./relay.ts";
import type { BenchPostgres } from "./servers.ts";
import { measureStartUp, type StartUp } from "./start-up.ts";
import type { Percentiles } from "./statistics.ts";
import { measureYardstick, type Yardstick } from "./yardstick.ts";

export const forms = {
  grpc: { name: "gRPC, relay on", protocol: "grpc", relay: true },
  grpcWithoutRelay: { name: "gRPC, relay off", protocol: "grpc", relay: false },
  connectJsonH2c: { name: "Connect JSON over h2c, relay on", protocol: "connectJsonH2c", relay: true },
  connectJsonHttp1: { name: "Connect JSON over HTTP/1.1, relay on", protocol: "connectJsonHttp1", relay: true },
} as const;

export type Form = keyof typeof forms;

export interface Round {
  readonly yardstick: Yardstick;
  readonly service: Readonly<Record<Form, ServiceFigures>>;
  readonly drain: Drain;
  readonly lagMs: Percentiles;
  readonly startUp: StartUp;
}

export interface RoundOptions {
  readonly postgres: BenchPostgres;
  readonly pgbench: string;
  readonly window: Window;
  /** Told what is being measured. */
  readonly progress: (step: string) => void;
}

export async function measureRound(options: RoundOptions): Promise<Round> {
  const { postgres, window, progress } = options;
  progress("yardstick");
  const seconds = Math.ceil(window.measureMs / 1_000);
  const yardstick = await measureYardstick({ program: options.pgbench, postgres, seconds });
  const grpc = await measureForm(options, "grpc");
  const grpcWithoutRelay = await measureForm(options, "grpcWithoutRelay");
  progress("backlog");
  const drain = await drainBacklog(postgres);
  const connectJsonH2c = await measureForm(options, "connectJsonH2c");
  const connectJsonHttp1 = await measureForm(options, "connectJsonHttp1");
  progress("lag");
  const lagMs = await withService(
    { postgres, databaseUrl: await postgres.freshDatabase("lag"), relay: true },
    (running) => measureLag(running, window),
  );
  progress("start");
  const startUp = await measureStartUp();
  return {
    yardstick,
    service: { grpc, grpcWithoutRelay, connectJsonH2c, connectJsonHttp1 },
    drain,
    lagMs,
    startUp,
  };
}

async function measureForm({ postgres, window, progress }: RoundOptions, form: Form): Promise<ServiceFigures> {
  const { name, protocol, relay } = forms[form];
  progress(name);
  const databaseUrl = await postgres.freshDatabase(databaseOf(form));
  return withService({ postgres, databaseUrl, relay }, (running) => measureLives(running, { protocol, window }));
}

/** The events that the form without a relay left are the backlog. */
function drainBacklog(postgres: BenchPostgres): Promise<Drain> {
  const databaseUrl = postgres.urlOf(databaseOf("grpcWithoutRelay"));
  return withService({ postgres, databaseUrl, relay: true }, (running) => measureDrain(running, databaseUrl));
}

function databaseOf(form: Form): string {
  return `service_${form.toLowerCase()}`;
}
