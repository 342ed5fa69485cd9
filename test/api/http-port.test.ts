import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { HttpResponse } from "../../src/api/http-port.ts";
import { CORS_ORIGIN, openPorts } from "./ports.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS_FRAME = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const STATUS = "/payment.v1.PaymentService/GetPaymentStatus";

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return socket;
}

/** Sends each part in a packet of its own: the next one follows when the one before has left. */
async function sendParts(socket: Socket, parts: readonly (string | Buffer)[]): Promise<void> {
  for (const part of parts) {
    await new Promise<void>((resolve) => socket.write(part, () => setImmediate(resolve)));
  }
}

test("an HTTP/2 preface that is split over packets is understood, wherever it is split", async (t) => {
  const { http } = await openPorts(t);
  for (let at = 1; at < PREFACE.length; at += 1) {
    const socket = await open(http.port);
    await sendParts(socket, [PREFACE.slice(0, at), PREFACE.slice(at), SETTINGS_FRAME]);
    const [first] = (await once(socket, "data")) as [Buffer];
    // The fourth byte of a frame is its type; a server begins with SETTINGS.
    assert.equal(first[3], 4, `split at ${at}`);
    socket.destroy();
  }
});

test("a preface byte by byte, and its settings in the same packet, are understood", async (t) => {
  const { http } = await openPorts(t);
  const slow = await open(http.port);
  await sendParts(slow, [...PREFACE.split(""), SETTINGS_FRAME]);
  assert.equal(((await once(slow, "data")) as [Buffer])[0][3], 4);
  slow.destroy();
  const fast = await open(http.port);
  fast.write(Buffer.concat([Buffer.from(PREFACE), SETTINGS_FRAME]));
  assert.equal(((await once(fast, "data")) as [Buffer])[0][3], 4);
  fast.destroy();
});

test("a request of HTTP/1.1 that begins as the preface does is one of HTTP/1.1", async (t) => {
  const { http } = await openPorts(t);
  const socket = await open(http.port);
  await sendParts(socket, [
    "P",
    "OST /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n",
    "content-length: 2\r\n\r\n{",
    "}",
  ]);
  assert.match(await text(socket), /^HTTP\/1\.1 404 /);
});

