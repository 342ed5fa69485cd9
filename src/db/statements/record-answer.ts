// Keeps the answer of a request for which nothing had to be asked of the provider.
import type { RequestKey } from "../../domain/operation.ts";
import type { NamedQuery } from "../named-query.ts";

export interface RecordAnswer {
  readonly request: RequestKey;
  readonly fingerprint: string;
  readonly response: unknown;
  readonly now: Date;
}

export const recordAnswerStatement: NamedQuery = {
  name: "record-answer",
  text: `
    insert into request (principal, request_id, fingerprint, response, created_at)
    select principal, "requestId", fingerprint, response, now
    from json_to_recordset($1::json) as i (principal text, "requestId" text, fingerprint text, response json, now timestamptz)
    order by principal, "requestId"
    on conflict (principal, request_id) do nothing
    returning principal, request_id as "requestId"`,
};

export function recordAnswerRow(input: RecordAnswer): unknown {
  return { ...input.request, fingerprint: input.fingerprint, response: input.response, now: input.now };
}
