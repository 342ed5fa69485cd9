// I12: nothing that was planted, and no secret, is in a table, on the stream, in the log, in a trace or in what a caller is told.
import { CANARIES, canaryPattern, secretPattern } from "../../support/canaries.ts";
import type { RecordedMessage } from "../../support/stream-recorder.ts";
import type { Evidence, Query, Violation } from "./invariants.ts";
import type { RequestRecord } from "./record.ts";

/** Something that was told: where, and what. */
export type Telling = readonly [where: string, text: string];

/** Where a caller's notes are kept: in the payment, in the answers that are kept, and in what Stripe says of its own copy. */
const NOTES: Readonly<Record<string, readonly string[]>> = {
  payment: ["description", "metadata"],
  request: ["response"],
  webhook_event: ["body"],
};
/** Rows of one table that are named. */
const ROWS_MAX = 5;
/** How much of a text is shown on either side. */
const AROUND = 250;

interface Found {
  readonly id: string | null;
  readonly name: string;
}

/** Columns that hold what they must not. */
async function findInTable(query: Query, table: string, secrets: readonly string[]): Promise<Violation[]> {
  const columns = (pattern: string, left: readonly string[]) =>
    query<Found>(
      `select coalesce(to_jsonb(t) ->> 'id', to_jsonb(t) ->> 'request_id', to_jsonb(t) ->> 'event_id') as id, c.key as name
        from "${table}" t, jsonb_each_text(to_jsonb(t)) c
        where t::text ~ $1 and c.value ~ $1 and c.key <> all ($2) limit ${ROWS_MAX}`,
      [pattern, left],
    );
  const found = [...(await columns(secretPattern(secrets), [])), ...(await columns(CANARIES.note, NOTES[table] ?? []))];
  return found.map(({ id, name }) => `I12 ${table}.${name} of ${id} holds what it must not`);
}

async function findInTables(query: Query, secrets: readonly string[]): Promise<Violation[]> {
  const tables = await query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public' order by 1",
  );
  const found: Violation[] = [];
  for (const { name } of tables) found.push(...(await findInTable(query, name, secrets)));
  return found;
}

function tellStream(stream: readonly RecordedMessage[]): Telling[] {
  return stream.map(({ sequence, headers, body }) => [
    `message ${sequence}`,
    `${JSON.stringify([...headers])} ${body}`,
  ]);
}

/** Errors alone: what succeeds gives a caller's notes back. */
function tellErrors(requests: readonly RequestRecord[]): Telling[] {
  return requests.flatMap(({ requestId, history, verdicts }) => {
    const errors = verdicts.flatMap((verdict) => (verdict.kind === "fail" ? [JSON.stringify(verdict.error)] : []));
    return [...history, ...errors].map((text): Telling => [`the answer of ${requestId}`, text]);
  });
}

export async function checkLeaks({
  query,
  stream,
  requests,
  secrets = [],
  overheard = [],
}: Evidence): Promise<Violation[]> {
  const pattern = new RegExp(canaryPattern(secrets));
  const told = [...tellStream(stream), ...tellErrors(requests), ...overheard];
  const leaks = told.flatMap(([where, text]) => {
    const found = pattern.exec(text);
    return found
      ? [`I12 ${where} tells what it must not: ${text.slice(Math.max(0, found.index - AROUND), found.index + AROUND)}`]
      : [];
  });
  return [...(await findInTables(query, secrets)), ...leaks];
}
