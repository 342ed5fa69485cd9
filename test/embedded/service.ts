import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

interface ServiceAddresses {
  readonly postgres: string;
  readonly nats: string;
}

export interface Service {
  readonly pid: number;
  /** Resolves when both servers are ready. */
  readonly ready: Promise<ServiceAddresses>;
  /** Sends a signal and resolves when the service, not its servers, has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Starts service-process.ts as a process of its own. */
export function spawnService(dataDir: string): Service {
  const script = fileURLToPath(import.meta.resolve("./service-process.ts"));
  const child = spawn(process.execPath, [script, dataDir], { stdio: ["ignore", "pipe", "inherit"] });
  return {
    pid: child.pid ?? 0,
    ready: readAddresses(child.stdout),
    end: async (signal) => {
      const ended = once(child, "exit");
      child.kill(signal);
      await ended;
    },
  };
}

async function readAddresses(output: Readable): Promise<ServiceAddresses> {
  const [line] = (await once(output, "data")) as [Buffer];
  return JSON.parse(line.toString()) as ServiceAddresses;
}
