// The HTTP port as such: its two servers, their limits against large and slow input, and how it stops. What it serves is given to it.
import { once } from "node:events";
import {
  createServer as createHttp1Server,
  type IncomingMessage,
  type Server as Http1Server,
  type ServerResponse,
} from "node:http";
import {
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createPort } from "./cleartext-port.ts";
import type { OpenPort, Tls } from "./port.ts";
import { boundAnswer } from "./stream-limits.ts";
import { isAnswerable, refuseUnreadable, type UnreadableError } from "./unreadable-request.ts";

export type HttpRequest = IncomingMessage | Http2ServerRequest;
/** What the responses of HTTP/1.1 and HTTP/2 have in common. */
export type HttpResponse = (Omit<ServerResponse, "write"> | Omit<Http2ServerResponse, "write">) & {
  write(chunk: string | Uint8Array, callback?: (error: Error | null | undefined) => void): boolean;
  write(
    chunk: string | Uint8Array,
    encoding: BufferEncoding,
    callback?: (error: Error | null | undefined) => void,
  ): boolean;
  writeHead(status: number, headers?: Record<string, string | number | string[] | undefined>): unknown;
};
export type HttpHandler = (request: HttpRequest, response: HttpResponse) => void;

export interface HttpLimits {
  /** How long a connection may take for its first bytes, and a request for its headers. */
  readonly headersTimeoutMs: number;
  /** How long a request may take until its last byte. */
  readonly requestTimeoutMs: number;
  /** How long a connection may be idle, and an answer wait to be taken. */
  readonly idleTimeoutMs: number;
  readonly streamsPerConnectionMax: number;
}

export interface HttpPortOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: Tls | null;
  readonly stopTimeoutMs: number;
  readonly limits: HttpLimits;
  readonly handle: HttpHandler;
}

const HEADER_BYTES_MAX = 16 * 1024;

function createHttp1(limits: HttpLimits): Http1Server {
  const server = createHttp1Server({
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.ceil(limits.headersTimeoutMs / 4),
    maxHeaderSize: HEADER_BYTES_MAX,
  });
  // It never listens itself, and node enforces the timeouts of servers that do.
  server.emit("listening");
  return server;
}

function createHttp2(limits: HttpLimits): Http2Server {
  return createHttp2Server({
    settings: { maxConcurrentStreams: limits.streamsPerConnectionMax, maxHeaderListSize: HEADER_BYTES_MAX },
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    // Streams that are opened and reset at once (CVE-2023-44487): a burst, and then so many per second, before the connection is closed.
    streamResetBurst: 300,
    streamResetRate: 100,
  });
}

/** Closes an HTTP/2 connection whenever it has been quiet for a while and has no call on it, and a stream whose answer nobody takes. */
function closeWhenIdle(session: ServerHttp2Session, idleTimeoutMs: number): void {
  let streams = 0;
  session.on("stream", (stream) => {
    streams += 1;
    stream.once("close", () => {
      streams -= 1;
    });
    boundAnswer(stream, idleTimeoutMs);
  });
  // As often as it happens: a listener that is given to setTimeout hears of the first time alone.
  session.on("timeout", () => {
    if (streams === 0) session.close();
  });
  session.setTimeout(idleTimeoutMs);
}

class HttpPort {
  readonly #options: HttpPortOptions;
  readonly #http1: Http1Server;
  readonly #http2: Http2Server;
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  readonly #undecided = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #responses = new Set<ServerResponse>();
  readonly #unreadable = new WeakSet<Duplex>();
  #stopping = false;

  constructor(options: HttpPortOptions) {
    const { limits } = options;
    this.#options = options;
    this.#http1 = createHttp1(limits);
    this.#http2 = createHttp2(limits);
    const protocols = {
      http1: this.#http1,
      http2: this.#http2,
      undecided: this.#undecided,
      firstBytesTimeoutMs: limits.headersTimeoutMs,
    };
    this.#listener = createPort(protocols, options.tls);
    this.#listener.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#http1.on("request", (request, response) => this.#onHttp1(request, response));
    this.#http1.on("clientError", (error, socket) => void this.#onUnreadable(error, socket));
    this.#http1.setTimeout(limits.idleTimeoutMs, (socket) => this.#onSilence(socket));
    this.#http2.on("request", (request, response) => this.#onHttp2(request, response));
    this.#http2.on("session", (session) => this.#onSession(session));
  }

  async listen(): Promise<number> {
    this.#listener.listen(this.#options.port, this.#options.host);
    await once(this.#listener, "listening");
    return (this.#listener.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const closed = once(this.#listener, "close");
    this.#listener.close();
    for (const response of this.#responses) sayGoodbye(response);
    for (const session of this.#sessions) session.close();
    for (const socket of this.#undecided) socket.destroy();
    this.#http1.closeIdleConnections();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, this.#options.stopTimeoutMs);
    await closed;
    clearTimeout(timer);
    // Ends its own timers; it has no connection left.
    this.#http1.close();
  }

  #onHttp1(request: IncomingMessage, response: ServerResponse): void {
    this.#responses.add(response);
    response.once("close", () => {
      this.#responses.delete(response);
      if (this.#stopping) this.#http1.closeIdleConnections();
    });
    if (this.#stopping) sayGoodbye(response);
    this.#options.handle(request, response);
  }

  /** What came before it on the connection is answered first, unless it is what cannot be read to its end. Told again for all that follows. */
  async #onUnreadable(error: UnreadableError, socket: Duplex): Promise<void> {
    if (this.#unreadable.has(socket)) return;
    this.#unreadable.add(socket);
    const pending = [...this.#responses].filter(({ req }) => req.socket === socket);
    const isCut = pending.some(({ req }) => !req.complete);
    if (!isCut) await Promise.allSettled(pending.map((response) => once(response, "close")));
    const hasBegun = isCut && pending.some(({ headersSent }) => headersSent);
    if (isAnswerable(error) && socket.writable && !hasBegun) refuseUnreadable(error, socket);
    else socket.destroy();
  }

  /** A connection of HTTP/1.1 may be silent for as long as its call is worked on, and not while its caller leaves the answer where it is. */
  #onSilence(socket: Socket): void {
    const isWorkedOn = [...this.#responses].some((response) => response.socket === socket && !response.writableEnded);
    if (!isWorkedOn || socket.writableLength > 0) socket.destroy();
  }

  #onHttp2(request: Http2ServerRequest, response: Http2ServerResponse): void {
    // Reset before it was looked at: whoever sends many of those shall not have them worked on.
    if (request.stream.closed) return;
    this.#options.handle(request, response);
  }

  #onSession(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.once("close", () => this.#sessions.delete(session));
    // Faults of the peer's framing: node closes the session, nobody else is concerned.
    session.on("error", () => {});
    closeWhenIdle(session, this.#options.limits.idleTimeoutMs);
    if (this.#stopping) session.close();
  }
}

/** The connection is closed after this answer. */
function sayGoodbye(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader("connection", "close");
}

export async function openHttpPort(options: HttpPortOptions): Promise<OpenPort> {
  const http = new HttpPort(options);
  const port = await http.listen();
  return { port, stop: () => http.stop() };
}
