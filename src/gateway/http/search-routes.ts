// GET /v1/payment_intents/search: pages by a token. What was just made is found at once, where Stripe may take a minute.
import { INTENT } from "./calls.ts";
import { listedIntent } from "./intent-routes.ts";
import type { Listed } from "./listing.ts";
import { type Outcome, refuse } from "./outcome.ts";
import { count, required, text, withDefault } from "./parameters.ts";
import { invalidRequest } from "./refusal.ts";
import { isHidden } from "./render-session.ts";
import { type Face, type Route, route } from "./route.ts";
import { parseSearch, type SearchQuery } from "./search-query.ts";

const URL_PATH = "/v1/payment_intents/search";

export const searchRoutes: readonly Route[] = [
  route(
    `GET ${URL_PATH}`,
    { query: required(text(2000)), limit: withDefault(count({ min: 1, max: 100 }), 10), page: text(200) },
    async ({ query, limit, page }, { face }) => {
      const search = parseSearch(query);
      if (!search.ok) return refuse(search.refusal);
      const after = page === null ? null : Buffer.from(page, "base64url").toString();
      if (after !== null && (!after.startsWith(INTENT.prefix) || (await face.gateway.findLife(after)) === undefined)) {
        return refuse(
          invalidRequest("Invalid page: it must be the next_page of an earlier answer.", { param: "page" }),
        );
      }
      const listed = await find(face, search.value, { limit, after });
      return resultOf(listed, limit);
    },
  ),
];

async function find(face: Face, query: SearchQuery, { limit, after }: { limit: number; after: string | null }) {
  const listed: Listed[] = [];
  const lives = face.gateway.listLives({ order: "newest", metadata: query.metadata, ...(after !== null && { after }) });
  for await (const life of lives) {
    if (!isHidden(life) && query.matches(life.intent)) listed.push(listedIntent(life, face));
    if (listed.length > limit) break;
  }
  return listed;
}

function resultOf(listed: readonly Listed[], limit: number): Outcome {
  const shown = listed.slice(0, limit);
  const hasMore = listed.length > limit;
  const body = {
    object: "search_result",
    data: shown.map(({ print }) => print()),
    has_more: hasMore,
    next_page: hasMore ? Buffer.from(shown.at(-1)?.id ?? "").toString("base64url") : null,
    url: URL_PATH,
  };
  const lives = shown.map(({ life }) => life).filter((life) => life !== null);
  return { kind: "object", body, lives, replayed: false };
}
