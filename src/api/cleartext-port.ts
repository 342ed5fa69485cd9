// One listening socket for HTTP/1.1 and HTTP/2. With TLS the handshake says which it is (ALPN). On a cleartext port the first bytes do: HTTP/2
// begins with a preface that no HTTP/1.1 request begins with. They are read, put back, and the connection is handed to the server of its kind.
import type { Server as Http1Server } from "node:http";
import type { Http2Server } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { Tls } from "./port.ts";

// RFC 9113, section 3.4.
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export interface Protocols {
  readonly http1: Http1Server;
  readonly http2: Http2Server;
  /** How long a connection may take to say what it is. */
  readonly firstBytesTimeoutMs: number;
  /** The connections that have not said it yet. */
  readonly undecided: Set<Socket>;
}

function startsLikeHttp2(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, PREFACE.length);
  return bytes.subarray(0, length).equals(PREFACE.subarray(0, length));
}

function distinguish(socket: Socket, { http1, http2, firstBytesTimeoutMs, undecided }: Protocols): void {
  let bytes = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), firstBytesTimeoutMs);
  const ignore = (): void => {};

  function forget(): void {
    clearTimeout(timer);
    undecided.delete(socket);
    socket.off("data", read);
    socket.off("close", forget);
    socket.off("error", ignore);
  }

  function read(chunk: Buffer): void {
    bytes = Buffer.concat([bytes, chunk]);
    const mayBeHttp2 = startsLikeHttp2(bytes);
    if (mayBeHttp2 && bytes.length < PREFACE.length) return;
    forget();
    // Paused before the bytes are put back, so that neither server misses any. The HTTP/2 session takes them from the buffer by itself
    // and then reads the socket below its streams; it must not be resumed.
    socket.pause();
    socket.unshift(bytes);
    (mayBeHttp2 ? http2 : http1).emit("connection", socket);
    if (!mayBeHttp2) socket.resume();
  }

  undecided.add(socket);
  socket.on("data", read);
  socket.on("close", forget);
  // A connection that breaks before it said anything concerns nobody; "close" follows.
  socket.on("error", ignore);
}

/** The server to listen with. It counts every connection, of either kind, until it is closed. */
export function createPort(protocols: Protocols, tls: Tls | null): Server {
  const { http1, http2, firstBytesTimeoutMs } = protocols;
  if (!tls) return createServer({ noDelay: true }, (socket) => distinguish(socket, protocols));
  const options = { ...tls, ALPNProtocols: ["h2", "http/1.1"], handshakeTimeout: firstBytesTimeoutMs, noDelay: true };
  return createTlsServer(options, (socket: TLSSocket) => {
    (socket.alpnProtocol === "h2" ? http2 : http1).emit("connection", socket);
  });
}
