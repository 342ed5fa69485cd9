// What node's parser of HTTP/1.1 cannot read is no request, and has no handler: it is refused here, on the connection itself.
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { refusal } from "../domain/error.ts";
import { describeRefusal } from "./json-http.ts";

/** How long the rest is read away. Closed at once, the connection would be reset under whoever still sends, and the answer lost (RFC 9112, section 9.6). */
const LINGER_MS = 2_000;
const ADVICE = "percent-encode the path, and send headers and body as HTTP/1.1 has them";

/** An error of the parser's (`HPE_`), or of the server that waited for the request in vain. */
export interface UnreadableError extends Error {
  readonly code?: string;
  /** What the parser did not expect. */
  readonly reason?: string;
  /** What it was reading. */
  readonly rawPacket?: Buffer;
}

/** Whether the error says that something was sent which can be answered; otherwise the connection is lost. */
export function isAnswerable({ code = "" }: UnreadableError): boolean {
  return code.startsWith("HPE_") || code === "ERR_HTTP_REQUEST_TIMEOUT";
}

interface Answer {
  readonly status: number;
  readonly message: string;
}

const ANSWERS = new Map<string | undefined, Answer>([
  ["HPE_HEADER_OVERFLOW", { status: 431, message: "the headers are too large; send fewer, or shorter ones" }],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", { status: 413, message: "the extensions of a chunk are too large; send none" }],
  ["ERR_HTTP_REQUEST_TIMEOUT", { status: 408, message: "the request did not come in time; send it again" }],
]);

function describe({ code, reason, message }: UnreadableError): Answer {
  return ANSWERS.get(code) ?? { status: 400, message: `the request cannot be read: ${reason ?? message}; ${ADVICE}` };
}

/** Answers, and closes the connection once its other end has, or after a while. */
export function refuseUnreadable(error: UnreadableError, socket: Duplex): void {
  const { status, message } = describe(error);
  // After a HEAD a body would be taken for the next answer; of which method this is, the parser does not say.
  const mayBeHead = error.rawPacket?.includes("HEAD ") ?? false;
  const body = mayBeHead ? "" : JSON.stringify(describeRefusal(refusal("INVALID_ARGUMENT", message)));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "connection: close",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}
