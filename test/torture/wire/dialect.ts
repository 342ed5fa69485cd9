// How a wire understands what passes over one connection: it takes the bytes apart where a point lies.
import type { Point } from "./point.ts";

/** From the service to the server, and back. */
export type Direction = "up" | "down";

/** Bytes that belong together; where there is a point, it comes before they are passed on. */
export interface Piece {
  readonly bytes: Buffer;
  readonly point?: Point;
}

/** Of one connection. It sees every byte of both directions, each direction in its order. */
export interface Dialect {
  read(direction: Direction, chunk: Buffer): Piece[];
  /** What was held back, because it was not whole, when its sender ended the connection. */
  rest(direction: Direction): Piece[];
}

/** What is held back of one direction at most. */
const HELD_MAX_BYTES = 64 * 1024 * 1024;

/** Bytes of one direction, from which whole messages are taken. */
export class Intake {
  #bytes: Buffer = Buffer.alloc(0);

  get bytes(): Buffer {
    return this.#bytes;
  }

  add(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    if (this.#bytes.length > HELD_MAX_BYTES) throw new Error("a message on the wire is too long");
  }

  /** Undefined while there are fewer. */
  take(length: number): Buffer | undefined {
    if (this.#bytes.length < length) return undefined;
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }

  takeAll(): Buffer {
    const all = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    return all;
  }
}

export function pieceOf(bytes: Buffer): Piece[] {
  return bytes.length === 0 ? [] : [{ bytes }];
}
