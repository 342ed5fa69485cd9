// Runs migrations by MikroORM's migrator.
import { Migrator } from "@mikro-orm/migrations";
import { MikroORM } from "@mikro-orm/postgresql";
import { entities } from "../entities.ts";
import { Migration001Payments } from "./001-payments.ts";
import { Migration002Webhooks } from "./002-webhooks.ts";
import { Migration003Credits } from "./003-credits.ts";

const CLASSES = {
  "001-payments": Migration001Payments,
  "002-webhooks": Migration002Webhooks,
  "003-credits": Migration003Credits,
};

/** Runs those of the named migrations that the database lacks, in their order, and gives the names of those that ran. */
export async function runMigrations(url: string, names: readonly (keyof typeof CLASSES)[]): Promise<string[]> {
  const orm = await MikroORM.init({
    entities,
    clientUrl: url,
    pool: { min: 0, max: 2 },
    extensions: [Migrator],
    migrations: {
      tableName: "migration",
      migrationsList: names.map((name) => ({ name, class: CLASSES[name] })),
      snapshot: false,
    },
    logger: () => {},
  });
  try {
    return (await orm.migrator.up()).map((migration) => migration.name);
  } finally {
    await orm.close(true);
  }
}
