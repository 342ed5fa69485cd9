// The gateway's memory: a file of JSON lines, one for each effect, that is only ever appended to, and written before the gateway answers.
// It survives the death of the process, not a power cut. A last line that was cut off in the middle was never answered, and is dropped.
//
// A line, whose fields keep their names and meaning from release to release:
//   at           when, ISO 8601
//   effect       what happened to money; see EffectName in step.ts
//   intent       the intent's id
//   charge, refund, dispute, amount (decimal string, in the unit in which it was sent): where the effect has them
//   currency     lower case
//   metadata     of the payment, as its creator sent it
//   key, fingerprint   the request's idempotency key and a digest of what it asked; null for what the clock did
//   answer, error      the id of the object that was answered, and the error where one was
//   before       the byte at which the payment's line before this one begins; null for its first. Absent in lines of the first release
//   due          when the clock next acts on the payment, in Unix milliseconds; null for never. Absent in lines of the first release
//   life         all objects of the payment after the effect; the last field. Lives of the first release have no disputes, and less in some
//                objects: what is missing is filled in when they are read
import { closeSync, constants, fstatSync, ftruncateSync, mkdirSync, openSync, write } from "node:fs";
import { dirname } from "node:path";
import { completeEntry } from "./complete-entry.ts";
import { placesBefore, readLine, scanLines } from "./journal-lines.ts";
import type { GatewayError, Life, Metadata } from "./objects.ts";
import type { EffectName } from "./step.ts";
import { parseWire, printWire } from "./wire-json.ts";

export interface JournalEntry {
  readonly at: string;
  readonly effect: EffectName;
  readonly intent: string;
  readonly charge?: string;
  readonly refund?: string;
  readonly dispute?: string;
  readonly amount?: string;
  readonly currency: string;
  readonly metadata: Metadata;
  readonly key: string | null;
  readonly fingerprint: string | null;
  readonly answer: string | null;
  readonly error: GatewayError | null;
  readonly before?: number | null;
  readonly due?: number | null;
  readonly life: Life;
}

/** A line without its life, which is most of it. */
export type JournalHead = Omit<JournalEntry, "life">;

interface Line {
  readonly offset: number;
  readonly text: string;
}

const LIFE_BEGINS = ',"life":{';

export class Journal {
  readonly #file: number;
  #end: number;
  #waiting: Line[] = [];
  #writing: Line[] = [];
  /** Settles when what is waiting is written; null when nothing waits. */
  #turn: PromiseWithResolvers<void> | null = null;
  #idle: PromiseWithResolvers<void> | null = null;
  #latest: Promise<void> = Promise.resolve();
  #broken: Error | null = null;

  /** Opens or makes the file, and tells `replay` each line with its place, in order. */
  constructor(path: string, replay: (head: JournalHead, offset: number) => void) {
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o600);
    this.#end = scanLines(this.#file, 0, (line, offset) => replay(parseHead(line, offset), offset));
    if (fstatSync(this.#file).size > this.#end) ftruncateSync(this.#file, this.#end);
  }

  /** A write failed: nothing goes on. */
  get broken(): boolean {
    return this.#broken !== null;
  }

  /** Where the next line will begin. */
  get end(): number {
    return this.#end;
  }

  /** Takes a line. Its place is known at once; `written` settles once the operating system has it. */
  append(entry: JournalEntry): { readonly offset: number; readonly written: Promise<void> } {
    this.#checkSound();
    const text = `${printWire(entry)}\n`;
    const offset = this.#end;
    this.#end += Buffer.byteLength(text);
    this.#waiting.push({ offset, text });
    if (this.#turn === null) {
      this.#turn = Promise.withResolvers();
      this.#latest = this.#turn.promise;
      // Whoever waits for a line sees the failure; a line that nobody waits for must not end the process.
      this.#latest.catch(() => undefined);
    }
    if (this.#idle === null) {
      this.#idle = Promise.withResolvers();
      // What is appended during this turn of the event loop goes out in one write.
      setImmediate(() => this.#flush());
    }
    return { offset, written: this.#turn.promise };
  }

  /** Reads the line at a place that `append` or the replay gave. */
  read(offset: number): JournalEntry {
    return completeEntry(parseWire(this.#line(offset).toString()) as JournalEntry);
  }

  /** Reads the same without its life, in a fraction of the time. */
  readHead(offset: number): JournalHead {
    return parseHead(this.#line(offset), offset);
  }

  /** The places of all lines, or of those before a place, the last first. */
  *backwards(place = this.#end): Generator<number> {
    const unwritten = [...this.#writing, ...this.#waiting].map((line) => line.offset);
    const written = unwritten[0] ?? this.#end;
    yield* unwritten.filter((offset) => offset < place).reverse();
    yield* placesBefore(this.#file, Math.min(place, written));
  }

  /** The places of the lines from a place on that are written by now, in order, and the place behind them. */
  placesFrom(place: number): { readonly places: number[]; readonly end: number } {
    const places: number[] = [];
    const end = scanLines(this.#file, Math.min(place, this.#end), (_line, offset) => places.push(offset));
    return { places, end };
  }

  /** Settles once everything taken so far is written: before that, nobody may be told of it. */
  written(): Promise<void> {
    return this.#latest;
  }

  /** Waits for what is under way, and closes the file. */
  async close(): Promise<void> {
    await this.#idle?.promise;
    closeSync(this.#file);
  }

  /** After a failed write nobody knows where the next line would land, and memory knows more than the file: nothing goes on. */
  #checkSound(): void {
    if (this.#broken) throw new Error("the gateway's journal cannot be written", { cause: this.#broken });
  }

  #line(offset: number): Buffer {
    this.#checkSound();
    const at = (line: Line): boolean => line.offset === offset;
    const unwritten = this.#writing.find(at) ?? this.#waiting.find(at);
    return unwritten ? Buffer.from(unwritten.text) : readLine(this.#file, offset);
  }

  #flush(): void {
    const turn = this.#turn;
    if (turn === null) {
      this.#idle?.resolve();
      this.#idle = null;
      return;
    }
    this.#writing = this.#waiting;
    this.#waiting = [];
    this.#turn = null;
    this.#write(Buffer.from(this.#writing.map((line) => line.text).join("")), (error) => {
      if (error) this.#broken ??= error;
      else this.#writing = [];
      if (this.#broken) turn.reject(new Error("the gateway's journal was not written", { cause: this.#broken }));
      else turn.resolve();
      this.#flush();
    });
  }

  #write(bytes: Buffer, done: (error: Error | null) => void): void {
    if (this.#broken) return done(this.#broken);
    write(this.#file, bytes, (error, count) => {
      if (error || count === bytes.length) return done(error);
      this.#write(bytes.subarray(count), done);
    });
  }
}

function parseHead(line: Buffer, offset: number): JournalHead {
  try {
    // Nothing before it can look like this: of what comes first, only metadata has keys of strangers, and its values are texts.
    const end = line.indexOf(LIFE_BEGINS);
    return JSON.parse(`${line.toString("utf8", 0, end === -1 ? line.length : end)}}`) as JournalHead;
  } catch (cause) {
    throw new Error(`the gateway's journal is damaged at byte ${offset}: restore the file, or move it away`, { cause });
  }
}
