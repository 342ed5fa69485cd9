import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { batched } from "../../src/db/batch.ts";

interface Input {
  readonly key: string;
  readonly bad?: boolean;
}

/** PostgreSQL's error for a row that violates a unique constraint. */
function rowError(): Error {
  return Object.assign(new Error("duplicate key"), { code: "23505", severity: "ERROR" });
}

function recorder(fail: (set: readonly Input[]) => Error | undefined = () => undefined) {
  const sets: string[][] = [];
  const call = batched<Input, string>(
    async (set) => {
      sets.push(set.map((input) => input.key));
      const error = fail(set);
      if (error) throw error;
      return set.map((input) => `did ${input.key}`);
    },
    { keysOf: (input) => [input.key], sizeMax: 3, concurrencyMax: 1 },
  );
  return { sets, call };
}

describe("calls that come together", () => {
  it("go out in one set, up to its size, and each gets its own answer", async () => {
    const { sets, call } = recorder();
    const answers = await Promise.all(["a", "b", "c", "d"].map((key) => call({ key })));
    assert.deepEqual(answers, ["did a", "did b", "did c", "did d"]);
    assert.deepEqual(sets, [["a", "b", "c"], ["d"]]);
  });

  it("and change the same payment follow each other, in their order", async () => {
    const { sets, call } = recorder();
    await Promise.all(["a", "a", "b", "a"].map((key) => call({ key })));
    assert.deepEqual(sets, [["a", "b"], ["a"], ["a"]]);
  });

  it("do not fail because of a neighbour's bad row", async () => {
    const { call } = recorder((set) => (set.some((input) => input.bad) ? rowError() : undefined));
    const results = await Promise.allSettled([call({ key: "a" }), call({ key: "b", bad: true }), call({ key: "c" })]);
    assert.deepEqual(
      results.map((result) => result.status),
      ["fulfilled", "rejected", "fulfilled"],
    );
  });

  it("all hear that the connection broke, and nothing is run again, since it may have been written", async () => {
    const { sets, call } = recorder(() => new Error("connection terminated"));
    const results = await Promise.allSettled([call({ key: "a" }), call({ key: "b" })]);
    assert.deepEqual(
      results.map((result) => result.status),
      ["rejected", "rejected"],
    );
    assert.deepEqual(sets, [["a", "b"]]);
  });
});
