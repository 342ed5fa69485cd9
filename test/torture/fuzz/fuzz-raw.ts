// Bytes that no client library would send: broken heads of HTTP/1.1, two lengths for one body, chunks that lie, frames of HTTP/2 that make no sense. Whatever they
// are, the port answers or closes the connection.
import { connect } from "node:net";
import { type Answer, type Input, type Material, nextOrder } from "./fuzz-material.ts";
import { randomBytes, spoilBytes } from "./fuzz-mutate.ts";
import type { Random } from "../frame/random.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const FRAMES_MAX = 6;
/** Time to answer before the caller ends its side, so that nobody waits for bytes that do not come. */
const LEAVES_MS = 1_000;
const CLOSED_MAX_MS = 60_000;
const TEXT_MAX = 16_384;

/** Each is the head of a request with a body of `length` bytes, or what somebody takes for one. */
const HEADS: readonly ((length: number) => string)[] = [
  (length) => `Host: x\r\nContent-Length: ${length}`,
  (length) => `Host: x\r\nContent-Length: ${length}\r\nContent-Length: ${length + 1}`,
  (length) => `Host: x\r\nContent-Length: ${length}\r\nTransfer-Encoding: chunked`,
  () => "Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity",
  () => "Host: x\r\nTransfer-Encoding: xchunked",
  () => "Host: x\r\nContent-Length: -1",
  () => "Host: x\r\nContent-Length: 99999999999999999999",
  (length) => `Host: x\r\nContent-Length : ${length}`,
  (length) => `Content-Length: ${length}`,
  (length) => `Host: x\r\nHost: y\r\nContent-Length: ${length}`,
  (length) => `Host: x\r\nX-Long: ${"x".repeat(20_000)}\r\nContent-Length: ${length}`,
  (length) => `Host: x\r\n${"A: b\r\n".repeat(3_000)}Content-Length: ${length}`,
  (length) => `Host: x\r\nA\u0000: b\r\nContent-Length: ${length}`,
  (length) => `Host: x\r\n folded: yes\r\nContent-Length: ${length}`,
  (length) => `Host: x\r\nExpect: 100-continue\r\nContent-Length: ${length}`,
  (length) => `Host: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: ${length}`,
];
const LINES = [
  "POST /v1/payments/session HTTP/1.1",
  "POST /v1/payments/session HTTP/1.0",
  "POST /v1/payments/session HTTP/9.9",
  "POST /v1/payments/session",
  "post /v1/payments/session HTTP/1.1",
  "POST http://elsewhere/v1/payments/session HTTP/1.1",
  "POST /v1/payments/session\u0000 HTTP/1.1",
  "CONNECT x:1 HTTP/1.1",
  "OPTIONS * HTTP/1.1",
];

function chunked(body: Buffer, random: Random): Buffer {
  const size = random.pick([
    body.length.toString(16),
    "0",
    "-1",
    "fffffffff",
    "zz",
    `${body.length.toString(16)};x=${"y".repeat(200)}`,
  ]);
  return Buffer.concat([Buffer.from(`${size}\r\n`), body, Buffer.from("\r\n0\r\n\r\n")]);
}

function http1(material: Material): Buffer {
  const { random } = material;
  const body = Buffer.from(
    JSON.stringify({
      orderId: nextOrder(material),
      currency: "usd",
      items: [{ name: "Lamp", price: 12.5, quantity: 2 }],
    }),
  );
  // Half of them are whole, so that some are taken.
  const line = random.chance(0.5) ? LINES[0] : random.pick(LINES);
  const head = random.chance(0.3) ? HEADS[0] : random.pick(HEADS);
  const end = random.chance(0.9) ? "\r\n" : random.pick(["\n", "\r", ""]);
  const text = [line, "Content-Type: application/json", head?.(body.length), "Connection: close", "", ""].join(end);
  const request = Buffer.concat([Buffer.from(text, "latin1"), random.chance(0.3) ? chunked(body, random) : body]);
  return random.chance(0.3) ? spoilBytes(request, random) : request;
}

function http2(random: Random): Buffer {
  const frames = Array.from({ length: 1 + random.below(FRAMES_MAX) }, () => {
    const payload = randomBytes(random, random.pick([0, 4, 6, 8, 64]));
    const head = Buffer.alloc(9);
    head.writeUIntBE(random.chance(0.8) ? payload.length : random.below(2 ** 24), 0, 3);
    head.writeUInt8(random.chance(0.9) ? random.below(10) : random.below(256), 3);
    head.writeUInt8(random.below(256), 4);
    head.writeUInt32BE(random.pick([0, 1, 3, 2, 2 ** 31]), 5);
    return Buffer.concat([head, payload]);
  });
  return Buffer.concat([random.chance(0.9) ? PREFACE : spoilBytes(PREFACE, random), ...frames]);
}

export function rawInput(material: Material): Input {
  const { random } = material;
  const body = random.chance(0.5)
    ? http1(material)
    : random.chance(0.8)
      ? http2(random)
      : randomBytes(random, random.below(400));
  return { protocol: "raw", wire: "raw", method: "", path: random.chance(0.8) ? "http" : "grpc", headers: {}, body };
}

/** Sends the bytes, and nothing more; gives what came until the connection was closed. */
export function sendRaw(port: number, { body }: Input): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  let problem: string | null = null;
  socket.on("data", (chunk) => chunks.push(chunk));
  // A connection that is reset is closed as well.
  socket.on("error", () => {});
  socket.setTimeout(CLOSED_MAX_MS, () => {
    problem = "neither answered nor closed";
    socket.destroy();
  });
  socket.on("close", () => {
    const text = Buffer.concat(chunks).subarray(0, TEXT_MAX).toString("latin1");
    // The worst of them, where several were answered.
    const statuses = [...text.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map((found) => Number(found[1]));
    resolve({ status: Math.max(0, ...statuses), grpcStatus: null, text, problem });
  });
  socket.write(body);
  const leave = setTimeout(() => socket.end(), LEAVES_MS);
  socket.once("close", () => clearTimeout(leave));
  return promise;
}
