// The circuit breaker: nothing is sent while Stripe seems to be away, and nobody else's fault is taken for that.
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { RascalBench, refundCall } from "./open-rascal.ts";
import { json, silence, status } from "./rascal.ts";
import { foreign, NOW } from "./stripe-objects.ts";

describe("the Stripe provider", () => {
  let bench: RascalBench;
  beforeEach(async () => {
    bench = await RascalBench.open();
  });
  afterEach(() => bench.close());

  it("sends nothing while Stripe seems to be away, tries once after a while, and goes on when it is back", async () => {
    mock.timers.enable({ apis: ["Date"], now: NOW });
    let backs = 0;
    const onBack = (): void => void (backs += 1);
    const provider = bench.provide({ onBack, limits: { attemptsMax: 1, failuresMax: 2, openMs: 10_000 } });
    bench.rascal.behave(status(503));
    assert.deepEqual(await bench.outcomeOf(provider), ["unknown", 1]);
    assert.deepEqual(await bench.outcomeOf(provider), ["unknown", 1]);
    assert.deepEqual(await bench.outcomeOf(provider), ["unavailable", 0]);
    mock.timers.tick(9_999);
    assert.deepEqual(await bench.outcomeOf(provider), ["unavailable", 0]);
    mock.timers.tick(1);
    assert.deepEqual(await bench.outcomeOf(provider), ["unknown", 1]);
    assert.deepEqual(await bench.outcomeOf(provider), ["unavailable", 0]);
    mock.timers.tick(10_000);
    const held = Promise.withResolvers<ServerResponse>();
    bench.rascal.behave((response) => held.resolve(response));
    const trying = bench.outcomeOf(provider);
    const response = await held.promise;
    assert.equal((await provider.refund(refundCall())).outcome, "unavailable");
    assert.equal(backs, 0);
    response.writeHead(200).end(JSON.stringify(foreign.refund));
    assert.deepEqual(await trying, ["done", 1]);
    assert.equal(backs, 1);
    bench.rascal.behave(json(foreign.refund));
    assert.deepEqual(await bench.outcomeOf(provider), ["done", 1]);
    mock.timers.reset();
    const away = "stripe is away: calls to it are held back";
    assert.deepEqual(
      bench.logged.map((line) => line.split(" {")[0]),
      [away, away, "stripe is back"],
    );
  });

  it("takes a no, a decline and a full house for signs of life", async () => {
    const provider = bench.provide({ limits: { attemptsMax: 1, failuresMax: 1 } });
    bench.rascal.behave(status(429));
    assert.deepEqual(await bench.outcomeOf(provider), ["unavailable", 1]);
    bench.rascal.behave(status(401));
    assert.deepEqual(await bench.outcomeOf(provider), ["unavailable", 1]);
    const leaving = new AbortController();
    bench.rascal.behave(silence);
    const waiting = bench.outcomeOf(provider, { ...refundCall(), signal: leaving.signal });
    await bench.rascal.nextRequest();
    leaving.abort();
    assert.deepEqual(await waiting, ["unknown", 1]);
    bench.rascal.behave(json(foreign.refund));
    assert.deepEqual(await bench.outcomeOf(provider), ["done", 1]);
  });

  it("counts a caller whose time ran out as Stripe's slowness", async () => {
    const provider = bench.provide({ limits: { attemptsMax: 1, failuresMax: 1 } });
    bench.rascal.behave(silence);
    assert.deepEqual(await bench.outcomeOf(provider, { ...refundCall(), signal: AbortSignal.timeout(30) }), [
      "unknown",
      1,
    ]);
    assert.deepEqual(await bench.outcomeOf(provider), ["unavailable", 0]);
  });

  it("is not asked for a caller who left before, and is not blamed for it", async () => {
    const provider = bench.provide({ limits: { attemptsMax: 1, failuresMax: 1 } });
    const tooLate = AbortSignal.abort(new DOMException("", "TimeoutError"));
    assert.deepEqual(await bench.outcomeOf(provider, { ...refundCall(), signal: tooLate }), ["unavailable", 0]);
    bench.rascal.behave(json(foreign.refund));
    assert.deepEqual(await bench.outcomeOf(provider), ["done", 1]);
  });
});
