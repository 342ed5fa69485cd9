// A connection that is in use is not ended by the service: a call that is on its way when node ends one is refused without having been looked at, and not
// every client repeats it by itself.
import assert from "node:assert/strict";
import { type ClientHttp2Session, connect } from "node:http2";
import { it, mock } from "node:test";
import { frame } from "../support/grpc-by-hand.ts";
import { openPorts } from "./ports.ts";

const MINUTE_MS = 60_000;
const MINUTES = 180;

/** Calls on a connection that is there; gives the status, or how the stream ended without one. */
function call(session: ClientHttp2Session): Promise<string> {
  const stream = session.request({
    ":method": "POST",
    ":path": "/payment.v1.PaymentService/ListPayments",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const { promise, resolve } = Promise.withResolvers<string>();
  stream.once("response", ({ "grpc-status": status }) => status !== undefined && resolve(String(status)));
  stream.once("trailers", ({ "grpc-status": status }) => resolve(String(status)));
  stream.once("error", ({ message }) => resolve(message));
  stream.once("close", () => resolve("closed"));
  stream.resume();
  stream.end(frame(Buffer.alloc(0)));
  return promise;
}

it("a gRPC connection with a call a minute lasts for hours", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const { grpc } = await openPorts(t);
  const session = connect(`http://127.0.0.1:${grpc.port}`);
  t.after(() => session.destroy());
  session.on("error", () => {});
  let ended = false;
  session.once("goaway", () => (ended = true));
  for (let minute = 0; minute < MINUTES; minute += 1) {
    assert.equal(await call(session), "0", `after ${minute} minutes`);
    assert.equal(ended, false, `after ${minute} minutes`);
    mock.timers.tick(MINUTE_MS);
  }
});
