// The manners in which JetStream can be away, each with the way back: the server is gone, stands still, is cut off, or is there and has no JetStream.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pino from "pino";
import { provideNatsServer } from "../../../src/embedded/nats.ts";
import { searchPath } from "../../support/search-path.ts";
import type { Dweller, House } from "./house.ts";

const READY_MAX_MS = 10_000;
const POLL_MS = 50;

/** Begins an absence, and gives how it ends. */
export type Absence = (house: House, dweller: Dweller) => Promise<() => Promise<void>>;

const serverStopped: Absence = async (house) => {
  await house.stopNats();
  return () => house.startNats();
};

/** The connection stands, new ones are taken by the kernel, and nothing is answered. */
const serverStandsStill: Absence = (house) => {
  const pid = house.natsPid;
  process.kill(pid, "SIGSTOP");
  return Promise.resolve(() => {
    process.kill(pid, "SIGCONT");
    return Promise.resolve();
  });
};

const nothingComesThrough: Absence = (_house, { nats }) => {
  nats.hold("everything");
  return Promise.resolve(() => {
    nats.hold("nothing");
    return Promise.resolve();
  });
};

const connectionsAreReset: Absence = (_house, { nats }) => {
  nats.leave();
  return Promise.resolve(() => {
    nats.comeBack();
    return Promise.resolve();
  });
};

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "data");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function end(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/** In the server's place stands one that knows nothing of streams. */
const noJetStream: Absence = async (house) => {
  const { port, username, password } = new URL(house.natsUrl);
  await house.stopNats();
  const binary = await provideNatsServer({ dataDir: tmpdir(), path: searchPath, log: pino({ level: "silent" }) });
  const configuration = join(house.folder, "without-jetstream.conf");
  writeFileSync(configuration, `authorization { user: ${username}, password: ${JSON.stringify(password)} }\n`);
  const child = spawn(binary, ["-c", configuration, "-a", "127.0.0.1", "-p", port], { stdio: "ignore" });
  for (const startedAt = performance.now(); !(await answers(Number(port))); await delay(POLL_MS)) {
    if (performance.now() - startedAt < READY_MAX_MS) continue;
    await end(child);
    throw new Error("a nats-server without JetStream does not start");
  }
  return async () => {
    await end(child);
    await house.startNats();
  };
};

export const ABSENCES = {
  "the server is stopped": serverStopped,
  "the server stands still": serverStandsStill,
  "nothing comes through": nothingComesThrough,
  "connections are reset": connectionsAreReset,
  "the server has no JetStream": noJetStream,
} as const satisfies Readonly<Record<string, Absence>>;
export type Manner = keyof typeof ABSENCES;