test("several requests follow each other on one connection of HTTP/1.1", async (t) => {
  const { http } = await openPorts(t);
  const socket = await open(http.port);
  const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`;
  socket.write(get("/health/live") + get("/nowhere") + get("/health/live", "connection: close\r\n"));
  const statuses = [...(await text(socket)).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  assert.deepEqual(statuses, ["200", "404", "200"]);
});

test("what is no request of HTTP/1.1 is told so, however much of it is still to come", async (t) => {
  const { http } = await openPorts(t);
  for (const size of [0, 400_000]) {
    const socket = await open(http.port);
    socket.write(Buffer.from(`POST /pa\u00e9ment HTTP/1.1\r\nhost: x\r\ncontent-length: ${size}\r\n\r\n`, "latin1"));
    socket.write(Buffer.alloc(size));
    const [head = "", body = ""] = (await text(socket)).split("\r\n\r\n");
    assert.match(head, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(head, /^connection: close$/m);
    const { reason, message, outcome } = JSON.parse(body) as Record<string, string>;
    assert.deepEqual([reason, outcome], ["INVALID_ARGUMENT", "NOT_ATTEMPTED"]);
    assert.match(message ?? "", /url.*percent/i);
  }
});

test("an unreadable HEAD is refused without a body, as every HEAD is answered", async (t) => {
  const { http } = await openPorts(t);
  const socket = await open(http.port);
  socket.write(Buffer.from("HEAD /pa\u00e9ment HTTP/1.1\r\nhost: x\r\n\r\n", "latin1"));
  assert.match(await text(socket), /^HTTP\/1\.1 400 [^{]*\r\n\r\n$/);
});

test("what follows a request on its connection and is none is refused after that request's answer", async (t) => {
  const reached = Promise.withResolvers<HttpResponse>();
  const { http } = await openPorts(t, { findRoute: () => (_request, response) => reached.resolve(response) });
  const socket = await open(http.port);
  socket.write("GET /slow HTTP/1.1\r\nhost: x\r\n\r\nno request\r\n\r\n");
  const told = text(socket);
  (await reached.promise).end("done");
  const statuses = [...(await told).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  assert.deepEqual(statuses, ["200", "400"]);
});

const SLOW = [
  ["says nothing", []],
  ["stops within the preface", ["PRI * HT"]],
  ["stops within its headers", ["GET / HTTP/1.1\r\nhost: x\r\n"]],
  [
    "stops within its body",
    [`POST ${STATUS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{`],
  ],
] as const;

for (const [name, parts] of SLOW) {
  test(`a connection that ${name} is closed`, async (t) => {
    const { http } = await openPorts(t, { limits: { headersTimeoutMs: 80, requestTimeoutMs: 120 } });
    const socket = await open(http.port);
    await sendParts(socket, parts);
    socket.resume();
    await once(socket, "close");
    assert.equal(socket.destroyed, true);
  });
}

test("a call over HTTP/2 that never sends its last byte is cut, and its connection goes on", async (t) => {
  const { http } = await openPorts(t, { limits: { headersTimeoutMs: 80, requestTimeoutMs: 80 } });
  const session = connectHttp2(`http://localhost:${http.port}`);
  t.after(() => session.destroy());
  const stalled = session.request({ ":method": "POST", ":path": STATUS, "content-type": "application/json" });
  stalled.on("error", () => {});
  stalled.write("{");
  stalled.resume();
  await once(stalled, "close");
  const next = session.request({ ":path": "/health/live" });
  const [headers] = (await once(next, "response")) as [Record<string, unknown>];
  assert.equal(headers[":status"], 200);
  next.resume();
});

test("an idle connection of HTTP/2 is told to go", async (t) => {
  const { http } = await openPorts(t, { limits: { idleTimeoutMs: 60 } });
  const session = connectHttp2(`http://localhost:${http.port}`);
  await once(session, "close");
  assert.equal(session.destroyed, true);
});

test("a body that is too large is answered before its end, and the connection goes on", async (t) => {
  const { http } = await openPorts(t);
  const socket = await open(http.port);
  socket.write(
    `POST ${STATUS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
  );
  const chunk = `4000\r\n${" ".repeat(0x4000)}\r\n`;
  socket.write(chunk.repeat(5));
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.match(String(answer), /^HTTP\/1\.1 400 /);
  socket.end("0\r\n\r\nGET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  assert.match(await text(socket), /HTTP\/1\.1 200 OK/);
});

test("reads may be made by GET, calls that change something may not", async (t) => {
  const { http } = await openPorts(t);
  const query = `?connect=v1&encoding=json&message=${encodeURIComponent(JSON.stringify({ orderId: "order-1" }))}`;
  const read = await fetch(`http://localhost:${http.port}${STATUS}${query}`);
  assert.equal(read.status, 200);
  assert.deepEqual(await read.json(), { orderId: "order-1", version: 5 });
  const create = await fetch(`http://localhost:${http.port}/payment.v1.PaymentService/CreatePayment${query}`);
  assert.equal(create.status, 405);
  const unknown = await fetch(
    `http://localhost:${http.port}${STATUS}?encoding=json&message=${encodeURIComponent('{"surprise":1}')}`,
  );
  assert.equal(unknown.status, 400);
});

test("a page of a configured origin may call and read the errors' details; another one may not", async (t) => {
  const { http } = await openPorts(t);
  const url = `http://localhost:${http.port}${STATUS}`;
  const preflight = (origin: string) =>
    fetch(url, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
  const allowed = await preflight(CORS_ORIGIN);
  assert.equal(allowed.status, 204);
  assert.equal(allowed.headers.get("access-control-allow-origin"), CORS_ORIGIN);
  assert.match(allowed.headers.get("access-control-allow-methods") ?? "", /POST/);
  assert.match(allowed.headers.get("access-control-allow-headers") ?? "", /X-Grpc-Web/i);
  const refused = await preflight("https://elsewhere.example");
  assert.equal(refused.headers.get("access-control-allow-origin"), null);
  assert.equal(refused.headers.get("access-control-allow-methods"), null);
  const headers = { origin: CORS_ORIGIN, "content-type": "application/json" };
  const called = await fetch(url, { method: "POST", headers, body: `{"orderId":"1"}` });
  assert.equal(called.status, 200);
  assert.equal(called.headers.get("access-control-allow-origin"), CORS_ORIGIN);
  assert.equal(called.headers.get("vary"), "Origin");
  assert.match(called.headers.get("access-control-expose-headers") ?? "", /grpc-status-details-bin/i);
});

test("every other path belongs to what is served beside the calls", async (t) => {
  const { http } = await openPorts(t, {
    findRoute: () => (request, response) => {
      response.writeHead(200, { "content-type": "text/plain" });
      response.end(`page ${request.url}`);
    },
  });
  const page = await fetch(`http://localhost:${http.port}/success?x=1`);
  assert.equal(await page.text(), "page /success?x=1");
  const live = await fetch(`http://localhost:${http.port}/health/live`);
  assert.deepEqual(await live.json(), { status: "live" });
});
