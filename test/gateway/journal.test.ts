import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { appendFile, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Gateway, LOST } from "../../src/gateway/gateway.ts";
import { readJournal } from "../support/gateway-journal.ts";
import { errorOf, GatewayBench, HOUR_MS, intent, refund, session } from "./open-gateway.ts";

describe("the gateway's journal", () => {
  let bench: GatewayBench;
  beforeEach(async () => {
    bench = await GatewayBench.make();
  });
  afterEach(() => bench.dispose());

  it("holds an effect before the answer is given", async () => {
    const life = await bench.life(intent({ amount: 9_007_199_254_740_993n }), "key-1");
    const { lines } = await readJournal(bench.journalPath);
    assert.equal(lines.length, 1);
    assert.deepEqual(
      { ...lines[0], life: null, fingerprint: null },
      {
        at: "2026-03-01T10:00:00.500Z",
        effect: "charge",
        intent: life.intent.id,
        charge: life.intent.latest_charge,
        amount: "9007199254740993",
        currency: "eur",
        metadata: { order_id: "order-1" },
        key: "key-1",
        fingerprint: null,
        answer: life.intent.id,
        error: null,
        before: null,
        due: null,
        life: null,
      },
    );
  });

  it("is replayed at start: state, keys and events are as before", async () => {
    const metadata = { life: '{"life":{', order_id: ',"life":{}' };
    const held = await bench.life(intent({ capture_method: "manual", amount: 2n ** 60n + 1n, metadata }), "create");
    await bench.life({ operation: "capture_intent", id: held.intent.id, amount_to_capture: 2n ** 60n }, "capture");
    const before = await bench.life(refund(held.intent.id, 7n), "refund");
    const events = bench.gateway.events();
    await bench.restart();
    assert.deepEqual(await bench.look(held.intent.id), before);
    assert.deepEqual(bench.gateway.events(), events);
    const replayed = await bench.call(refund(held.intent.id, 7n), "refund");
    assert.deepEqual(replayed, { ok: true, id: before.refunds[0]?.id, life: before, replayed: true });
    assert.equal((await readJournal(bench.journalPath)).lines.length, 3);
  });

  it("drops a last line that was cut off at any byte, and goes on behind the line before", async () => {
    const first = await bench.life(intent(), "first");
    const whole = (await stat(bench.journalPath)).size;
    const second = await bench.life(intent(), "second");
    await bench.gateway.close();
    const text = await readFile(bench.journalPath);
    for (const cut of [whole, whole + 1, whole + 500, text.length - 1]) {
      await bench.gateway.close();
      await writeFile(bench.journalPath, text.subarray(0, cut));
      await bench.restart();
      assert.deepEqual(await bench.look(first.intent.id), first);
      assert.equal(
        errorOf(await bench.gateway.retrieve(second.intent.id, new AbortController().signal)).code,
        "resource_missing",
      );
      assert.equal((await stat(bench.journalPath)).size, whole);
      await bench.life(intent(), "second");
      assert.equal((await readJournal(bench.journalPath)).lines.length, 2);
    }
  });

  it("holds everything that was answered before the process was killed", async () => {
    await bench.gateway.close();
    const script = fileURLToPath(import.meta.resolve("./pay-until-killed.ts"));
    const child = spawn(process.execPath, [script, bench.journalPath], { stdio: ["ignore", "pipe", "inherit"] });
    let printed = "";
    for await (const chunk of child.stdout) {
      printed += String(chunk);
      if (printed.length > 20_000) child.kill("SIGKILL");
    }
    const keys = printed.slice(0, printed.lastIndexOf("\n")).split("\n");
    await bench.restart();
    bench.time = Date.now();
    for (const key of keys) {
      const answer = await bench.call(intent(), key);
      assert.equal(answer !== LOST && answer.ok && answer.replayed, true, key);
    }
  });

  it("refuses to start from a file that is damaged in the middle, and says where", async () => {
    await bench.life(intent(), "first");
    await bench.gateway.close();
    const size = (await stat(bench.journalPath)).size;
    await appendFile(bench.journalPath, "not json\n");
    const open = () => new Gateway({ journalPath: bench.journalPath, now: () => new Date() });
    assert.throws(open, new RegExp(`damaged at byte ${size}`));
    await truncate(bench.journalPath, size);
  });

  it("keeps a declined attempt, a refusal by state and the clock's expiry, each as a line", async () => {
    await bench.life(intent({ payment_method: null }), "open");
    const declined = await bench.call(intent({ payment_method: "pm_card_chargeDeclined" }), "decline");
    assert.equal(errorOf(declined).status, 402);
    const open = await bench.life(session({ expires_at: Math.floor(bench.time / 1000) + 1800 }), "session");
    assert.equal(errorOf(await bench.call(refund(open.intent.id, 1n), "refund")).status, 400);
    bench.advance(1_801_000);
    assert.equal((await bench.look(open.session?.id ?? "")).session?.status, "expired");
    const { lines } = await readJournal(bench.journalPath);
    assert.deepEqual(
      lines.map(({ effect, key }) => [effect, key]),
      [
        ["open", "open"],
        ["decline", "decline"],
        ["open", "session"],
        ["refusal", "refund"],
        ["expire", null],
      ],
    );
  });

  it("that cannot be written ends all answers, and holds exactly what was answered", async () => {
    const script = fileURLToPath(import.meta.resolve("./fill-journal.ts"));
    const command = `ulimit -f 8; exec "${process.execPath}" "${script}" "${join(bench.folder, "full.jsonl")}"`;
    const { stdout } = await promisify(execFile)("sh", ["-c", command]);
    const { answers, repeated, asked } = JSON.parse(stdout) as { answers: string[]; repeated: string; asked: string };
    const answered = answers.filter((answer) => answer === "yes").length;
    assert.ok(answered > 0 && answered < answers.length);
    assert.deepEqual([answers.lastIndexOf("yes"), repeated, asked], [answered - 1, "no", "no"]);
    assert.equal((await readJournal(join(bench.folder, "full.jsonl"))).lines.length, answered);
  });

  it("reads lives again that are no longer held in memory", async () => {
    const first = await bench.life(intent({ capture_method: "manual" }), "first");
    await Promise.all(Array.from({ length: 2100 }, (_, index) => bench.life(intent(), `key-${index}`)));
    assert.deepEqual(await bench.look(first.intent.id), first);
    const captured = await bench.life(
      { operation: "capture_intent", id: first.intent.id, amount_to_capture: 400n },
      "c",
    );
    assert.equal(captured.intent.amount_received, 400n);
  });

  it("is summed by order for an audit", async () => {
    const paid = await bench.life(intent({ payment_method: "pm_card_refundFail" }));
    const refunded = await bench.life(refund(paid.intent.id, 300n));
    await bench.life(refund(paid.intent.id, 200n));
    await bench.life({ operation: "settle_refund", id: refunded.refunds[0]?.id ?? "" });
    await bench.life(intent({ payment_method: null, metadata: { order_id: "order-2" } }));
    const { orders } = await readJournal(bench.journalPath);
    assert.deepEqual(Object.fromEntries(orders), {
      "order-1": { charges: 1, capturedMinor: 1000n, refunds: 2, refundedMinor: 200n, currency: "EUR" },
    });
  });
});

