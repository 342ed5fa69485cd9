// `npm run migrate`: brings the database of DATABASE_URL to the schema of this version, and says what was done.
import { ConfigError, readDatabaseUrl } from "./config.ts";
import { migrate } from "./db/migrate.ts";

try {
  const databaseUrl = readDatabaseUrl();
  if (!databaseUrl)
    throw new ConfigError("DATABASE_URL is not set; the embedded PostgreSQL is migrated when the service starts.");
  const names = await migrate(databaseUrl);
  process.stdout.write(names.length > 0 ? `Ran ${names.join(", ")}.\n` : "The schema is up to date.\n");
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
