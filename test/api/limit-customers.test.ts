import assert from "node:assert/strict";
import { it, mock, type TestContext } from "node:test";
import { limitCustomers } from "../../src/api/limit-customers.ts";
import type { Identity, Role } from "../../src/app/access.ts";
import { accept, type Refusal, refuse, type Result } from "../../src/domain/error.ts";

function identity(role: Role, name: string): Identity {
  const customerId = role === "customer" ? name : null;
  return { role, principal: `${role}:${name}`, customerId, clientToken: role === "holder" ? name : null };
}

/** Who presents `customer ada` is the customer Ada, found out at once; who presents `later customer ada` is as well, a moment later. */
function authenticate(presented: string | null): Result<Identity> | Promise<Result<Identity>> {
  const words = (presented ?? "").split(" ");
  const [role, name] = words.slice(-2) as [Role, string];
  if (role === undefined || name === undefined) return refuse("UNAUTHENTICATED", "who calls?");
  const found = accept(identity(role, name));
  return words[0] === "later" ? Promise.resolve(found) : found;
}

/** At most five in a minute, and three in ten seconds. */
function open(t: TestContext) {
  mock.timers.enable({ apis: ["Date", "setTimeout"] });
  t.after(() => mock.timers.reset());
  const limited = limitCustomers(authenticate, { perMinute: 5, burstPer10s: 3 });
  /** What is said of so many calls, in short. */
  async function call(presented: string, times = 1): Promise<string[]> {
    const said: string[] = [];
    for (let n = 0; n < times; n += 1) {
      const found = await limited(presented);
      said.push(found.ok ? "ok" : found.error.reason);
    }
    return said;
  }

  async function refusal(presented: string): Promise<Refusal> {
    const found = await limited(presented);
    return found.ok ? assert.fail("it was served") : found.error;
  }

  return { call, refusal, limited };
}

it("a customer is served as often as a burst allows, and again once its time is over", async (t) => {
  const { call } = open(t);
  assert.deepEqual(await call("customer ada", 3), ["ok", "ok", "ok"]);
  mock.timers.tick(9_999);
  assert.deepEqual(await call("customer ada"), ["RATE_LIMITED"]);
  mock.timers.tick(2);
  assert.deepEqual(await call("customer ada"), ["ok"]);
});

it("the minute counts beside the burst, refused calls as well", async (t) => {
  const { call } = open(t);
  assert.deepEqual(await call("customer ada", 3), ["ok", "ok", "ok"]);
  mock.timers.tick(10_001);
  assert.deepEqual(await call("customer ada", 3), ["ok", "ok", "RATE_LIMITED"]);
  mock.timers.tick(50_000);
  assert.deepEqual(await call("customer ada"), ["ok"]);
});

it("the refusal says how many are served in how long, and when to come again", async (t) => {
  const { call, refusal } = open(t);
  await call("customer ada", 3);
  mock.timers.tick(4_000);
  const burst = await refusal("customer ada");
  assert.deepEqual(
    [burst.reason, burst.outcome, burst.retryAfterMs, burst.metadata],
    ["RATE_LIMITED", "NOT_ATTEMPTED", 6_000, { limit: "3", windowSeconds: "10", retryAfterSeconds: "6" }],
  );
  assert.equal(burst.message, "Too many requests: 3 in 10 seconds are served; retry in 6 seconds.");
  // Five in the minute now: the sixth has to wait for the longer of the two.
  await call("customer ada");
  const minute = await refusal("customer ada");
  assert.deepEqual([minute.retryAfterMs, minute.metadata["windowSeconds"]], [56_000, "60"]);
});

it("customers are counted apart, however they present themselves", async (t) => {
  const { call } = open(t);
  assert.deepEqual(await call("customer ada", 3), ["ok", "ok", "ok"]);
  assert.deepEqual(await call("later customer ada"), ["RATE_LIMITED"]);
  assert.deepEqual(await call("with another token customer ada"), ["RATE_LIMITED"]);
  assert.deepEqual(await call("customer grace"), ["ok"]);
});

it("nobody else is counted, and whoever is not known is told that", async (t) => {
  const { call, limited } = open(t);
  for (const other of ["service shop", "admin ada", "holder token"])
    assert.deepEqual(new Set(await call(other, 10)), new Set(["ok"]));
  assert.deepEqual(new Set(await call("", 10)), new Set(["UNAUTHENTICATED"]));
  assert.ok(!(limited("service shop") instanceof Promise), "a service waits for nothing");
});
