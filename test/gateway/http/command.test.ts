// `npm run gateway`: the gateway as a program, as other teams use it.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { openSdk, PAID } from "./open-local-stripe.ts";

let folder: string;
const children = new Set<ChildProcess>();

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gateway-command-"));
});
after(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly output: string;
  readonly port: number;
}

/** Starts the command, and waits until it says that it is ready or ends. */
async function run(...flags: string[]): Promise<Running> {
  const child = spawn(process.execPath, ["src/gateway.ts", ...flags], { stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  let output = "";
  const ready = Promise.withResolvers<void>();
  const listen = (chunk: Buffer): void => {
    output += chunk.toString();
    if (output.includes("protocol:")) ready.resolve();
  };
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  child.once("close", () => {
    children.delete(child);
    ready.resolve();
  });
  await ready.promise;
  return { child, output, port: Number(/ready at http:\/\/localhost:(\d+)/.exec(output)?.[1] ?? 0) };
}

async function end({ child }: Running, signal: NodeJS.Signals): Promise<number | null> {
  const closed = once(child, "close");
  child.kill(signal);
  await closed;
  return child.exitCode;
}

test("what was answered survives SIGKILL, and a stop is clean", async () => {
  const data = join(folder, "killed");
  const first = await run("--port", "0", "--data", data);
  const paid = await openSdk(first.port).paymentIntents.create(PAID, { idempotencyKey: "command-1" });
  await end(first, "SIGKILL");
  const second = await run("--port", "0", "--data", data);
  const [here, there] = [openSdk(second.port), openSdk(second.port)];
  assert.equal((await here.paymentIntents.retrieve(paid.id)).status, "succeeded");
  assert.equal((await there.paymentIntents.create(PAID, { idempotencyKey: "command-1" })).id, paid.id);
  const refund = await here.refunds.create({ payment_intent: paid.id, amount: 1 });
  assert.equal((await there.refunds.retrieve(refund.id)).amount, 1);
  assert.equal(await end(second, "SIGTERM"), 0);
});

test("a folder belongs to one process at a time", async () => {
  const data = join(folder, "shared");
  const first = await run("--port", "0", "--data", data);
  const second = await run("--port", "0", "--data", data);
  assert.match(
    second.output,
    /is in use by the service with process id \d+; stop that process, or give --data another folder/,
  );
  assert.equal(second.child.exitCode, 1);
  assert.equal(await end(first, "SIGINT"), 0);
});

test("forwarding has one endpoint and one secret through restarts", async () => {
  const flags = ["--port", "0", "--data", join(folder, "forward"), "--forward-to", "http://127.0.0.1:9/hook"];
  const first = await run(...flags);
  const secret = /whsec_\w+/.exec(first.output)?.[0];
  await end(first, "SIGTERM");
  const second = await run(...flags);
  assert.equal(/whsec_\w+/.exec(second.output)?.[0], secret);
  const { data } = await openSdk(second.port).webhookEndpoints.list();
  assert.deepEqual(
    data.map(({ url }) => url),
    ["http://127.0.0.1:9/hook"],
  );
  await end(second, "SIGTERM");
  const third = await run(...flags, "--secret", "whsec_0123456789abcdef");
  assert.equal(/whsec_\w+/.exec(third.output)?.[0], "whsec_0123456789abcdef");
  await end(third, "SIGTERM");
});

test("the hosted checkout is served beside the API", async () => {
  const running = await run("--port", "0", "--data", join(folder, "pages"));
  const { url } = await openSdk(running.port).checkout.sessions.create({
    mode: "payment",
    success_url: "https://shop.example/paid",
    line_items: [{ price_data: { currency: "eur", unit_amount: 500, product_data: { name: "Tea" } }, quantity: 1 }],
  });
  const page = await fetch(url ?? "");
  assert.equal(page.status, 200);
  assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
  await end(running, "SIGTERM");
});

const bad: [flags: string[], message: RegExp][] = [
  [["--prot", "1"], /^Unknown option '--prot'/],
  [["--port", "http"], /^--port is "http"; give a number/],
  [["--port", "70000"], /^--port is "70000"; give a number/],
  [["--forward-to", "localhost"], /^--forward-to is "localhost"; give a URL/],
  [["--secret", "whsec_12345678"], /^--secret goes with --forward-to/],
];
suite("a bad flag", { concurrency: true }, () => {
  for (const [flags, message] of bad) {
    test(`${flags.join(" ")} is refused in a sentence`, async () => {
      const { output, child } = await run(...flags, "--data", join(folder, "never"));
      assert.match(output, message);
      assert.equal(child.exitCode, 1);
      assert.doesNotMatch(output, /^ {4}at /m);
    });
  }
});
