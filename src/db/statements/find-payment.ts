// The payment that a provider speaks of in its own words: by the provider's id of it, or by that of its checkout session.
import type { TableColumns } from "../columns.ts";
import type { NamedQuery } from "../named-query.ts";

export function findByReferenceStatement(columns: TableColumns): NamedQuery {
  return {
    name: "find-by-reference",
    text: `
      select ${columns.payment.select("p")}
      from json_to_recordset($1::json) as i (provider text, reference text)
      cross join lateral (
        select * from payment where provider = i.provider and provider_reference = i.reference limit 1
      ) p`,
  };
}

export function findBySessionStatement(columns: TableColumns): NamedQuery {
  return {
    name: "find-by-session",
    text: `
      select ${columns.payment.select("p")}
      from json_to_recordset($1::json) as i ("sessionId" text)
      cross join lateral (select * from payment where session_id = i."sessionId" limit 1) p`,
  };
}
