import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { appendFile, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Stripe } from "stripe";
import { Webhooks, type WebhooksOptions } from "../../src/gateway/webhooks/webhooks.ts";
import { GatewayBench, HOUR_MS, intent, refund } from "./open-gateway.ts";
import { WebhookReceiver } from "./webhook-receiver.ts";

const SECRET = "whsec_test";
const PAID = ["charge.succeeded", "payment_intent.created", "payment_intent.succeeded"];

let bench: GatewayBench;
let receiver: WebhookReceiver;
let webhooks: Webhooks;

function open(more: Partial<WebhooksOptions> = {}): Webhooks {
  return new Webhooks({ gateway: bench.gateway, directory: join(bench.folder, "webhooks"), ...more });
}

async function restart(): Promise<void> {
  await webhooks.close();
  await bench.restart();
  webhooks = open();
}

beforeEach(async () => {
  bench = await GatewayBench.make();
  receiver = await WebhookReceiver.make();
  webhooks = open();
});
afterEach(async () => {
  await webhooks.close();
  receiver.dispose();
  await bench.dispose();
});

function listen(enabled_events: readonly string[] = ["*"], url = receiver.url): string {
  return webhooks.createEndpoint({ url, enabled_events, secret: SECRET }).id;
}

async function pay(): Promise<string> {
  return (await bench.life(intent())).intent.id;
}

