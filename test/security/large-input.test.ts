// The threat "large or slow input", the large half: floods of frames, streams, headers and bytes to both ports of the running service. A normal call goes on being
// answered meanwhile, and memory stays bounded. Bounds of single messages are in test/api/bad-input.test.ts and test/api/rest/framework.test.ts.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { callByHand, frame } from "../support/grpc-by-hand.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { callFields, FLAG, FRAME, printFields, printFrame, RawSession, resetOf } from "./raw-http2.ts";

const STATUS = "/payment.v1.PaymentService/GetPaymentStatus";
const CALL_TIMEOUT_MS = 10_000;
const STREAMS = 200_000;
const BATCH = 500;
const GROWTH_BYTES_MAX = 200 * 1024 * 1024;
const SILENT_CONNECTIONS = 500;
/** What somebody sends who never stops. */
const ENDLESS_BYTES = 64 * 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, " ");
const options = { timeout: 110_000 };

const service = await ServiceProcess.start();
after(() => service.remove());

const PORTS = { "the gRPC port": service.grpc.port, "the HTTP port": service.http.port } as const;

function residentBytes(): number {
  const status = readFileSync(`/proc/${service.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** A call as everybody makes it, at both ports: answered, whatever else goes on. */
async function callNormally(): Promise<void> {
  const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
  const url = `http://127.0.0.1:${service.http.port}/payment.v1.PaymentService/ListPayments`;
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
    signal,
  });
  assert.equal(answer.status, 200);
  await answer.text();
  const { status } = await callByHand(
    service.grpc.port,
    "/payment.v1.PaymentService/ListPayments",
    frame(Buffer.alloc(0)),
  );
  assert.equal(status, 0);
}

/** Runs an attack, makes calls beside it and after it, and gives how much the service has grown. */
async function under<T>(attack: Promise<T>): Promise<T> {
  const before = residentBytes();
  let isOver = false;
  const ended = attack.finally(() => {
    isOver = true;
  });
  do await callNormally();
  while (!isOver);
  const result = await ended;
  await callNormally();
  const growth = residentBytes() - before;
  assert.ok(growth < GROWTH_BYTES_MAX, `grown by ${growth} bytes`);
  return result;
}

function headersOf(stream: number, fields: Readonly<Record<string, string>>, flags: number = FLAG.endHeaders): Buffer {
  return printFrame({ type: FRAME.headers, flags, stream, payload: printFields(fields) });
}

/** Sends batches until the service closes the connection, or there have been too many. */
async function flood(port: number, head: Buffer, batch: (n: number) => Buffer): Promise<number> {
  const session = await RawSession.open(port);
  session.write(head);
  let sent = 0;
  while (sent < STREAMS / BATCH && (await session.send(batch(sent)))) sent += 1;
  if (sent < STREAMS / BATCH) await session.closed();
  session.destroy();
  return sent;
}

function times(make: (n: number) => Buffer): (batch: number) => Buffer {
  return (batch) => Buffer.concat(Array.from({ length: BATCH }, (_, n) => make(batch * BATCH + n)));
}

const NOTHING = Buffer.alloc(0);
const FIELDS = callFields(STATUS);
const MANY_FIELDS = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`x-${n}`, "a".repeat(100)]));

const FLOODS: Readonly<Record<string, readonly [head: Buffer, batch: (n: number) => Buffer]>> = {
  "streams that are opened and reset at once (CVE-2023-44487)": [
    NOTHING,
    times((n) => Buffer.concat([headersOf(2 * n + 1, FIELDS), resetOf(2 * n + 1)])),
  ],
  "streams beyond the number that may be open": [NOTHING, times((n) => headersOf(2 * n + 1, FIELDS))],
  "headers that go on for ever": [
    headersOf(1, FIELDS, FLAG.none),
    times(() => printFrame({ type: FRAME.continuation, stream: 1, payload: printFields(MANY_FIELDS) })),
  ],
  "headers that go on for ever with nothing in them": [
    headersOf(1, FIELDS, FLAG.none),
    times(() => printFrame({ type: FRAME.continuation, stream: 1 })),
  ],
  pings: [NOTHING, times(() => printFrame({ type: FRAME.ping, payload: Buffer.alloc(8) }))],
  settings: [NOTHING, times(() => printFrame({ type: FRAME.settings }))],
  "empty pieces of data": [headersOf(1, FIELDS), times(() => printFrame({ type: FRAME.data, stream: 1 }))],
};
/** What costs the sender as much as us may go on. */
const MAY_GO_ON = new Set(["pings", "settings"]);

