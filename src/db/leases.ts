// Leases: who may do what only one process may do. A lease runs by the database's clock, so that processes whose clocks differ agree.
import type { Pool } from "pg";
import { type NamedQuery, runNamed } from "./named-query.ts";

export interface LeaseTerms {
  readonly name: string;
  /** The process that asks; no two processes share one. */
  readonly holder: string;
  readonly ttlMs: number;
}

const takeLeaseStatement: NamedQuery = {
  name: "take-lease",
  text: `
    insert into lease as l (name, holder, expires_at)
    select i.name, i.holder, now() + i."ttlMs" * interval '1 millisecond'
    from json_to_recordset($1::json) as i (name text, holder text, "ttlMs" int)
    on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
    where l.holder = excluded.holder or l.expires_at <= now()
    returning l.holder`,
};

/** Takes a lease that is free or expired, or renews one's own. Answers whether the holder has it, for `ttlMs` from the call on at least. */
export async function takeLease(pool: Pool, terms: LeaseTerms): Promise<boolean> {
  const rows = await runNamed(pool, takeLeaseStatement, [terms]);
  return rows.length === 1;
}

const releaseLeaseStatement: NamedQuery = {
  name: "release-lease",
  text: `
    delete from lease l using json_to_recordset($1::json) as i (name text, holder text)
    where l.name = i.name and l.holder = i.holder`,
};

/** Gives a lease back before it expires; does nothing when another has it. */
export async function releaseLease(pool: Pool, terms: Omit<LeaseTerms, "ttlMs">): Promise<void> {
  await runNamed(pool, releaseLeaseStatement, [terms]);
}
