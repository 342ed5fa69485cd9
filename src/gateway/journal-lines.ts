// Finds and reads the lines of a file of lines, from the start, from the end, or at a place.
import { readSync } from "node:fs";

const NEWLINE = 10;
const READ_BYTES = 4096;
const SCAN_BYTES = 1024 * 1024;
const BACK_BYTES = 64 * 1024;

/** Tells each whole line from a place on, with its own place. Answers where the last whole line ends. */
export function scanLines(file: number, from: number, tell: (line: Buffer, offset: number) => void): number {
  const chunk = Buffer.allocUnsafe(SCAN_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  let offset = from;
  for (;;) {
    const count = readSync(file, chunk, 0, chunk.length, offset + rest.length);
    if (count === 0) return offset;
    const bytes = Buffer.concat([rest, chunk.subarray(0, count)]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      tell(bytes.subarray(start, end), offset + start);
      start = end + 1;
    }
    offset += start;
    rest = bytes.subarray(start);
  }
}

/** The places of the lines before a place at which a line begins, the last first. */
export function* placesBefore(file: number, place: number): Generator<number> {
  let end = place;
  let bytes = Buffer.alloc(0);
  /** Where `bytes` begins. */
  let from = end;
  while (end > 0) {
    // The byte before `end` is the newline of the line that is looked for.
    const newline = end - 1 > from ? bytes.lastIndexOf(NEWLINE, end - 2 - from) : -1;
    if (newline !== -1 || from === 0) {
      end = from + newline + 1;
      yield end;
      continue;
    }
    const start = Math.max(0, from - BACK_BYTES);
    const more = Buffer.allocUnsafe(from - start);
    readSync(file, more, 0, more.length, start);
    bytes = Buffer.concat([more, bytes.subarray(0, end - from)]);
    from = start;
  }
}

/** Reads the line at a place. */
export function readLine(file: number, offset: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = offset; ; at += READ_BYTES) {
    const chunk = Buffer.allocUnsafe(READ_BYTES);
    const count = readSync(file, chunk, 0, READ_BYTES, at);
    if (count === 0) throw new Error(`the gateway's journal ends within the line at byte ${offset}`);
    const end = chunk.subarray(0, count).indexOf(NEWLINE);
    parts.push(chunk.subarray(0, end === -1 ? count : end));
    if (end !== -1) return Buffer.concat(parts);
  }
}
