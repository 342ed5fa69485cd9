// Makes payments, eight at a time, and prints the key of each once it is answered, until it is killed.
import { Gateway } from "../../src/gateway/gateway.ts";
import { intent } from "./open-gateway.ts";

const PAYMENTS_MAX = 1_000_000;
const [, , journalPath = ""] = process.argv;
const gateway = new Gateway({ journalPath, now: () => new Date() });
const { signal } = new AbortController();

let made = 0;
async function pay(): Promise<void> {
  while (made < PAYMENTS_MAX) {
    made += 1;
    const key = `key-${made}`;
    await gateway.perform(intent(), { idempotencyKey: key, signal });
    process.stdout.write(`${key}\n`);
  }
}
await Promise.all(Array.from({ length: 8 }, pay));
