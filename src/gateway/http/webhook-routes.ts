// /v1/webhook_endpoints, and under /_gateway/webhooks what tests do to deliveries.
import type { Metadata } from "../objects.ts";
import type { WebhookEndpoint } from "../webhooks/endpoints.ts";
import type { Drop } from "../webhooks/knobs.ts";
import type { Webhooks } from "../webhooks/webhooks.ts";
import { fromArray, listPage, PAGING } from "./listing.ts";
import { type Body, type Outcome, object, refuse } from "./outcome.ts";
import {
  clearable,
  count,
  flag,
  list,
  metadata,
  oneOf,
  type Reader,
  refine,
  required,
  text,
  unsupported,
  withDefault,
} from "./parameters.ts";
import { found, invalidRequest, notFound, printable, refused } from "./refusal.ts";
import { type Route, route } from "./route.ts";

function address(): Reader<string | null> {
  return refine(text(), (value, param) => {
    if (/^https?:\/\//.test(value) && URL.canParse(value)) return found(value);
    const message = "Invalid URL: An explicit scheme (such as https) must be provided.";
    return refused(invalidRequest(message, { code: "url_invalid", param }));
  });
}

function eventType(): Reader<string | null> {
  return refine(text(100), (value, param) => {
    if (value === "*" || /^[a-z0-9_]+(?:\.[a-z0-9_]+)+$/.test(value)) return found(value);
    return refused(invalidRequest(`Invalid ${param}: ${printable(value)} is not a type of event`, { param }));
  });
}

function renderEndpoint({ id, url, enabled_events, status, created, ...more }: WebhookEndpoint): Body {
  const { description, api_version } = more;
  return {
    id,
    object: "webhook_endpoint",
    api_version,
    application: null,
    created,
    description,
    enabled_events,
    livemode: false,
    metadata: more.metadata,
    status,
    url,
  };
}

const create = route(
  "POST /v1/webhook_endpoints",
  {
    url: required(address()),
    enabled_events: required(list(eventType())),
    description: clearable(500),
    api_version: text(50),
    metadata: withDefault(metadata(), {}),
    ...unsupported("connect"),
  },
  ({ url, enabled_events, description, api_version, metadata: pairs }, { face }) => {
    const params = { url, enabled_events, description: description || null, api_version, metadata: pairs };
    const endpoint = face.webhooks.createEndpoint(params);
    // Only now is the secret told.
    return object({ ...renderEndpoint(endpoint), secret: endpoint.secrets.at(-1)?.value });
  },
);

const update = route(
  "POST /v1/webhook_endpoints/:id",
  {
    url: address(),
    enabled_events: list(eventType()),
    description: clearable(500),
    disabled: flag(),
    metadata: metadata(),
  },
  ({ url, enabled_events, description, disabled, metadata: pairs }, { face, id }) => {
    const endpoint = face.webhooks.findEndpoint(id);
    if (endpoint === undefined) return refuse(notFound("webhook endpoint", id, "webhook_endpoint"));
    const changed = face.webhooks.updateEndpoint(id, {
      ...(url !== null && { url }),
      ...(enabled_events !== null && { enabled_events }),
      ...(description !== null && { description: description || null }),
      ...(disabled !== null && { disabled }),
      ...(pairs !== null && { metadata: merged(endpoint.metadata, pairs) }),
    });
    return object(renderEndpoint(changed ?? endpoint));
  },
);

function merged(old: Metadata, changes: Metadata): Metadata {
  if (Object.keys(changes).length === 0) return {};
  return Object.fromEntries(Object.entries({ ...old, ...changes }).filter(([, value]) => value !== ""));
}

const listEndpoints = route("GET /v1/webhook_endpoints", PAGING, (paging, { face }) => {
  const listed = face.webhooks.listEndpoints().map((endpoint) => ({
    id: endpoint.id,
    created: endpoint.created,
    life: null,
    print: () => renderEndpoint(endpoint),
  }));
  return listPage(
    { ...fromArray(listed), url: "/v1/webhook_endpoints", kind: "webhook endpoint", created: null },
    paging,
  );
});

export const endpointRoutes: readonly Route[] = [
  create,
  listEndpoints,
  route("GET /v1/webhook_endpoints/:id", {}, (_params, { face, id }) => {
    const endpoint = face.webhooks.findEndpoint(id);
    return endpoint ? object(renderEndpoint(endpoint)) : refuse(notFound("webhook endpoint", id, "webhook_endpoint"));
  }),
  update,
  route("DELETE /v1/webhook_endpoints/:id", {}, (_params, { face, id }) =>
    face.webhooks.removeEndpoint(id)
      ? object({ id, object: "webhook_endpoint", deleted: true })
      : refuse(notFound("webhook endpoint", id, "webhook_endpoint")),
  ),
];

function tellKnobs(webhooks: Webhooks): Outcome {
  const { delayMs, duplicates, reorderMs, drop, hold } = webhooks.knobs;
  return object({ delay_ms: delayMs, duplicates, reorder_ms: reorderMs, drop, hold, deliveries: webhooks.counts() });
}

/** "none", "all", how many, or a list of types of events. */
function drop(): Reader<Drop | null> {
  const word = oneOf("none", "all");
  return (form, name) => {
    if (typeof form !== "string") return list(eventType())(form, name);
    return /^\d{1,9}$/.test(form) ? found(Number(form)) : word(form, name);
  };
}

const HOUR_MS = 60 * 60 * 1000;

const turn = route(
  "POST /_gateway/webhooks",
  {
    delay_ms: count({ min: 0, max: HOUR_MS }),
    duplicates: count({ min: 0, max: 100 }),
    reorder_ms: count({ min: 0, max: HOUR_MS }),
    drop: drop(),
    hold: flag(),
  },
  ({ delay_ms, duplicates, reorder_ms, drop: dropped, hold }, { face }) => {
    face.webhooks.turn({
      ...(delay_ms !== null && { delayMs: delay_ms }),
      ...(duplicates !== null && { duplicates }),
      ...(reorder_ms !== null && { reorderMs: reorder_ms }),
      ...(dropped !== null && { drop: dropped }),
      ...(hold !== null && { hold }),
    });
    return tellKnobs(face.webhooks);
  },
);

export const deliveryRoutes: readonly Route[] = [
  route("GET /_gateway/webhooks", {}, (_params, { face }) => tellKnobs(face.webhooks)),
  turn,
  route("POST /_gateway/webhooks/release", {}, (_params, { face }) => object({ released: face.webhooks.release() })),
  route("POST /_gateway/webhooks/resend", { event: required(text(100)) }, async ({ event }, { face }) => {
    if ((await face.gateway.findEvent(event)) === undefined) return refuse(notFound("event", event, "event"));
    return object({ resent: await face.webhooks.resend(event) });
  }),
];