describe("webhooks", () => {
  it("are sent as Stripe sends them, and its own library accepts their signature", async () => {
    const id = listen();
    webhooks.rollSecret(id, { secret: "whsec_new", until: new Date(bench.time + HOUR_MS) });
    await bench.gateway.advance(0);
    await bench.life(intent({ amount: 9_007_199_254_740_993n }));
    await webhooks.idle();
    assert.deepEqual(receiver.types().toSorted(), PAID);
    for (const { body, headers } of receiver.received) {
      const signature = String(headers["stripe-signature"]);
      assert.match(signature, /^t=\d+,v1=[0-9a-f]{64},v1=[0-9a-f]{64}$/);
      for (const secret of [SECRET, "whsec_new"]) {
        const event = Stripe.webhooks.constructEvent(Buffer.from(body), signature, secret, 300, undefined, bench.time);
        assert.equal(event.object, "event");
      }
      assert.deepEqual(
        [headers["content-type"], headers["user-agent"]],
        ["application/json; charset=utf-8", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"],
      );
      assert.match(body, /"amount":9007199254740993/);
    }
    await bench.gateway.advance(2 * HOUR_MS);
    receiver.received.length = 0;
    await pay();
    await webhooks.idle();
    const [first] = receiver.received;
    assert.match(String(first?.headers["stripe-signature"]), /^t=\d+,v1=[0-9a-f]{64}$/);
    assert.match(String(first?.headers["stripe-signature"]), new RegExp(`^t=${Math.floor(bench.time / 1000)},`));
  });

  it("go to the endpoints that want them", async () => {
    const other = await WebhookReceiver.make();
    listen(["payment_intent.succeeded"]);
    listen(["refund.created", "charge.refunded"], other.url);
    await bench.life(refund(await pay(), 1n));
    await webhooks.idle();
    assert.deepEqual(receiver.types(), ["payment_intent.succeeded"]);
    assert.deepEqual(other.types().toSorted(), ["charge.refunded", "refund.created"]);
    other.dispose();
  });

  it("go nowhere before an endpoint is made, when it is disabled, and after it is removed", async () => {
    await pay();
    const id = listen();
    await restart();
    assert.equal(webhooks.updateEndpoint(id, { disabled: true })?.status, "disabled");
    await pay();
    webhooks.updateEndpoint(id, { disabled: false, enabled_events: ["charge.succeeded"] });
    await pay();
    await webhooks.idle();
    assert.deepEqual(receiver.types(), ["charge.succeeded"]);
    assert.deepEqual([webhooks.removeEndpoint(id), webhooks.removeEndpoint(id)], [true, false]);
    await pay();
    await webhooks.idle();
    assert.equal(receiver.received.length, 1);
    assert.deepEqual(webhooks.listEndpoints(), []);
  });

  it("keep their endpoints and secrets through a restart, in a file for its owner alone", async () => {
    const made = webhooks.createEndpoint({ url: receiver.url, enabled_events: ["*"] });
    assert.match(made.secrets[0]?.value ?? "", /^whsec_[0-9A-Za-z]{32}$/);
    await restart();
    assert.deepEqual(webhooks.findEndpoint(made.id), made);
    const { mode } = await stat(join(bench.folder, "webhooks", "endpoints.json"));
    assert.equal(mode & 0o777, 0o600);
    const same = webhooks.ensureEndpoint({ url: receiver.url, enabled_events: ["charge.failed"], secret: SECRET });
    assert.deepEqual([same.id, same.enabled_events, same.secrets.at(-1)?.value], [made.id, ["charge.failed"], SECRET]);
  });

  for (const status of [400, 500, 302]) {
    it(`are sent again after a ${status}, later and later by the gateway's clock`, async () => {
      listen(["charge.succeeded"]);
      receiver.status = () => status;
      await pay();
      await webhooks.idle();
      for (const [index, ms] of [1000, 5000, 30_000, 300_000].entries()) {
        await bench.gateway.advance(ms - 1);
        await webhooks.idle();
        assert.equal(receiver.received.length, index + 1);
        await bench.gateway.advance(1);
        await webhooks.idle();
        assert.equal(receiver.received.length, index + 2);
      }
      receiver.status = () => 204;
      await bench.gateway.advance(HOUR_MS);
      await webhooks.idle();
      assert.deepEqual([webhooks.counts().delivered, webhooks.counts().resting], [1, 0]);
      assert.equal(new Set(receiver.received.map(({ id }) => id)).size, 1);
    });
  }

  it("are given up after three days, and can be sent again after that", async () => {
    listen(["charge.succeeded"]);
    receiver.status = () => 500;
    await pay();
    await webhooks.idle();
    for (let hours = 0; hours < 80; hours += 4) {
      await bench.gateway.advance(4 * HOUR_MS);
      await webhooks.idle();
    }
    const sent = receiver.received.length;
    assert.deepEqual([webhooks.counts().failed, webhooks.counts().resting, sent > 10 && sent < 25], [1, 0, true]);
    receiver.status = () => 200;
    assert.equal(await webhooks.resend(receiver.received[0]?.id ?? ""), 1);
    await webhooks.idle();
    assert.equal(webhooks.counts().delivered, 1);
    assert.equal(await webhooks.resend("evt_none"), 0);
  });

  it("do not wait for one that cannot be delivered, and are bounded in number", async () => {
    listen();
    receiver.status = ({ type }) => (type === "charge.succeeded" ? null : 200);
    for (let index = 0; index < 10; index += 1) await pay();
    await waitFor(() => webhooks.counts().delivered === 20);
    assert.equal(webhooks.counts().sending, 10);
    receiver.status = () => null;
    for (let index = 0; index < 30; index += 1) await pay();
    await waitFor(() => webhooks.counts().sending === 32 && webhooks.counts().queued === 68);
    assert.ok(receiver.openMax <= 32);
  });

  it("are sent after a restart when they were not acknowledged, and not when they were", async () => {
    listen();
    receiver.status = ({ type }) => (type === "charge.succeeded" ? 500 : 200);
    await pay();
    await webhooks.idle();
    await restart();
    await webhooks.idle();
    assert.deepEqual([receiver.received.length, webhooks.counts().resting], [3, 1]);
    receiver.status = () => 200;
    await bench.gateway.advance(1000);
    await webhooks.idle();
    assert.deepEqual(receiver.types().slice(3), ["charge.succeeded"]);
    await restart();
    await bench.gateway.advance(HOUR_MS);
    await webhooks.idle();
    assert.equal(receiver.received.length, 4);
  });

  it("stand a last note that was cut off", async () => {
    listen();
    await pay();
    await webhooks.idle();
    await webhooks.close();
    await appendFile(join(bench.folder, "webhooks", "deliveries.jsonl"), '{"endpoint":"we_');
    await restart();
    await webhooks.idle();
    assert.equal(receiver.received.length, 3);
  });

  it("keep their file short", async () => {
    listen();
    for (let index = 0; index < 23; index += 1) await Promise.all(Array.from({ length: 20 }, pay));
    await webhooks.idle();
    assert.equal(receiver.received.length, 1380);
    const text = await readFile(join(bench.folder, "webhooks", "deliveries.jsonl"), "utf8");
    assert.ok(text.split("\n").length < 1200);
  });

  it("are all sent although the gateway's process is killed at any moment", async () => {
    const id = listen();
    await webhooks.close();
    await bench.gateway.close();
    const script = fileURLToPath(import.meta.resolve("./deliver-until-killed.ts"));
    for (let round = 0; round < 2; round += 1) {
      const child = spawn(process.execPath, [script, bench.journalPath, join(bench.folder, "webhooks")], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let printed = 0;
      for await (const chunk of child.stdout) {
        printed += String(chunk).length;
        if (printed > 400 + 170 * round) child.kill("SIGKILL");
      }
    }
    bench.time = Date.now();
    await restart();
    await webhooks.idle();
    await bench.gateway.advance(HOUR_MS);
    await webhooks.idle();
    const sent = new Set(receiver.received.map((each) => each.id));
    const missing = bench.gateway.events().filter((event) => !sent.has(event.id));
    assert.deepEqual([missing, webhooks.findEndpoint(id)?.id], [[], id]);
    assert.ok(sent.size > 100);
  });

  it("are acknowledged before the change is answered, when a fault says so", async () => {
    listen();
    bench.gateway.script({ operation: "create", fault: "webhook_first" });
    let sentFirst = 0;
    await bench.life(intent()).then(() => (sentFirst = webhooks.counts().delivered));
    assert.equal(sentFirst, 3);
  });
});

describe("the knobs of webhooks", () => {
  it("hold, and release", async () => {
    listen();
    webhooks.turn({ hold: true });
    await pay();
    await webhooks.idle();
    assert.deepEqual([receiver.received.length, webhooks.counts().held], [0, 3]);
    assert.equal(webhooks.release(), 3);
    await webhooks.idle();
    assert.deepEqual(receiver.types().toSorted(), PAID);
    assert.equal(webhooks.knobs.hold, false);
  });

  it("drop the next, some types, or all, until they are released or sent again, even after a restart", async () => {
    listen();
    webhooks.turn({ drop: 2 });
    await pay();
    await webhooks.idle();
    assert.deepEqual([receiver.types(), webhooks.counts().dropped], [["payment_intent.succeeded"], 2]);
    webhooks.turn({ drop: ["charge.succeeded"] });
    await pay();
    await webhooks.idle();
    assert.equal(webhooks.counts().dropped, 3);
    webhooks.turn({ drop: "all" });
    await pay();
    await bench.gateway.advance(HOUR_MS);
    await restart();
    await bench.gateway.advance(HOUR_MS);
    await webhooks.idle();
    assert.deepEqual([receiver.received.length, webhooks.counts().dropped], [3, 6]);
    const dropped = bench.gateway.events().find((event) => webhooks.pendingOf(event.id) === 1);
    await webhooks.resend(dropped?.id ?? "");
    await webhooks.idle();
    assert.deepEqual([receiver.received.at(-1)?.id, webhooks.counts().dropped], [dropped?.id, 5]);
    webhooks.release();
    await webhooks.idle();
    assert.equal(new Set(receiver.received.map(({ id }) => id)).size, 9);
  });

  it("send copies", async () => {
    listen();
    webhooks.turn({ duplicates: 4 });
    await pay();
    await webhooks.idle();
    assert.deepEqual([receiver.received.length, new Set(receiver.received.map(({ body }) => body)).size], [15, 3]);
  });

  it("delay and reorder", async () => {
    await webhooks.close();
    const turns = [0.9, 0.5, 0.1];
    webhooks = open({ random: () => turns.shift() ?? 0 });
    listen();
    webhooks.turn({ delayMs: 20, reorderMs: 200 });
    const started = performance.now();
    await pay();
    await webhooks.idle();
    assert.deepEqual(receiver.types(), ["payment_intent.succeeded", "charge.succeeded", "payment_intent.created"]);
    assert.ok(performance.now() - started > 190);
  });

  it("refuse what cannot be", () => {
    for (const knobs of [{ delayMs: -1 }, { duplicates: 101 }, { reorderMs: 0.5 }, { drop: -1 }]) {
      assert.throws(() => webhooks.turn(knobs), RangeError);
    }
    assert.equal(webhooks.knobs.delayMs, 0);
  });
});

/** For a state that no event tells of; bounded. */
async function waitFor(reached: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !reached(); turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok(reached());
}
