// What became of deliveries, in a file of JSON lines, `deliveries.jsonl`. That an event has to be delivered is not written: it follows from the
// gateway's journal. So nothing is lost when the process dies at any moment; what is missing here is delivered once more.
//
// The first line is how things stood when the file was last made anew:
//   seen      the place in the journal up to which changes were told
//   pending   deliveries of these that had not come to their end; each with `endpoint`, `event`, `attempts`, `since`, `next`, `dropped`
// Each further line is what a delivery, by `endpoint` and `event`, came to:
//   done: true                      acknowledged, or given up
//   attempts, since, next, dropped  as in `pending`: sent in vain, or dropped, or to be sent once more
import { closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";

export interface Delivery {
  readonly endpoint: string;
  readonly event: string;
  /** How often it was sent. */
  readonly attempts: number;
  /** When it came up, in Unix milliseconds of the gateway's clock. */
  readonly since: number;
  /** When it is sent next, in the same; null for as soon as possible. */
  readonly next: number | null;
  /** Not sent until it is released. */
  readonly dropped: boolean;
}

export interface Snapshot {
  readonly seen: number;
  readonly pending: readonly Delivery[];
}

export type Note = Delivery | { readonly endpoint: string; readonly event: string; readonly done: true };

/** Lines and changes between two snapshots, besides as many as there are deliveries. */
const NOTES_MAX = 1000;

export class DeliveryLog {
  readonly #path: string;
  #file: number | null = null;
  #count = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** How things stood; undefined when nothing was ever written. */
  read(): { readonly snapshot: Snapshot; readonly notes: readonly Note[] } | undefined {
    const [first, ...rest] = readLines(this.#path);
    return first === undefined ? undefined : { snapshot: first as Snapshot, notes: rest as Note[] };
  }

  /** Makes the file anew. Throws when it cannot be written. */
  start(snapshot: Snapshot): void {
    const file = openSync(`${this.#path}.new`, "w", 0o600);
    writeFileSync(file, `${JSON.stringify(snapshot)}\n`);
    renameSync(`${this.#path}.new`, this.#path);
    this.close();
    this.#file = file;
    this.#count = 0;
  }

  note(note: Note): void {
    this.#count += 1;
    if (this.#file !== null) writeSync(this.#file, `${JSON.stringify(note)}\n`);
  }

  /** Counts a change that was told. */
  count(): void {
    this.#count += 1;
  }

  /** Whether it is time for a snapshot. */
  isLong(pending: number): boolean {
    return this.#count > NOTES_MAX + 2 * pending;
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}

function readLines(path: string): unknown[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new Error("the gateway's deliveries cannot be read: restore their file, or move it away", { cause: error });
  }
  // A last line that was cut off is as if it had not been written.
  const whole = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return whole.filter((line) => line !== "").map((line) => JSON.parse(line) as unknown);
}
