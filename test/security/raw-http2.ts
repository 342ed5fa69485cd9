// HTTP/2 written by hand, frame by frame, for what no client sends (RFC 9113).
import { once } from "node:events";
import { connect, type Socket } from "node:net";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEAD_BYTES = 9;

export const FRAME = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const FLAG = { none: 0, endStream: 1, endHeaders: 4 } as const;
export const SETTING = { initialWindowSize: 4 } as const;
/** The code of RST_STREAM that says that the caller lost interest. */
const CANCEL = Buffer.from([0, 0, 0, 8]);

export interface Frame {
  readonly type: number;
  readonly flags?: number;
  readonly stream?: number;
  readonly payload?: Buffer;
}

export function printFrame({ type, flags = FLAG.none, stream = 0, payload = Buffer.alloc(0) }: Frame): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Header fields as HPACK's literals without indexing; names and values below 127 bytes. */
export function printFields(fields: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  return Buffer.concat(Object.entries(fields).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

export function printSetting(id: number, value: number): Buffer {
  const setting = Buffer.alloc(6);
  setting.writeUInt16BE(id, 0);
  setting.writeUInt32BE(value, 2);
  return setting;
}

export function resetOf(stream: number): Buffer {
  return printFrame({ type: FRAME.resetStream, stream, payload: CANCEL });
}

/** The head of a call by gRPC. */
export function callFields(path: string): Record<string, string> {
  return {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
  };
}

/** A connection that has begun to speak HTTP/2, and reads nothing but what kind of frames come. */
export class RawSession {
  /** Frames that came, by their type. */
  readonly received = new Map<number, number>();
  readonly #socket: Socket;
  #left = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("data", (bytes) => this.#read(bytes));
  }

  static async open(port: number, settings: Buffer = Buffer.alloc(0)): Promise<RawSession> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    const session = new RawSession(socket);
    session.write(Buffer.concat([Buffer.from(PREFACE), printFrame({ type: FRAME.settings, payload: settings })]));
    return session;
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Sends bytes; gives whether the connection took them, once it did. */
  async send(bytes: Buffer): Promise<boolean> {
    if (this.isClosed) return false;
    if (this.write(bytes)) return !this.isClosed;
    await Promise.race([once(this.#socket, "drain"), once(this.#socket, "close")]).catch(() => {});
    return !this.isClosed;
  }

  write(bytes: Buffer): boolean {
    return this.#socket.write(bytes);
  }

  /** Stops to read. */
  deafen(): void {
    this.#socket.pause();
  }

  /** Waits for a frame of a type. */
  async got(type: number): Promise<void> {
    while (!this.received.has(type)) {
      if (this.isClosed) throw new Error("the connection was closed first");
      await Promise.race([once(this.#socket, "data"), once(this.#socket, "close")]);
    }
  }

  async closed(): Promise<void> {
    if (!this.isClosed) await once(this.#socket, "close");
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    this.#left = Buffer.concat([this.#left, bytes]);
    while (this.#left.length >= FRAME_HEAD_BYTES) {
      const length = FRAME_HEAD_BYTES + this.#left.readUIntBE(0, 3);
      if (this.#left.length < length) return;
      const type = this.#left.readUInt8(3);
      this.received.set(type, (this.received.get(type) ?? 0) + 1);
      this.#left = this.#left.subarray(length);
    }
  }
}
