// The storefront's three probes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openStorefront } from "./open-storefront.ts";

test("the three probes tell of the parts, and fail with a required one", async (t) => {
  let isAway = false;
  const check = async (): Promise<void> => {
    if (isAway) throw new Error("away");
  };
  const probed = await openStorefront(t, { people: true, checks: [{ name: "database", required: true, check }] });
  const healthy = await probed.get("health/");
  assert.equal(healthy.status, 200);
  assert.equal(healthy.body.status, "healthy");
  assert.equal(healthy.body.version, "1.2.3");
  assert.equal(healthy.body.stripe_mode, "sandbox");
  assert.equal(healthy.body.checks.database.status, "ok");
  assert.equal((await probed.get("health")).status, 200);
  assert.deepEqual((await probed.get("health/live")).body, { status: "alive" });
  assert.equal((await probed.get("health/ready")).body.status, "ready");
  isAway = true;
  const unhealthy = await probed.get("health/");
  assert.equal(unhealthy.status, 503);
  assert.equal(unhealthy.body.status, "unhealthy");
  const notReady = await probed.get("health/ready");
  assert.equal(notReady.status, 503);
  assert.equal(notReady.body.status, "not_ready");
  assert.equal((await probed.get("health/live")).status, 200);
});
