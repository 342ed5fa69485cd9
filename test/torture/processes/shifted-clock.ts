// Loaded into a process by --import: its clock is wrong. The file `clock` beside the data directory says by how many milliseconds; there is none at first. The
// file is read at the start and on SIGUSR2, and each time the log says so. Only Date is wrong: timers and performance.now() go on as they are.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const file = join(process.env["DATA_DIR"] ?? "", "../clock");
const RightDate = Date;
let aheadMs = 0;

function readOffset(): void {
  try {
    aheadMs = Number(readFileSync(file, "utf8"));
  } catch {
    aheadMs = 0;
  }
  process.stdout.write(`${JSON.stringify({ level: 30, msg: "clock shifted", aheadMs })}\n`);
}

function now(): number {
  return RightDate.now() + aheadMs;
}

globalThis.Date = new Proxy(RightDate, {
  construct: (target, given: unknown[], made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made),
  apply: () => new RightDate(now()).toString(),
  get: (target, key) => (key === "now" ? now : (Reflect.get(target, key) as unknown)),
});

readOffset();
process.on("SIGUSR2", readOffset);