/** Pushes bytes for as long as they are taken, up to the end that there is not; gives what was answered. */
async function pushEndlessly(socket: Socket, chunk: Buffer): Promise<string> {
  let answer = "";
  socket.on("data", (bytes) => (answer += bytes.toString("latin1"))).on("error", () => {});
  let pushed = 0;
  while (pushed < ENDLESS_BYTES && !socket.destroyed && answer === "") {
    pushed += chunk.length;
    if (socket.write(chunk)) await new Promise((resolve) => setImmediate(resolve));
    else await Promise.race([once(socket, "drain"), once(socket, "close"), once(socket, "data")]).catch(() => {});
  }
  socket.destroy();
  return answer;
}

async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return socket;
}

describe("large or slow input:", options, () => {
  for (const [door, port] of Object.entries(PORTS)) {
    for (const [what, [head, batch]] of Object.entries(FLOODS)) {
      it(`${what}: ${door} goes on`, options, async () => {
        const sent = await under(flood(port, head, batch));
        assert.ok(MAY_GO_ON.has(what) || sent < STREAMS / BATCH, "the connection was closed");
      });
    }

    it(
      `${SILENT_CONNECTIONS} connections that say nothing, or never come to the end of a call: ${door} goes on`,
      options,
      async () => {
        const begun = Buffer.concat([
          headersOf(1, FIELDS),
          printFrame({ type: FRAME.data, stream: 1, payload: Buffer.from([0]) }),
        ]);
        const open = async (n: number): Promise<() => void> => {
          const isSilent = n % 2 === 0;
          const peer = isSilent ? await openSocket(port) : await RawSession.open(port);
          peer.write(isSilent ? Buffer.from("PRI * H") : begun);
          return () => void peer.destroy();
        };
        const closes = await under(Promise.all(Array.from({ length: SILENT_CONNECTIONS }, (_, n) => open(n))));
        await callNormally();
        for (const close of closes) close();
      },
    );

    it(`bytes that are nothing: ${door} goes on`, options, async () => {
      const garbage = Buffer.from(Array.from({ length: 64 * 1024 }, (_, n) => (n * 7919) % 256));
      await under(openSocket(port).then((socket) => pushEndlessly(socket, garbage)));
    });
  }

  const PATHS = [
    ["POST /v1/payments/session", "application/json"],
    ["POST /v1/payments/webhook", "application/json"],
    ["POST /payments/webhook", "application/json"],
    ["POST /api/v1/payment/refund", "application/json"],
    ["POST /payment.v1.PaymentService/CreatePayment", "application/json"],
    ["POST /payment.v1.PaymentService/CreatePayment", "application/grpc-web+proto"],
    ["POST /nowhere", "text/plain"],
    ["POST /health/live", "text/plain"],
    ["POST /metrics", "text/plain"],
    ["POST /docs", "text/plain"],
  ] as const;
  for (const [target, type] of PATHS) {
    it(
      `a body that never ends, to ${target} as ${type}, is refused before it is read, and none of it is kept`,
      options,
      async () => {
        const head = `${target} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`;
        const answer = await under(
          openSocket(service.http.port).then((socket) => {
            socket.write(head);
            return pushEndlessly(
              socket,
              Buffer.concat([Buffer.from(`${CHUNK.length.toString(16)}\r\n`), CHUNK, Buffer.from("\r\n")]),
            );
          }),
        );
        assert.match(answer, /^HTTP\/1\.1 (200|4\d\d) /);
      },
    );
  }

  it("what is small until it is unpacked is refused", options, async () => {
    const bomb = gzipSync(Buffer.alloc(100_000_000));
    const post = async (path: string, type: string): Promise<number> => {
      const headers = { "content-type": type, "content-encoding": "gzip" };
      const url = `http://127.0.0.1:${service.http.port}${path}`;
      const answer = await fetch(url, { method: "POST", headers, body: bomb });
      await answer.arrayBuffer();
      return answer.status;
    };
    const statuses = await under(
      Promise.all([
        post("/payment.v1.PaymentService/CreatePayment", "application/json"),
        post("/payment.v1.PaymentService/CreatePayment", "application/proto"),
        post("/v1/payments/session", "application/json"),
        post("/v1/payments/webhook", "application/json"),
      ]),
    );
    assert.ok(
      statuses.every((status) => status >= 400 && status < 500),
      statuses.join(),
    );
    for (const port of Object.values(PORTS)) {
      const bombed = await under(callByHand(port, STATUS, frame(bomb, 1), { "grpc-encoding": "gzip" }));
      assert.equal(bombed.reason, "INVALID_ARGUMENT");
    }
  });

  it("headers beyond 16 KiB are refused over HTTP/1.1, those that go on for ever as well", options, async () => {
    const head = "GET /health/live HTTP/1.1\r\nhost: x\r\n";
    const line = `x-more: ${"a".repeat(1_000)}\r\n`;
    const large = await openSocket(service.http.port);
    large.write(head + line.repeat(20));
    assert.match(await text(large), /^HTTP\/1\.1 431 /);
    const endless = await openSocket(service.http.port);
    endless.write(head);
    assert.match(await under(pushEndlessly(endless, Buffer.from(line))), /^HTTP\/1\.1 431 /);
  });
});
