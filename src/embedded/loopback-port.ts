import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

export const loopbackHost = "127.0.0.1";

export interface PortChoice {
  /** The only port that will do; without it the remembered one is preferred, and any free one is taken. */
  readonly port: number | undefined;
  /** Where the port of the last start was written, so that clients with this address find the server again. */
  readonly rememberedIn: string;
}

/** A loopback port that nobody listens on at this moment. */
export async function choosePort({ port, rememberedIn }: PortChoice): Promise<number> {
  if (port !== undefined) {
    if (await isFree(port)) return port;
    throw new Error(`port ${port} on ${loopbackHost} is in use by another program`);
  }
  const remembered = readPort(rememberedIn);
  if (remembered !== undefined && (await isFree(remembered))) return remembered;
  return listenOnce(0);
}

function readPort(file: string): number | undefined {
  try {
    const port = Number(readFileSync(file, "utf8"));
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
  } catch {
    return undefined;
  }
}

async function isFree(port: number): Promise<boolean> {
  return listenOnce(port).then(
    () => true,
    () => false,
  );
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, loopbackHost, () => {
      const { port: taken } = server.address() as AddressInfo;
      server.close(() => resolve(taken));
    });
  });
}
