// Runs a named statement, which PostgreSQL parses and plans once per connection. Every statement is a transaction of its own and takes one
// parameter: a set, as JSON. It is one round trip, whatever the size of the set.
import type { Pool, QueryResultRow } from "pg";
import { isHeard, tellStatement } from "./statement-channel.ts";

/**
 * PostgreSQL cannot be reached, ended the statement, or has no room for it. Where `mayBeWritten` is false the statement had certainly no effect.
 */
export class DatabaseUnavailable extends Error {
  override readonly name = "DatabaseUnavailable";
  readonly mayBeWritten: boolean;

  constructor(message: string, mayBeWritten: boolean, cause: unknown) {
    super(message, { cause });
    this.mayBeWritten = mayBeWritten;
  }
}

export interface NamedQuery {
  readonly name: string;
  readonly text: string;
}

const INT8 = 20;
const TIMESTAMPTZ = 1184;
const JSON_TYPES: ReadonlySet<number> = new Set([114, 3802]);
const INTEGERS: ReadonlySet<number> = new Set([21, 23]);
const BOOLEAN = 16;

/** Reads columns as records.ts wants them: integers beyond 2^53 as bigint, times as Date. Sessions speak UTC, so `+00` ends every time. */
const types = {
  getTypeParser(oid: number) {
    if (oid === INT8) return BigInt;
    if (oid === TIMESTAMPTZ) return (text: string) => new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`);
    if (JSON_TYPES.has(oid)) return JSON.parse;
    if (INTEGERS.has(oid)) return Number;
    if (oid === BOOLEAN) return (text: string) => text === "t";
    return (text: string) => text;
  },
};

/** SQLSTATEs (PostgreSQL, appendix A) of a server that refuses connections: nothing was run. */
const REFUSED = new Set(["57P03"]);
/** Statement ended by a time-out or for a lock: rolled back. */
const ROLLED_BACK = new Set(["57014", "55P03", "40001", "40P01", "25P03"]);
/** No room on the disk, no memory, no connection left: what passes once there is some, and is no statement's fault. */
const RESOURCES_CLASS = "53";
const IO_ERROR = "58030";
const CONNECTION_CLASS = "08";
const SHUTDOWN = new Set(["57P01", "57P02"]);
/** Classes of errors that one row of a set can cause: bad data, a constraint, a conflict with another transaction. */
const ROW_CLASSES = new Set(["22", "23", "40"]);

/** Whether PostgreSQL could not do it for want of something, or of a disk that works. */
function wantsResources(state: string): boolean {
  return state.startsWith(RESOURCES_CLASS) || state === IO_ERROR;
}

/** The code of PostgreSQL's own errors, which alone have a severity; sockets have codes too. */
function sqlState(error: unknown): string | undefined {
  const { code, severity } = error as { code?: string; severity?: string };
  return severity === undefined ? undefined : code;
}

/** An error after which the connection goes on. `FATAL` and `PANIC` end it. */
function isPlainError(error: unknown): boolean {
  return (error as { severity?: string }).severity === "ERROR";
}

/** Whether the rest of a set may succeed without the row that caused this. */
export function isRowError(error: unknown): boolean {
  const state = sqlState(error instanceof DatabaseUnavailable ? error.cause : error);
  return state !== undefined && ROW_CLASSES.has(state.slice(0, 2));
}

/** Whether a constraint refused a row. */
export function violates(error: unknown, constraint: string): boolean {
  return sqlState(error)?.startsWith("23") === true && (error as { constraint?: string }).constraint === constraint;
}

/** Tells a database that is away from a statement that is at fault, whose error is given back as it is. */
export function translateDatabaseError(error: unknown, connected: boolean): unknown {
  const state = sqlState(error);
  const message = error instanceof Error ? error.message : String(error);
  if (!connected) return new DatabaseUnavailable(message, false, error);
  if (state === undefined) return new DatabaseUnavailable(message, true, error);
  if (REFUSED.has(state) || ROLLED_BACK.has(state)) return new DatabaseUnavailable(message, false, error);
  // A plain error has rolled the statement back. What ends the whole server, as a full disk of its log does, may have come after the commit.
  if (wantsResources(state)) return new DatabaseUnavailable(message, !isPlainError(error), error);
  if (SHUTDOWN.has(state) || state.startsWith(CONNECTION_CLASS)) return new DatabaseUnavailable(message, true, error);
  return error;
}

/** Runs a named statement over a set. Throws DatabaseUnavailable, or PostgreSQL's own error where the statement itself is at fault. */
export function runNamed<Row extends QueryResultRow>(
  pool: Pool,
  query: NamedQuery,
  set: readonly unknown[],
): Promise<Row[]> {
  return isHeard() ? runHeard<Row>(pool, query, set) : runUnheard<Row>(pool, query, set);
}

async function runHeard<Row extends QueryResultRow>(
  pool: Pool,
  query: NamedQuery,
  set: readonly unknown[],
): Promise<Row[]> {
  const startedAt = performance.now();
  let failed = true;
  try {
    const rows = await runUnheard<Row>(pool, query, set);
    failed = false;
    return rows;
  } finally {
    tellStatement({ name: query.name, size: set.length, startedAt, endedAt: performance.now(), failed });
  }
}

async function runUnheard<Row extends QueryResultRow>(
  pool: Pool,
  query: NamedQuery,
  set: readonly unknown[],
): Promise<Row[]> {
  // Outside of what can fail for the database's sake.
  const values = [JSON.stringify(set)];
  let connected = false;
  try {
    const client = await pool.connect();
    connected = true;
    try {
      const result = await client.query<Row>({ ...query, values, types });
      client.release();
      return result.rows;
    } catch (error) {
      client.release(sqlState(error) === undefined);
      throw error;
    }
  } catch (error) {
    throw translateDatabaseError(error, connected);
  }
}
