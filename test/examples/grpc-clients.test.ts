// The clients that speak gRPC, against the service as it is run.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ServiceProcess } from "../support/service-process.ts";
import { providePython, PYTHON } from "./provide-python.ts";
import { Example, readStory } from "./run-example.ts";

let service: ServiceProcess;
before(async () => {
  service = await ServiceProcess.start();
});
after(() => service.remove());

/** What both tell: the step, the status, what was given back, and why it failed. */
const STORY = [
  ["created", "PAYMENT_STATUS_PENDING", 0, null],
  ["completed", "PAYMENT_STATUS_SUCCEEDED", 0, null],
  ["completed, asked again", "PAYMENT_STATUS_SUCCEEDED", 0, null],
  ["refunded", "PAYMENT_STATUS_PARTIALLY_REFUNDED", 500, null],
  ["declined", "PAYMENT_STATUS_FAILED", 0, "CARD_DECLINED"],
];

function tell(lines: readonly string[]) {
  return readStory(lines).map(({ step, status, refunded, failure }) => [step, status, Number(refunded), failure]);
}

test("the client in JavaScript, of grpc-js and the .proto files", async () => {
  const address = `localhost:${service.grpc.port}`;
  const example = new Example(process.execPath, ["examples/clients/grpc-js/main.ts", address]);
  assert.equal(await example.end(), 0, example.complaint);
  assert.deepEqual(tell(example.lines), STORY);
});

test("the client in Python, of stubs that protoc makes", async (t) => {
  providePython();
  const stubs = mkdtempSync(join(tmpdir(), "payment-stubs-"));
  t.after(() => rmSync(stubs, { recursive: true }));
  const generate = new Example("sh", ["examples/clients/python/generate.sh", stubs]);
  assert.equal(await generate.end(), 0, generate.complaint);
  const example = new Example(PYTHON, ["examples/clients/python/payments.py", `localhost:${service.grpc.port}`], {
    PYTHONPATH: stubs,
  });
  assert.equal(await example.end(), 0, example.complaint);
  assert.deepEqual(tell(example.lines.slice(0, -1)), STORY);
  assert.deepEqual(readStory(example.lines.slice(-1)), [
    { step: "refused", code: "FAILED_PRECONDITION", reason: "REFUND_EXCEEDS_CAPTURED", outcome: "NOT_ATTEMPTED" },
  ]);
});
