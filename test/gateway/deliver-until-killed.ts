// Makes payments whose webhooks are delivered, eight at a time, and prints a line for each, until it is killed.
import { Gateway } from "../../src/gateway/gateway.ts";
import { Webhooks } from "../../src/gateway/webhooks/webhooks.ts";
import { intent } from "./open-gateway.ts";

const PAYMENTS_MAX = 100_000;
const [, , journalPath = "", directory = ""] = process.argv;
const gateway = new Gateway({ journalPath, now: () => new Date() });
const webhooks = new Webhooks({ gateway, directory });
const { signal } = new AbortController();

let made = 0;
async function pay(): Promise<void> {
  while (made < PAYMENTS_MAX) {
    made += 1;
    await gateway.perform(intent(), { idempotencyKey: null, signal });
    process.stdout.write(`${webhooks.counts().delivered}\n`);
  }
}
await Promise.all(Array.from({ length: 8 }, pay));
