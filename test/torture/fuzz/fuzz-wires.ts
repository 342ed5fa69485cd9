// Sends whatever it is given, over connections that are kept: HTTP/1.1, HTTP/2 and NATS. An answer is what came back, as far as a judge needs it.
import { Agent, request as askHttp1 } from "node:http";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { headers as natsHeaders, type NatsConnection } from "@nats-io/transport-node";
import type { ServiceProcess } from "../../support/service-process.ts";
import type { Answer, Input } from "./fuzz-material.ts";
import { sendRaw } from "./fuzz-raw.ts";

const HTTP1_SOCKETS = 48;
const HTTP2_SESSIONS = 4;
const ANSWER_MAX_MS = 60_000;
/** Of an answer, so much is kept. */
const TEXT_MAX = 16_384;
/** A session is replaced after so many, as those of clients are. */
const REQUESTS_PER_SESSION = 5_000;

function refuse(problem: string): Answer {
  return { status: 0, grpcStatus: null, text: "", problem };
}

function grpcStatusOf(told: string | undefined, text: string): number | null {
  const found = told ?? /grpc-status: ?(\d+)/i.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

/** HTTP/2 sessions to one port, used in turn. */
class Sessions {
  readonly #url: string;
  readonly #open: { session: ClientHttp2Session; left: number }[] = [];
  #next = 0;

  constructor(port: number) {
    this.#url = `http://127.0.0.1:${port}`;
  }

  take(): ClientHttp2Session {
    this.#next = (this.#next + 1) % HTTP2_SESSIONS;
    const known = this.#open[this.#next];
    if (known && known.left > 0 && !known.session.closed && !known.session.destroyed) {
      known.left -= 1;
      return known.session;
    }
    // It ends once its streams have.
    known?.session.close();
    const session = connect(this.#url);
    session.on("error", () => {});
    this.#open[this.#next] = { session, left: REQUESTS_PER_SESSION };
    return session;
  }

  close(): void {
    for (const { session } of this.#open) session.destroy();
  }
}

export class Wires {
  readonly #service: ServiceProcess;
  readonly #nats: NatsConnection;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: HTTP1_SOCKETS, scheduling: "fifo" });
  readonly #http: Sessions;
  readonly #grpc: Sessions;

  private constructor(service: ServiceProcess, nats: NatsConnection) {
    this.#service = service;
    this.#nats = nats;
    this.#http = new Sessions(service.http.port);
    this.#grpc = new Sessions(service.grpc.port);
  }

  static async open(service: ServiceProcess): Promise<Wires> {
    return new Wires(service, await service.connectNats());
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    this.#http.close();
    this.#grpc.close();
    await this.#nats.close();
  }

  /** Null for what the client itself would not send. */
  async send(input: Input): Promise<Answer | null> {
    try {
      switch (input.wire) {
        case "http1":
          return await this.#sendHttp1(input);
        case "http2":
          return await sendHttp2(this.#http.take(), input);
        case "grpc":
          return await sendHttp2(this.#grpc.take(), input);
        case "nats":
          return await this.#sendNats(input);
        case "raw":
          return await sendRaw(this.#service[input.path === "grpc" ? "grpc" : "http"].port, input);
      }
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (NOT_SENT.test(code) || (error instanceof TypeError && input.wire !== "nats")) return null;
      return refuse(`${code} ${String(error)}`);
    }
  }

  #sendHttp1({ method, path, headers, body }: Input): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const hasBody = method !== "GET" && method !== "HEAD";
    const sized = { ...headers, ...(hasBody && { "content-length": String(body.length) }) };
    const options = {
      agent: this.#agent,
      host: "127.0.0.1",
      port: this.#service.http.port,
      method,
      path,
      headers: sized,
    };
    const asked = askHttp1({ ...options, timeout: ANSWER_MAX_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).subarray(0, TEXT_MAX).toString("latin1");
        const told = response.headers["grpc-status"] ?? response.trailers["grpc-status"];
        resolve({
          status: response.statusCode ?? 0,
          grpcStatus: grpcStatusOf(String(told ?? "") || undefined, text),
          text,
          problem: null,
        });
      });
      response.on("error", reject);
    });
    asked.on("timeout", () => asked.destroy(new Error("silence")));
    // A connection that was kept may be closed by the other side at the moment at which it is used again.
    asked.on("error", (error: NodeJS.ErrnoException) =>
      reject(asked.reusedSocket && error.code === "ECONNRESET" ? new TypeError("not sent", { cause: error }) : error),
    );
    asked.end(hasBody ? body : undefined);
    return promise;
  }

  async #sendNats({ path, headers, body }: Input): Promise<Answer> {
    const sent = natsHeaders();
    for (const [name, value] of Object.entries(headers)) sent.set(name, String(value));
    const reply = await this.#nats.request(path, body, { timeout: ANSWER_MAX_MS, headers: sent });
    const text = reply.string();
    const { error, err } = JSON.parse(text) as { error?: { status: number }; err?: { statusCode: number } };
    return {
      status: error?.status ?? err?.statusCode ?? 200,
      grpcStatus: null,
      text: text.slice(0, TEXT_MAX),
      problem: null,
    };
  }
}

/** The client's own refusals, and connections that were closed before the request was on them. */
const NOT_SENT =
  /^ERR_(?:INVALID|HTTP_INVALID|HTTP2_(?:INVALID|HEADER|PSEUDO|CONNECT|GOAWAY_SESSION|PAYLOAD_FORBIDDEN)|UNESCAPED)|^HPE_HEADER_OVERFLOW$/;

function sendHttp2(session: ClientHttp2Session, { method, path, headers, body }: Input): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const hasBody = method !== "GET" && method !== "HEAD";
  // A path with a space ends the stream before there is a request.
  const stream = session.request(
    { ":method": method, ":path": path.replaceAll(" ", "%20"), ...headers },
    { endStream: !hasBody },
  );
  const chunks: Buffer[] = [];
  let told: IncomingHttpHeaders = {};
  stream.on("response", (received) => {
    told = { ...told, ...received };
  });
  stream.on("trailers", (received) => {
    told = { ...told, ...received };
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", reject);
  stream.setTimeout(ANSWER_MAX_MS, () => stream.destroy(new Error("silence")));
  stream.on("close", () => {
    const text = Buffer.concat(chunks).subarray(0, TEXT_MAX).toString("latin1");
    const status = Number((told as Record<string, unknown>)[":status"] ?? 0);
    const details = Buffer.from(String(told["grpc-status-details-bin"] ?? ""), "base64").toString("latin1");
    const grpcStatus = grpcStatusOf(told["grpc-status"] as string | undefined, text);
    resolve({
      status,
      grpcStatus,
      text: text + details,
      problem: status === 0 ? `closed with ${stream.rstCode}` : null,
    });
  });
  if (hasBody) stream.end(body);
  return promise;
}
