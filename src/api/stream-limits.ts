// What a stream of HTTP/2 may take its time for, which node bounds for HTTP/1.1 alone: its request, and an answer that nobody takes.
import { constants, type Http2Stream } from "node:http2";

export function boundRequest(stream: Http2Stream, timeoutMs: number): void {
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), timeoutMs);
  const forget = (): void => clearTimeout(timer);
  stream.once("end", forget);
  stream.once("close", forget);
}

/** A peer whose window is shut keeps an answer, and what it is an answer of, in memory. */
export function boundAnswer(stream: Http2Stream, timeoutMs: number): void {
  // As often as it happens, while a call is worked on: a listener that is given to setTimeout hears of the first time alone.
  stream.on("timeout", () => {
    if (stream.writableEnded || stream.writableLength > 0) stream.close(constants.NGHTTP2_CANCEL);
  });
  stream.setTimeout(timeoutMs);
}
