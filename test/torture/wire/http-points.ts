// The points of a connection to the provider, which speaks HTTP/1.1 (RFC 9112): a request that is about to be sent, once it is whole, and its answer, once that
// is.
import { type Dialect, type Direction, Intake, type Piece, pieceOf } from "./dialect.ts";

const HEAD_END = "\r\n\r\n";
const LINE_END = "\r\n";
/** `pi_3f…`, `cs_test_…`; never `payment_intents` or `v1`. */
const ID = /^[a-z]{2,4}_\w{6,}$/;

interface Head {
  readonly firstLine: string;
  /** Its length in bytes, the empty line included. */
  readonly length: number;
  /** Null: it is sent in chunks. Undefined: the head says nothing of it. */
  readonly bodyLength: number | null | undefined;
}

interface Asked {
  readonly method: string;
  readonly label: string;
}

function readHead(bytes: Buffer): Head | undefined {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const [firstLine = "", ...lines] = bytes.toString("latin1", 0, end).split(LINE_END);
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const length = headers.get("content-length");
  const isChunked = headers.get("transfer-encoding")?.toLowerCase() === "chunked";
  return {
    firstLine,
    length: end + HEAD_END.length,
    bodyLength: isChunked ? null : length === undefined ? undefined : Number(length),
  };
}

/** Where a body of chunks ends; undefined while it has not. */
function endOfChunks(bytes: Buffer, start: number): number | undefined {
  for (let offset = start; ; ) {
    const lineEnd = bytes.indexOf(LINE_END, offset);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", offset, lineEnd), 16);
    offset = lineEnd + LINE_END.length + size + LINE_END.length;
    if (size === 0) return offset <= bytes.length ? offset : undefined;
  }
}

function takeWhole(intake: Intake, { length, bodyLength }: Head): Buffer | undefined {
  const end = bodyLength === null ? endOfChunks(intake.bytes, length) : length + (bodyLength ?? 0);
  return end === undefined ? undefined : intake.take(end);
}

/** `POST /v1/refunds`: method and path, without ids. */
function labelOf(firstLine: string): Asked {
  const [method = "", target = ""] = firstLine.split(" ");
  const [path = ""] = target.split("?");
  const words = path.split("/").map((word) => (ID.test(word) ? ":id" : word));
  return { method, label: `${method} ${words.join("/")}` };
}

export class HttpDialect implements Dialect {
  readonly #up = new Intake();
  readonly #down = new Intake();
  /** Requests that are not answered yet, oldest first. */
  readonly #asked: Asked[] = [];

  read(direction: Direction, chunk: Buffer): Piece[] {
    const intake = direction === "up" ? this.#up : this.#down;
    intake.add(chunk);
    const pieces: Piece[] = [];
    const next = (): Piece | undefined => (direction === "up" ? this.#request() : this.#answer());
    for (let piece = next(); piece; piece = next()) pieces.push(piece);
    return pieces;
  }

  /** An answer whose length was not told ends with its connection. */
  rest(direction: Direction): Piece[] {
    if (direction === "up") return pieceOf(this.#up.takeAll());
    const bytes = this.#down.takeAll();
    const label = this.#asked.shift()?.label ?? "";
    return bytes.length === 0 ? [] : [{ bytes, point: { on: "provider", side: "receive", label } }];
  }

  #request(): Piece | undefined {
    const head = readHead(this.#up.bytes);
    const bytes = head && takeWhole(this.#up, head);
    if (!bytes) return undefined;
    const asked = labelOf(head.firstLine);
    this.#asked.push(asked);
    return { bytes, point: { on: "provider", side: "send", label: asked.label } };
  }

  #answer(): Piece | undefined {
    const head = readHead(this.#down.bytes);
    if (!head) return undefined;
    const status = Number(head.firstLine.split(" ")[1]);
    const isInterim = status < 200;
    const hasNoBody = isInterim || status === 204 || status === 304 || this.#asked[0]?.method === "HEAD";
    if (!hasNoBody && head.bodyLength === undefined) return undefined;
    const bytes = hasNoBody ? this.#down.take(head.length) : takeWhole(this.#down, head);
    if (!bytes) return undefined;
    if (isInterim) return { bytes };
    return { bytes, point: { on: "provider", side: "receive", label: this.#asked.shift()?.label ?? "" } };
  }
}
