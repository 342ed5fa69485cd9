// The threat "large or slow input", the slow half: peers that take their time, with the times of both ports made short (the service's own are in src/api/grpc.ts and
// src/api/connect.ts). What says nothing, or stops halfway, over HTTP/1.1 and in the preface of HTTP/2 is in test/api/http-port.test.ts.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { openPorts } from "../api/ports.ts";
import { callByHand, frame } from "../support/grpc-by-hand.ts";
import { callFields, FLAG, FRAME, printFields, printFrame, printSetting, RawSession, SETTING } from "./raw-http2.ts";

const STATUS = "/payment.v1.PaymentService/GetPaymentStatus";
const SHORT = { headersTimeoutMs: 150, requestTimeoutMs: 150, idleTimeoutMs: 150 };
/** Beyond what the sockets of both sides take by themselves. */
const LARGE_ANSWER = Buffer.alloc(32 * 1024 * 1024, "x");
/** order_id: "1". */
const MESSAGE = frame(Buffer.from([0x12, 1, 0x31]));

const options = { timeout: 60_000 };

describe("large or slow input:", options, () => {
  it("a call that never sends its last byte is cut on both ports, byte by byte as well, and its connection goes on", async (t) => {
    const { grpc, http } = await openPorts(t, { limits: SHORT });
    for (const { port } of [grpc, http]) {
      const session = connectHttp2(`http://127.0.0.1:${port}`);
      t.after(() => session.destroy());
      const headers = { ":method": "POST", ":path": STATUS, "content-type": "application/grpc", te: "trailers" };
      const stalled = session.request(headers);
      const trickling = session.request(headers);
      const trickle = setInterval(() => trickling.writable && trickling.write(Buffer.from([0])), 20);
      for (const stream of [stalled, trickling]) stream.on("error", () => {}).resume();
      stalled.write(MESSAGE.subarray(0, 4));
      await Promise.all([once(stalled, "close"), once(trickling, "close")]);
      clearInterval(trickle);
      assert.equal(session.closed, false);
      const next = session.request(headers);
      const [trailers] = await Promise.all([once(next, "trailers"), Promise.resolve(next.resume().end(MESSAGE))]);
      assert.equal((trailers[0] as Record<string, string>)["grpc-status"], "0");
    }
  });

  it("an answer that nobody takes is let go on both ports", async (t) => {
    const { grpc, http } = await openPorts(t, { limits: SHORT });
    for (const { port } of [grpc, http]) {
      const session = await RawSession.open(port, printSetting(SETTING.initialWindowSize, 0));
      const head = printFrame({
        type: FRAME.headers,
        flags: FLAG.endHeaders,
        stream: 1,
        payload: printFields(callFields(STATUS)),
      });
      session.write(
        Buffer.concat([head, printFrame({ type: FRAME.data, flags: FLAG.endStream, stream: 1, payload: MESSAGE })]),
      );
      await session.got(FRAME.resetStream);
      assert.equal(session.isClosed, false);
      session.destroy();
      assert.equal((await callByHand(port, STATUS, MESSAGE)).status, 0);
    }
  });

  it("an answer over HTTP/1.1 that nobody takes is let go, and its connection with it", async (t) => {
    const answered = Promise.withResolvers<void>();
    const { http } = await openPorts(t, {
      limits: SHORT,
      findRoute: () => (_request, response) => {
        response.once("close", () => answered.resolve());
        response.end(LARGE_ANSWER);
      },
    });
    const socket = connect({ port: http.port, host: "127.0.0.1" });
    t.after(() => socket.destroy());
    socket.pause().on("error", () => {});
    await once(socket, "connect");
    socket.write("GET /large HTTP/1.1\r\nhost: x\r\n\r\n");
    await answered.promise;
  });

  it("an answer over HTTP/1.1 that is worked on for long is not", async (t) => {
    const { http } = await openPorts(t, {
      limits: SHORT,
      findRoute: () => (_request, response) => void setTimeout(() => response.end("late"), SHORT.idleTimeoutMs * 4),
    });
    const answer = await fetch(`http://127.0.0.1:${http.port}/late`);
    assert.equal(await answer.text(), "late");
  });

  it("a connection of HTTP/2 that had a long call when it was first idle is told to go when it is idle again", async (t) => {
    const { http } = await openPorts(t, {
      limits: { idleTimeoutMs: SHORT.idleTimeoutMs },
      findRoute: () => (_request, response) => void setTimeout(() => response.end("late"), SHORT.idleTimeoutMs * 4),
    });
    const session = connectHttp2(`http://127.0.0.1:${http.port}`);
    t.after(() => session.destroy());
    const gone = once(session, "close");
    const stream = session.request({ ":path": "/late" });
    stream.resume();
    await once(stream, "end");
    await gone;
  });
});
