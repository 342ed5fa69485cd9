// What a violation is about, told for whoever has to find its cause: what the client did for the order, and the order's rows.
import type { Query, Violation } from "./invariants.ts";
import type { RequestRecord } from "./record.ts";

/** Orders that are told of in full; more would hide them. */
const STORIES_MAX = 3;

interface Known {
  readonly query: Query;
  readonly requests: readonly RequestRecord[];
}

interface Named {
  readonly id: string;
  readonly order_id: string;
}

/** The order that a violation names: by itself, by its payment, by an operation, a refund or an event of that, or by a request. */
async function orderOf(violation: Violation, { query, requests }: Known): Promise<string | null> {
  const [id = null] = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(violation) ?? [];
  const [row] = await query<Named>(
    `select p.id, p.order_id from payment p where p.id = $1
      union select p.id, p.order_id from payment p join provider_operation o on o.payment_id = p.id and o.id = $1
      union select p.id, p.order_id from payment p join refund r on r.payment_id = p.id and r.id = $1
      union select p.id, p.order_id from payment p join payment_event e on e.payment_id = p.id and e.id = $1`,
    [id],
  );
  if (row) return row.order_id;
  const words = new Set(violation.split(/[\s:,]+/));
  return requests.find(({ orderId, requestId }) => words.has(orderId) || words.has(requestId))?.orderId ?? null;
}

function tellRequest({ requestId, method, history, verdicts }: RequestRecord): string {
  const said = verdicts.map((verdict) => JSON.stringify(verdict)).join("\n      ");
  return `    ${method} ${requestId}\n      ${history.join("\n      ")}\n      ${said}`;
}

async function tellRows(query: Query, orderId: string): Promise<string> {
  const rows = await query<{ row: string }>(
    `with mine as (select * from payment where order_id = $1)
      select 'payment ' || to_jsonb(m)::text as row from mine m
      union all select * from (select 'event ' || to_jsonb(e)::text from payment_event e join mine m on m.id = e.payment_id order by e.version) as events
      union all select 'operation ' || to_jsonb(o)::text from provider_operation o join mine m on m.id = o.payment_id
      union all select 'refund ' || to_jsonb(r)::text from refund r join mine m on m.id = r.payment_id
      union all select 'webhook ' || (to_jsonb(w) - 'body' - 'headers')::text from webhook_event w join mine m on m.id = w.payment_id`,
    [orderId],
  );
  return rows.map(({ row }) => `    ${row}`).join("\n");
}

export async function tellStories(violations: readonly Violation[], known: Known): Promise<string[]> {
  const orders = new Set<string>();
  for (const violation of violations) {
    const orderId = orders.size < STORIES_MAX ? await orderOf(violation, known) : null;
    if (orderId !== null) orders.add(orderId);
  }
  const stories = [...orders].map(async (orderId) => {
    const requests = known.requests.filter((request) => request.orderId === orderId);
    const rows = await tellRows(known.query, orderId);
    return `${orderId}\n  the client's record\n${requests.map(tellRequest).join("\n")}\n  the rows\n${rows}`;
  });
  return Promise.all(stories);
}
