// Opens PostgreSQL through MikroORM: one pool for the entities' reads and the named statements.
import { MikroORM } from "@mikro-orm/postgresql";
import { Pool } from "pg";
import { entities } from "./entities.ts";

export interface DatabaseOptions {
  readonly url: string;
  /** Connections kept at most. */
  readonly poolMax: number;
  /** How long a statement may run, or wait for a lock, before PostgreSQL ends it. */
  readonly statementTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

export interface Database {
  readonly orm: MikroORM;
  readonly pool: Pool;
  close(): Promise<void>;
}

/**
 * Session settings. A statement over a set has one good plan, nested loops over indexes, whatever the size of the set; without
 * statistics PostgreSQL would guess others, so the guesses are made expensive. The time-outs release the locks of a process that
 * vanished without closing its connection.
 */
function sessionOptions(options: DatabaseOptions): string {
  const settings = {
    statement_timeout: options.statementTimeoutMs,
    lock_timeout: options.statementTimeoutMs,
    idle_in_transaction_session_timeout: options.statementTimeoutMs,
    plan_cache_mode: "force_generic_plan",
    enable_seqscan: "off",
    enable_bitmapscan: "off",
    enable_hashjoin: "off",
    enable_mergejoin: "off",
    jit: "off",
    timezone: "UTC",
  };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(" ");
}

function connectionOptions(options: DatabaseOptions) {
  return {
    options: sessionOptions(options),
    connectionTimeoutMillis: options.connectTimeoutMs,
    // PostgreSQL ends a statement by itself; a server that is gone cannot.
    query_timeout: options.statementTimeoutMs * 2,
    keepAlive: true,
    application_name: "payment-service",
  };
}

/** What pg knows of a connection and does not declare: false while an answer of the server's is still to come. */
interface Owed {
  readonly readyForQuery?: boolean;
}

/**
 * A connection that dies is replaced when the next one is asked for, and a statement that was under way fails by itself. Unheard, the
 * connection's own error would end the process: an idle one tells the pool, one that is just being handed over nobody else. One that falls silent is replaced
 * as well.
 */
function outliveConnections(pool: Pool): Pool {
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  // A query that waited for its answer in vain leaves the connection owing it. Whoever got that connection next would wait behind it, in vain as well, and put it
  // back in turn: ended, it is replaced.
  pool.on("release", (_error, client) => {
    if ((client as Owed).readyForQuery === false) void client.end();
  });
  return pool;
}

/** A pool apart from the ORM's, for work that must not wait behind the calls of a busy service. */
export function openPool(options: DatabaseOptions): Pool {
  return outliveConnections(
    new Pool({ ...connectionOptions(options), connectionString: options.url, max: options.poolMax }),
  );
}

export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const orm = await MikroORM.init({
    entities,
    clientUrl: options.url,
    pool: { min: 0, max: options.poolMax },
    driverOptions: connectionOptions(options),
    // Entities are plain rows here; the pool's own errors surface at the query that meets them.
    logger: () => {},
  });
  const pool = outliveConnections((await orm.em.getConnection().getNativeClient()) as Pool);
  return { orm, pool, close: () => orm.close(true) };
}
