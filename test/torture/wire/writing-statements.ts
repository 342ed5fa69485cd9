// The statements of the service that write, as its source has them: what is not listed here by its name is found all the same.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../../src/db");
/** A statement: its name, and its text, which may have templates within. */
const STATEMENT = /name: "([\w-]+)",\s*text:\s*(`(?:[^`\\]|\\.)*`|"[^"]*")/g;
const WRITES = /\b(?:insert into|update \w+ \w* ?set|delete from)\b/;

/** Those that nobody waits for, or that come about only where something else was lost before; each with its reason. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "bring-forward": "comes when the provider was away for long; lost, all waits its time as before",
  "bring-webhooks-forward": "the same for webhooks",
  "release-lease": "comes when the service stops",
  "mark-unpublished": "comes when the stream lost messages",
  "adopt-payment": "comes when rows were lost",
  "record-run": "tells of a reconciliation, and moves nothing",
};

export function findWritingStatements(): string[] {
  const names = globSync("**/*.ts", { cwd: FOLDER, exclude: ["migrations/**"] }).flatMap((file) => {
    const source = readFileSync(join(FOLDER, file), "utf8");
    return [...source.matchAll(STATEMENT)].flatMap(([, name = "", text = ""]) => (WRITES.test(text) ? [name] : []));
  });
  return names.filter((name) => !(name in ELSEWHERE)).toSorted();
}
