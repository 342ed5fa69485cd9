import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { openPorts } from "./ports.ts";

const BUF = join(import.meta.dirname, "../../node_modules/.bin/buf");
const SERVICE = "payment.v1.PaymentService";

async function buf(...args: string[]): Promise<{ stdout: string; stderr: string; failed: boolean }> {
  try {
    return {
      ...(await promisify(execFile)(BUF, ["curl", "--http2-prior-knowledge", "--protocol", "grpc", ...args])),
      failed: false,
    };
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return { stdout, stderr, failed: true };
  }
}

test("buf curl learns the contract from either port, lists the calls and makes one", async (t) => {
  const ports = await openPorts(t);
  for (const { port } of [ports.grpc, ports.http]) {
    const url = `http://localhost:${port}`;
    const { stdout: services } = await buf("--list-services", url);
    assert.deepEqual(services.trim().split("\n").toSorted(), ["grpc.health.v1.Health", SERVICE]);
    const { stdout: methods } = await buf("--list-methods", url);
    assert.ok(methods.includes(`${SERVICE}/RefundPayment`), methods);
    const data = JSON.stringify({ orderId: "order-1", amount: { minor: "1999", currency: "EUR" } });
    const { stdout } = await buf("--data", data, `${url}/${SERVICE}/CreatePayment`);
    assert.deepEqual(JSON.parse(stdout), {
      payment: { orderId: "order-1", amount: { minor: "1999", currency: "EUR" } },
    });
  }
});

test("buf curl shows the details of a refusal from either port", async (t) => {
  const ports = await openPorts(t);
  for (const { port } of [ports.grpc, ports.http]) {
    const { stderr, failed } = await buf(
      "--protocol",
      "grpc",
      "--data",
      "{}",
      `http://localhost:${port}/${SERVICE}/CreatePayment`,
    );
    assert.ok(failed);
    assert.match(stderr, /"code": "invalid_argument"/);
    assert.equal(stderr.match(/google\.rpc\.ErrorInfo/g)?.length, 1);
    assert.equal(stderr.match(/google\.rpc\.BadRequest/g)?.length, 1);
  }
});

test("without reflection the contract is not told", async (t) => {
  const ports = await openPorts(t, { reflection: false });
  for (const { port } of [ports.grpc, ports.http]) {
    const { failed, stderr } = await buf("--list-services", `http://localhost:${port}`);
    assert.ok(failed);
    assert.match(stderr, /unimplemented/);
  }
});