describe("idempotency keys", () => {
  let bench: GatewayBench;
  beforeEach(async () => {
    bench = await GatewayBench.make();
  });
  afterEach(() => bench.dispose());

  it("give the first answer again, errors included, and do nothing more", async () => {
    const declined = await bench.call(intent({ payment_method: "pm_card_chargeDeclined" }), "declined");
    const again = await bench.call(intent({ payment_method: "pm_card_chargeDeclined" }), "declined");
    assert.deepEqual(again, { ...(declined as object), replayed: true });
    const life = await bench.life(intent({ payment_method: null }), "open");
    const refused = await bench.call(refund(life.intent.id, 1n), "refund");
    await bench.life({ operation: "confirm_intent", id: life.intent.id, payment_method: "pm_card_visa" }, "confirm");
    assert.deepEqual(await bench.call(refund(life.intent.id, 1n), "refund"), {
      ...(refused as object),
      replayed: true,
    });
    assert.equal((await readJournal(bench.journalPath)).lines.length, 4);
  });

  it("give the first answer again as it was, whatever happened since", async () => {
    const first = await bench.life(intent({ capture_method: "manual" }), "create");
    await bench.life({ operation: "cancel_intent", id: first.intent.id, cancellation_reason: "duplicate" }, "cancel");
    assert.deepEqual(await bench.life(intent({ capture_method: "manual" }), "create"), first);
  });

  it("refuse other parameters, and the order of parameters is no difference", async () => {
    const metadata = { order_id: "order-1", payment_id: "p" };
    await bench.life(intent({ metadata }), "key");
    assert.equal(errorOf(await bench.call(intent({ metadata, amount: 1001n }), "key")).type, "idempotency_error");
    assert.equal(errorOf(await bench.call(session(), "key")).status, 400);
    const reordered = await bench.call(intent({ metadata: { payment_id: "p", order_id: "order-1" } }), "key");
    assert.equal(reordered !== LOST && reordered.ok && reordered.replayed, true);
  });

  it("refuse a second request while the first is under way", async () => {
    const twins = await Promise.all(Array.from({ length: 20 }, () => bench.call(intent(), "key")));
    const [first, ...others] = twins;
    assert.equal(first !== LOST && first?.ok, true);
    assert.deepEqual(new Set(others.map((other) => errorOf(other).code)), new Set(["idempotency_key_in_use"]));
    assert.equal((await readJournal(bench.journalPath)).lines.length, 1);
    const again = await bench.call(intent(), "key");
    assert.deepEqual(again, { ...(first as object), replayed: true });
  });

  it("are not taken by a request that makes no sense", async () => {
    assert.equal(errorOf(await bench.call(intent({ payment_method: "pm_card_none" }), "key")).code, "resource_missing");
    assert.equal(errorOf(await bench.call(intent({ amount: 0n }), "key")).status, 400);
    assert.equal(errorOf(await bench.call(refund("pi_none", 1n), "key")).status, 404);
    assert.equal(errorOf(await bench.call(intent({ metadata: { gateway_fault: "nonsense" } }), "key")).status, 400);
    await bench.life(intent(), "key");
  });

  it("are kept for a day of the gateway's clock, through a restart, and forgotten after it", async () => {
    const first = await bench.life(intent(), "key");
    bench.advance(24 * HOUR_MS - 1);
    assert.deepEqual(await bench.life(intent(), "key"), first);
    await bench.restart();
    assert.deepEqual(await bench.life(intent(), "key"), first);
    bench.advance(HOUR_MS);
    assert.notEqual((await bench.life(intent(), "key")).intent.id, first.intent.id);
    await bench.restart();
    assert.notEqual((await bench.life(intent(), "key")).intent.id, first.intent.id);
  });
});
