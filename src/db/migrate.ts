// Brings a database to the schema of entities.ts. Processes that start at once take turns, and find the work done.
import { Client } from "pg";

/** In the order in which they run; each is a file of migrations/. */
const MIGRATIONS = ["001-payments", "002-webhooks", "003-credits"] as const;

/** How long a process waits for another one's migration. */
const TURN_TIMEOUT_MS = 60_000;

const UNDEFINED_TABLE = "42P01";
/** PostgreSQL's answers to two processes that create the same table at the same moment. */
const CREATED_MEANWHILE = new Set(["23505", "42P07", "42710"]);

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? "";
}

async function isUpToDate(client: Client): Promise<boolean> {
  try {
    const { rows } = await client.query<{ name: string }>("select name from migration");
    return MIGRATIONS.every((name) => rows.some((row) => row.name === name));
  } catch (error) {
    if (codeOf(error) === UNDEFINED_TABLE) return false;
    throw error;
  }
}

async function createTurnTable(client: Client): Promise<void> {
  try {
    await client.query("create table if not exists migration_turn (id int primary key)");
  } catch (error) {
    if (!CREATED_MEANWHILE.has(codeOf(error))) throw error;
  }
}

/** Runs the migrations that are missing, in order, and gives their names. */
export async function migrate(url: string): Promise<string[]> {
  const client = new Client({ connectionString: url, statement_timeout: TURN_TIMEOUT_MS });
  // The turn's transaction stays open during the migrations; a broken connection surfaces at its commit.
  client.on("error", () => {});
  await client.connect();
  try {
    if (await isUpToDate(client)) return [];
    await createTurnTable(client);
    await client.query("begin");
    await client.query("lock table migration_turn in exclusive mode");
    // Loaded when there is something to do, which is seldom.
    const { runMigrations } = await import("./migrations/run.ts");
    const names = await runMigrations(url, MIGRATIONS);
    await client.query("commit");
    return names;
  } finally {
    await client.end();
  }
}
