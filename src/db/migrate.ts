// Brings a database to the schema of entities.ts. Processes that start at once take turns, and find the work done.
import { Migrator } from "@mikro-orm/migrations";
import { MikroORM } from "@mikro-orm/postgresql";
import { Client } from "pg";
import { entities } from "./entities.ts";
import { Migration001Payments } from "./migrations/001-payments.ts";

/** How long a process waits for another one's migration. */
const TURN_TIMEOUT_MS = 60_000;

/** PostgreSQL's answers to two processes that create the same table at the same moment. */
const CREATED_MEANWHILE = new Set(["23505", "42P07"]);

async function createTurnTable(client: Client): Promise<void> {
  try {
    await client.query("create table if not exists migration_turn (id int primary key)");
  } catch (error) {
    if (!CREATED_MEANWHILE.has((error as { code?: string }).code ?? "")) throw error;
  }
}

/** Runs the migrations that are missing, in order, and gives their names. */
export async function migrate(url: string): Promise<string[]> {
  const client = new Client({ connectionString: url, statement_timeout: TURN_TIMEOUT_MS });
  // The turn's transaction stays open during the migrations; a broken connection surfaces at its commit.
  client.on("error", () => {});
  await client.connect();
  try {
    await createTurnTable(client);
    await client.query("begin");
    await client.query("lock table migration_turn in exclusive mode");
    const orm = await MikroORM.init({
      entities,
      clientUrl: url,
      pool: { min: 0, max: 2 },
      extensions: [Migrator],
      migrations: {
        tableName: "migration",
        migrationsList: [{ name: "001-payments", class: Migration001Payments }],
        snapshot: false,
      },
      logger: () => {},
    });
    try {
      const done = await orm.migrator.up();
      await client.query("commit");
      return done.map((migration) => migration.name);
    } finally {
      await orm.close(true);
    }
  } finally {
    await client.end();
  }
}
