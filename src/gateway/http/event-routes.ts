// /v1/events, /v1/balance, /v1/balance_transactions and /v1/account
import type { GatewayEvent } from "../events.ts";
import type { EventRecord } from "../history.ts";
import { retrieve, TRANSACTION } from "./calls.ts";
import { type Listed, listPage, PAGING, timeRange } from "./listing.ts";
import { type Body, type Outcome, object, refuse } from "./outcome.ts";
import { flag, list, text, withDefault } from "./parameters.ts";
import { invalidRequest, notFound } from "./refusal.ts";
import { ACCOUNT, ACCOUNT_ID, renderBalance } from "./render-balance.ts";
import { renderEvent } from "./render-event.ts";
import { type Face, type Route, route } from "./route.ts";

interface ListedEvent extends Listed {
  readonly event: GatewayEvent;
}

const listEvents = route(
  "GET /v1/events",
  {
    ...PAGING,
    created: timeRange(),
    type: text(),
    types: withDefault(list(text()), []),
    delivery_success: flag(),
  },
  async ({ created, type, types, delivery_success, ...paging }, { face }) => {
    const wanted = type === null ? types : [type];
    if (type !== null && types.length > 0) {
      const message = "You may only specify one of these parameters: type, types.";
      return refuse(invalidRequest(message, { code: "parameters_exclusive", param: "type" }));
    }
    return listPage<ListedEvent>(
      {
        url: "/v1/events",
        kind: "event",
        created,
        has: async (id) => (await face.gateway.findEvent(id)) !== undefined,
        async *source(query) {
          for await (const record of face.gateway.listEvents(query)) yield listedEvent(record, face);
        },
        filter: ({ event: { id, type: told } }) =>
          (wanted.length === 0 || wanted.some((pattern) => matches(told, pattern))) &&
          (delivery_success === null || delivery_success === (face.webhooks.pendingOf(id) === 0)),
      },
      paging,
    );
  },
);

function listedEvent(record: EventRecord, face: Face): ListedEvent {
  const { event, life } = record;
  const print = (): Body => renderEvent(record, face, face.webhooks.pendingOf(event.id));
  return { id: event.id, created: event.created, life, event, print };
}

/** A pattern is a type, or the beginning of some: `charge.*`. */
function matches(type: string, pattern: string): boolean {
  return pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

async function balance(face: Face): Promise<Outcome> {
  const lives = await Array.fromAsync(face.gateway.listLives({ order: "oldest" }));
  return object(renderBalance(lives));
}

export const eventRoutes: readonly Route[] = [
  listEvents,
  route("GET /v1/events/:id", {}, async (_params, { face, id }) => {
    const record = await face.gateway.findEvent(id);
    return record ? object(renderEvent(record, face, face.webhooks.pendingOf(id))) : refuse(notFound("event", id));
  }),
  route("GET /v1/balance", {}, async (_params, { face }) => balance(face)),
  route("GET /v1/balance_transactions/:id", {}, async (_params, call) => retrieve(call, TRANSACTION)),
  route("GET /v1/account", {}, () => object(ACCOUNT)),
  route("GET /v1/accounts/:id", {}, (_params, { id }) =>
    id === ACCOUNT_ID ? object(ACCOUNT) : refuse(notFound("account", id, "account")),
  ),
];
