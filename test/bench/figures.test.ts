import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { medianOf, percentilesOf } from "../../bench/statistics.ts";
import { parseLatencies, parseThroughput } from "../../bench/yardstick.ts";

const report = `transaction type: lifecycle.sql
number of clients: 16
number of transactions actually processed: 5208
number of failed transactions: 0 (0.000%)
latency average = 24.5 ms
tps = 651.250000 (without initial connection time)
`;

suite("the figures of the benchmark", () => {
  test("a percentile is the smallest sample that covers its share", () => {
    const oneToHundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.deepEqual(percentilesOf(oneToHundred), { p50: 50, p99: 99 });
    assert.deepEqual(percentilesOf([7]), { p50: 7, p99: 7 });
    assert.deepEqual(percentilesOf([3, 1, 2]), { p50: 2, p99: 3 });
  });

  test("samples are ordered as numbers, not as text", () => {
    assert.deepEqual(percentilesOf([9, 10, 100]), { p50: 10, p99: 100 });
    assert.equal(medianOf([9, 10, 100]), 10);
  });

  test("the median of an even number of rounds lies between the two in the middle", () => {
    assert.equal(medianOf([4, 1, 3, 2]), 2.5);
  });

  test("there is no figure without a sample", () => {
    assert.throws(() => percentilesOf([]), /no samples/);
    assert.throws(() => medianOf([]), /no values/);
  });

  test("pgbench's report tells the throughput", () => {
    assert.equal(parseThroughput(report), 651.25);
  });

  test("a pgbench run with failures is no measurement", () => {
    assert.throws(
      () => parseThroughput(report.replace("transactions: 0 (0.000%)", "transactions: 3 (0.057%)")),
      /had failures/,
    );
    assert.throws(() => parseThroughput("no answer"), /did not measure/);
  });

  test("pgbench's log tells the milliseconds of each run", () => {
    assert.deepEqual(parseLatencies("0 1 24500 0 1700000000 1\n3 2 1250 0 1700000000 2\n"), [24.5, 1.25]);
  });
});
