// One connection over a wire: the service's side, and the server's.
//
// It is WHOLE until something on it is lost. Then it is LOST in that direction for good, since bytes that follow a gap are worth nothing: it stays open, and
// silent. A loss in a blackhole, or a point that is swallowed, loses both directions; a half-open wire loses what comes down. The service never hears that the
// server has left a link that is lost that way, and has to find out by itself; the server hears that the service has left as soon as the wire lets it through,
// for otherwise its connections would run out. A link ends when both sides have ended it, or when it is reset.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import type { Condition } from "./condition.ts";
import type { Dialect, Direction, Piece } from "./dialect.ts";
import type { Watch } from "./point.ts";

/** What a link has from its wire, as it is at the moment. */
export interface Surroundings {
  readonly condition: Condition;
  readonly watch: Watch | null;
}

export interface Target {
  readonly host: string;
  readonly port: number;
}

/**
 * Resets a connection. One that is still being dialled has nothing to reset; and one whose end is just being sent cannot be (libuv's uv_tcp_close_reset): Node
 * would keep it for ever.
 */
function breakOff(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished;
  if (socket.connecting || isEnding) socket.destroy();
  else socket.resetAndDestroy();
}

export class Link {
  readonly #wire: Surroundings;
  readonly #dialect: Dialect;
  readonly #client: Socket;
  /** Undefined: it was opened in a blackhole, and nobody was dialled. */
  readonly #server: Socket | undefined;
  readonly #lost: Record<Direction, boolean> = { up: false, down: false };
  readonly #over = new AbortController();
  /** When both sides are gone. */
  readonly ended: Promise<unknown>;

  constructor(client: Socket, { wire, dialect, target }: { wire: Surroundings; dialect: Dialect; target: Target }) {
    this.#wire = wire;
    this.#dialect = dialect;
    this.#client = client;
    if (wire.condition.kind === "blackhole") this.#lose("up", "down");
    else this.#server = connect({ ...target, allowHalfOpen: true, noDelay: true });
    const sockets = [this.#client, ...(this.#server ? [this.#server] : [])];
    for (const socket of sockets) socket.on("error", () => {});
    this.ended = Promise.all(sockets.map(closeOf)).finally(() => this.#over.abort());
    void this.#carry("up", client, this.#server);
    if (this.#server) void this.#carry("down", this.#server, client);
  }

  get isLost(): boolean {
    return this.#lost.up || this.#lost.down;
  }

  /** Ends it on both sides, as a crash of a router would. */
  reset(): void {
    this.#over.abort();
    breakOff(this.#client);
    if (this.#server) breakOff(this.#server);
  }

  /** The wire lets through again what was hidden: the server hears that the service has left. */
  settle(): void {
    if (this.isLost && (this.#client.closed || this.#client.readableEnded)) this.reset();
  }

  #lose(...directions: Direction[]): void {
    for (const direction of directions) this.#lost[direction] = true;
  }

  async #carry(direction: Direction, from: Socket, to: Socket | undefined): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false }))
        await this.#conveyAll(direction, this.#dialect.read(direction, chunk as Buffer), to);
      await this.#conveyAll(direction, this.#dialect.rest(direction), to);
      this.#tellOfEnd(direction, () => to?.end());
    } catch {
      // The side broke off, or said what the dialect does not understand.
      from.destroy();
      this.#tellOfEnd(direction, () => this.reset());
    }
  }

  async #conveyAll(direction: Direction, pieces: readonly Piece[], to: Socket | undefined): Promise<void> {
    for (const piece of pieces) {
      if (this.#over.signal.aborted) return;
      if (!this.#lost[direction] && to) await this.#convey(direction, piece, to);
    }
  }

  async #convey(direction: Direction, { bytes, point }: Piece, to: Socket): Promise<void> {
    const act = (point && (await this.#wire.watch?.(point))) ?? "pass";
    switch (act) {
      case "pass":
        return this.#pass(direction, bytes, to);
      case "swallow":
        return this.#lose("up", "down");
      case "cut":
        return this.reset();
    }
  }

  async #pass(direction: Direction, bytes: Buffer, to: Socket): Promise<void> {
    let left = bytes;
    // The wire may change while a piece is on it.
    while (left.length > 0 && !this.#lost[direction] && !this.#over.signal.aborted) {
      const { condition } = this.#wire;
      const portion = condition.kind === "trickle" ? left.subarray(0, condition.bytes) : left;
      if (await this.#waitAndLose(direction, condition)) return;
      await this.#write(to, portion);
      left = left.subarray(portion.length);
    }
  }

  /** Gives whether what was to be passed on is lost. */
  async #waitAndLose(direction: Direction, condition: Condition): Promise<boolean> {
    switch (condition.kind) {
      case "clear":
      case "refuse":
        return false;
      case "latency":
        await this.#wait(condition.ms + (2 * Math.random() - 1) * condition.jitterMs);
        return false;
      case "trickle":
        await (condition.everyMs === 0 ? turn() : this.#wait(condition.everyMs));
        return false;
      case "blackhole":
        this.#lose("up", "down");
        return true;
      case "half-open":
        if (direction === "down") this.#lose("down");
        return direction === "down";
    }
  }

  /** The end of what one side says: passed on, save where it is lost. */
  #tellOfEnd(direction: Direction, tell: () => void): void {
    const { kind } = this.#wire.condition;
    if (kind === "blackhole") this.#lose("up", "down");
    if (kind === "half-open" && direction === "down") this.#lose("down");
    if (!this.isLost) return tell();
    // Nobody hears the side that has ended, and the side that is left is not told, save by settle().
    (direction === "up" ? this.#client : this.#server)?.destroy();
    if (direction === "up" && kind !== "blackhole") this.reset();
  }

  async #wait(ms: number): Promise<void> {
    await delay(Math.max(0, ms), undefined, { signal: this.#over.signal }).catch(() => {});
  }

  async #write(to: Socket, bytes: Buffer): Promise<void> {
    if (to.destroyed || to.write(bytes)) return;
    await once(to, "drain", { signal: this.#over.signal }).catch(() => {});
  }
}

/** A socket closes however it ends; once() would make an error of a reset. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}
