// Thousands of messages that nobody meant: each with a reply inbox is answered, none is a fault of the service, nothing is written, and memory stays.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { NatsWorld } from "./open-door.ts";

const world = await NatsWorld.open();
after(() => world.close());
await world.openDoor();

const SUBJECTS = [
  "create.payment.session",
  "complete.payment",
  "process.refund.by.order",
  "cancel.payment",
  "get.payment.status",
  "capture.payment",
];
const MESSAGES = 2_500;
const AT_ONCE = 200;
const HEAP_GROWTH_MAX = 32 * 1_024 * 1_024;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What is in use, without what is only waiting to be collected. */
async function measureHeap(): Promise<number> {
  // Twice, since what the first round finds may hold on to buffers until the next turn.
  for (let round = 1; round <= 2; round += 1) {
    collectGarbage();
    await new Promise(setImmediate);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** A value for a field, seldom a good one. */
const anyValue = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom("", "usd", "JPY", -1, 0, 1e21, 0.1, "payment_", "\ud800", "\u0000"),
);
const payload = fc.record(
  {
    paymentId: anyValue,
    currency: anyValue,
    amount: anyValue,
    items: fc.oneof(fc.array(fc.record({ name: anyValue, price: anyValue, quantity: anyValue })), anyValue),
    metadata: anyValue,
    reason: anyValue,
    requestId: anyValue,
    customerEmail: anyValue,
    successUrl: fc.oneof(fc.webUrl(), anyValue),
  },
  { requiredKeys: [] },
);
/** Nothing can be created without an order. */
const payloadFor = (subject: string): fc.Arbitrary<object> =>
  subject === "create.payment.session"
    ? payload
    : fc
        .tuple(payload, fc.constantFrom({}, { orderId: "nobody's" }))
        .map(([fields, order]) => ({ ...fields, ...order }));
const packet = (subject: string) =>
  fc.record(
    { pattern: fc.oneof(fc.constant(subject), anyValue), data: fc.oneof(payloadFor(subject), anyValue), id: anyValue },
    { requiredKeys: [] },
  );
const asText = (arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  arbitrary.map((value) => JSON.stringify(value) ?? "");
const nested = fc.integer({ min: 1, max: 30_000 }).map((depth) => `${"[".repeat(depth)}${"]".repeat(depth)}`);
const cut = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(texts, fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([text, part]) => text.slice(0, Math.floor(text.length * part)));

const message = fc.constantFrom(...SUBJECTS).chain((subject) => {
  const texts = fc.oneof(
    asText(payloadFor(subject)),
    fc.constant('{"orderId":"nobody\'s"}'),
    asText(packet(subject)),
    asText(fc.jsonValue()),
    fc.string(),
    nested,
  );
  const bytes: fc.Arbitrary<string | Uint8Array> = fc.oneof(
    { arbitrary: texts, weight: 8 },
    { arbitrary: cut(texts), weight: 4 },
    { arbitrary: fc.uint8Array({ maxLength: 300 }), weight: 3 },
    {
      arbitrary: fc.integer({ min: 65_000, max: 400_000 }).map((length) => `{"orderId":"${"x".repeat(length)}"}`),
      weight: 1,
    },
  );
  return fc.record({ subject: fc.constant(subject), bytes });
});

test("whatever is sent is answered, harms nothing and leaves nothing behind", async () => {
  const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000);
  const faults: unknown[] = [];
  const reasons = new Map<unknown, number>();
  const before = await measureHeap();
  for (let start = 0; start < MESSAGES; start += AT_ONCE) {
    // Made anew for each batch, so that nothing but the door could keep them.
    const batch = fc.sample(message, { numRuns: AT_ONCE, seed: seed + start });
    const answers = await Promise.all(batch.map(({ subject, bytes }) => world.ask(subject, bytes)));
    for (const answer of answers) {
      const error = (answer["error"] ?? answer["err"]) as { reason?: string } | undefined;
      reasons.set(error?.reason, (reasons.get(error?.reason) ?? 0) + 1);
      if (error?.reason === undefined || error.reason === "INTERNAL") faults.push(answer);
    }
    for (const { subject, bytes } of batch) world.connection.publish(subject, bytes);
  }
  await world.ask("get.payment.status", { orderId: "the last one" });
  assert.deepEqual(faults.slice(0, 3), [], `seed ${seed}: ${faults.length} of ${MESSAGES}`);
  assert.ok(reasons.size > 1, `seed ${seed}: only ${[...reasons.keys()].join(", ")}`);
  assert.equal(await world.count("payment"), 0);
  assert.deepEqual(
    world.log.lines.filter(({ level }) => Number(level) >= 50),
    [],
    `seed ${seed}`,
  );
  world.log.lines.length = 0;
  const grown = (await measureHeap()) - before;
  assert.ok(grown < HEAP_GROWTH_MAX, `seed ${seed}: the heap grew by ${grown} bytes`);
});
