// Stands between one process of the service and its nats-server. It can keep back what the one says to the other, as a network does on which packets are stuck,
// or be away altogether. What was kept back is passed on later, in its order.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** What is kept back: what the service says, what it is answered, or both. */
export type Held = "nothing" | "sayings" | "answers" | "everything";

/** How NATS' protocol begins a message with headers on one of our subjects. */
const PUBLISHES = /HPUB payment\./g;

/** One direction of one connection. */
class Stretch {
  readonly #to: Socket;
  readonly #isHeld: () => boolean;
  #kept: Buffer[] = [];
  #isOver = false;

  constructor(from: Socket, to: Socket, isHeld: () => boolean) {
    this.#to = to;
    this.#isHeld = isHeld;
    from.on("data", (bytes: Buffer) => {
      if (isHeld()) this.#kept.push(bytes);
      else to.write(bytes);
    });
    from.on("end", () => this.#finish());
    from.on("close", () => this.#finish());
    from.on("error", () => {});
  }

  /** Messages of ours among what is kept back. */
  get messages(): number {
    return Buffer.concat(this.#kept).toString("latin1").match(PUBLISHES)?.length ?? 0;
  }

  flow(): void {
    if (this.#isHeld()) return;
    for (const bytes of this.#kept) this.#to.write(bytes);
    this.#kept = [];
    if (this.#isOver) this.#to.end();
  }

  /** The end is no faster than what was said before it. */
  #finish(): void {
    this.#isOver = true;
    this.flow();
  }
}

export class Valve {
  readonly #target: URL;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #sayings = new Set<Stretch>();
  readonly #answers = new Set<Stretch>();
  #held: Held = "nothing";
  #isAway = false;
  #port = 0;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#pass(client));
  }

  static async open(url: string): Promise<Valve> {
    const valve = new Valve(new URL(url));
    valve.#server.listen(0, "127.0.0.1");
    await once(valve.#server, "listening");
    valve.#port = (valve.#server.address() as AddressInfo).port;
    return valve;
  }

  /** The server's address, by way of the valve. */
  get url(): string {
    const url = new URL(this.#target);
    url.port = String(this.#port);
    return url.href;
  }

  /** Messages that the service sent, and that are kept back. */
  get messagesHeld(): number {
    return [...this.#sayings].reduce((sum, stretch) => sum + stretch.messages, 0);
  }

  hold(held: Held): void {
    this.#held = held;
    for (const stretch of [...this.#sayings, ...this.#answers]) stretch.flow();
  }

  /** Ends every connection, and takes none until it is back. */
  leave(): void {
    this.#isAway = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  comeBack(): void {
    this.#isAway = false;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, "close");
  }

  #pass(client: Socket): void {
    if (this.#isAway) return void client.resetAndDestroy();
    const server = connect({ port: Number(this.#target.port), host: this.#target.hostname, allowHalfOpen: true });
    const holds = (direction: Held) => (): boolean => this.#held === direction || this.#held === "everything";
    const saying = new Stretch(client, server, holds("sayings"));
    const answer = new Stretch(server, client, holds("answers"));
    this.#sayings.add(saying);
    this.#answers.add(answer);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    }
    // A connection that NATS ended is over; one that the service ended may have left something behind.
    server.on("close", () => {
      client.destroy();
      this.#sayings.delete(saying);
      this.#answers.delete(answer);
    });
  }
}
