// The points of a connection to PostgreSQL (its documentation, "Frontend/Backend Protocol"). A request goes on when it is whole: with its Sync, or as a simple
// query. So does its answer: with its ReadyForQuery, by which time what it wrote is committed. Copying and encryption are not understood.
import { type Dialect, type Direction, Intake, type Piece, pieceOf } from "./dialect.ts";

const LENGTH_BYTES = 4;
const CANCEL_REQUEST = 80_877_102;
const PROTOCOL_3 = 3;
const LABEL_WORDS = 3;
const LABEL_MAX = 60;

const PARSE = "P";
const BIND = "B";
const SYNC = "S";
const QUERY = "Q";
const TERMINATE = "X";
const READY_FOR_QUERY = "Z";

/** The text from an offset to the next zero byte, and where the next field begins. */
function readText(frame: Buffer, offset: number): { text: string; next: number } {
  const end = frame.indexOf(0, offset);
  return { text: frame.toString("utf8", offset, end), next: end + 1 };
}

/** The first words of a statement without a name. */
function firstWords(sql: string): string {
  return sql.trim().split(/\s+/).slice(0, LABEL_WORDS).join(" ").slice(0, LABEL_MAX);
}

const BODY = 1 + LENGTH_BYTES;

export class PostgresDialect implements Dialect {
  readonly #up = new Intake();
  readonly #down = new Intake();
  #begun = false;
  #ready = false;
  /** Of the request that is being sent. */
  #frames: Buffer[] = [];
  #label = "";
  #unnamed = "";
  /** Requests that are not answered yet, oldest first. */
  readonly #asked: string[] = [];
  #answer: Buffer[] = [];

  read(direction: Direction, chunk: Buffer): Piece[] {
    if (direction === "up") this.#up.add(chunk);
    else this.#down.add(chunk);
    return direction === "up" ? this.#readRequests() : this.#readAnswers();
  }

  rest(direction: Direction): Piece[] {
    const held = direction === "up" ? this.#frames : this.#answer;
    const intake = direction === "up" ? this.#up : this.#down;
    return pieceOf(Buffer.concat([...held.splice(0), intake.takeAll()]));
  }

  #readRequests(): Piece[] {
    const pieces = this.#begun ? [] : this.#readStartup();
    if (!this.#begun) return pieces;
    for (let frame = takeFrame(this.#up); frame; frame = takeFrame(this.#up)) pieces.push(...this.#request(frame));
    return pieces;
  }

  /** The first message has no type. */
  #readStartup(): Piece[] {
    const { bytes } = this.#up;
    if (bytes.length < LENGTH_BYTES * 2) return [];
    const code = bytes.readUInt32BE(LENGTH_BYTES);
    if (code !== CANCEL_REQUEST && code >>> 16 !== PROTOCOL_3)
      throw new Error(`a start that is not understood: ${code}`);
    const startup = this.#up.take(bytes.readUInt32BE(0));
    if (!startup) return [];
    this.#begun = true;
    return pieceOf(startup);
  }

  #request(frame: Buffer): Piece[] {
    const type = String.fromCharCode(frame[0] ?? 0);
    // The password, before the first ReadyForQuery, and the end need no answer of their own.
    if (type === TERMINATE || !this.#ready) return pieceOf(frame);
    this.#frames.push(frame);
    if (type === PARSE) this.#notePreparation(frame);
    if (type === BIND) this.#label = this.#boundName(frame);
    if (type === QUERY) this.#label = firstWords(readText(frame, BODY).text);
    if (type !== SYNC && type !== QUERY) return [];
    this.#asked.push(this.#label);
    const bytes = Buffer.concat(this.#frames.splice(0));
    return [{ bytes, point: { on: "database", side: "send", label: this.#label } }];
  }

  #notePreparation(frame: Buffer): void {
    const { text: name, next } = readText(frame, BODY);
    const words = firstWords(readText(frame, next).text);
    if (name === "") this.#unnamed = words;
    this.#label = name || words;
  }

  #boundName(frame: Buffer): string {
    const { next } = readText(frame, BODY);
    return readText(frame, next).text || this.#unnamed;
  }

  #readAnswers(): Piece[] {
    const pieces: Piece[] = [];
    for (let frame = takeFrame(this.#down); frame; frame = takeFrame(this.#down)) pieces.push(...this.#answered(frame));
    return pieces;
  }

  #answered(frame: Buffer): Piece[] {
    const isReady = String.fromCharCode(frame[0] ?? 0) === READY_FOR_QUERY;
    if (isReady) this.#ready = true;
    // Of the start, or a notification: nobody asked.
    if (this.#asked.length === 0) return pieceOf(frame);
    this.#answer.push(frame);
    if (!isReady) return [];
    const label = this.#asked.shift() ?? "";
    return [{ bytes: Buffer.concat(this.#answer.splice(0)), point: { on: "database", side: "receive", label } }];
  }
}

/** A whole message, its type and length included. */
function takeFrame(intake: Intake): Buffer | undefined {
  const { bytes } = intake;
  return bytes.length < BODY ? undefined : intake.take(1 + bytes.readUInt32BE(1));
}
