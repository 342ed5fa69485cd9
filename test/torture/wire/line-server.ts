// A server that speaks lines: it keeps what it hears, and answers each line with the same one. NATS' dialect takes such lines for what they are.
import { EventEmitter, once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const WAIT_MAX_MS = 10_000;

/** One end of a connection, and all that it heard. */
export class Ear {
  readonly socket: Socket;
  heard = "";
  /** How many times something arrived. */
  arrivals = 0;
  ended = false;
  broken: string | undefined;
  readonly #events = new EventEmitter();

  constructor(socket: Socket) {
    this.socket = socket;
    const tell = (note: () => void) => (): void => {
      note();
      this.#events.emit("news");
    };
    socket.on("data", (bytes: Buffer) => {
      this.heard += bytes.toString("latin1");
      this.arrivals += 1;
      this.#events.emit("news");
    });
    socket.on(
      "end",
      tell(() => (this.ended = true)),
    );
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.broken = error.code;
      this.#events.emit("news");
    });
    socket.on(
      "close",
      tell(() => {}),
    );
  }

  say(line: string): void {
    this.socket.write(`${line}\r\n`);
  }

  async until(holds: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(WAIT_MAX_MS);
    while (!holds()) await once(this.#events, "news", { signal });
  }

  async hears(text: string): Promise<void> {
    await this.until(() => this.heard.includes(text));
  }

  async ends(): Promise<void> {
    await this.until(() => this.ended || this.socket.closed);
  }
}

/** Somebody who calls. */
export function dial(port: number): Ear {
  return new Ear(connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true }));
}

export class LineServer {
  readonly ears: Ear[] = [];
  readonly #server: Server;
  readonly #events = new EventEmitter();

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.ears.push(new Ear(socket));
      socket.on("data", (bytes: Buffer) => void socket.write(bytes));
      this.#events.emit("ear");
    });
  }

  static async open(): Promise<LineServer> {
    const server = createServer({ noDelay: true, allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new LineServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The server's end of so many-th connection, from 0. */
  async ear(index: number): Promise<Ear> {
    const signal = AbortSignal.timeout(WAIT_MAX_MS);
    for (;;) {
      const ear = this.ears[index];
      if (ear) return ear;
      await once(this.#events, "ear", { signal });
    }
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const { socket } of this.ears) socket.destroy();
    await closed;
  }
}
