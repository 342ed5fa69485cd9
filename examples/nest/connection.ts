// Where NATS is: NATS_URL, or the nats-server that the payment service keeps in its data folder (DATA_DIR, default .data).
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface NatsAddress {
  readonly servers: string;
  readonly user?: string;
  readonly pass?: string;
}

function urlInDataDir(dataDir: string): string {
  const read = (name: string): string => readFileSync(join(dataDir, "nats", name), "utf8").trim();
  return `nats://payment:${read("password")}@127.0.0.1:${read("port")}`;
}

/** As NestJS wants it: its client does not read names and passwords from a URL. */
export function findNats(): NatsAddress {
  const { host, username, password } = new URL(
    process.env["NATS_URL"] ?? urlInDataDir(process.env["DATA_DIR"] ?? ".data"),
  );
  return { servers: `nats://${host}`, ...(username && { user: username, pass: password }) };
}
