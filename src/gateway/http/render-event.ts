// Events with the object that they tell of, as it was then, in Stripe's full shape: listed by the API, and the body of a webhook.
import type { EventRecord } from "../history.ts";
import { printWire } from "../wire-json.ts";
import { API_VERSION } from "./api-version.ts";
import type { Body } from "./outcome.ts";
import { renderObject } from "./catalogue.ts";
import { renderIntent, type Site } from "./render-intent.ts";

/** `pending` is the number of endpoints that have not acknowledged it. */
export function renderEvent({ event, life }: EventRecord, site: Site, pending = 1): Body {
  const { id } = event.data.object;
  // An event of an intent tells it even where its session does not show it yet.
  const object = renderObject(id, life, site) ?? renderIntent(life, site);
  return {
    id: event.id,
    object: "event",
    api_version: API_VERSION,
    created: event.created,
    data: { object },
    livemode: false,
    pending_webhooks: pending,
    request: event.request,
    type: event.type,
  };
}

/** The body of a webhook. */
export function printWebhook(record: EventRecord, site: Site): string {
  return printWire(renderEvent(record, site));
}
