// Pages of lists, as AIP-158 has them: a token says after which item a page begins, and holds for the filter that it was given out with.
import { hash } from "node:crypto";
import { accept, type Result, refuseField } from "../domain/error.ts";

const PAGE_SIZE_DEFAULT = 50;
const PAGE_SIZE_MAX = 500;

export interface PageRequest {
  /** 0 is the default; above the maximum it is the maximum; below zero it is refused. */
  readonly pageSize: number;
  /** Empty: the first page. */
  readonly pageToken: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** What is listed. */
export interface Listing<T, At> {
  readonly filter: unknown;
  /** The place of an item in the list, as text. */
  printPlace(item: T): string;
  /** Undefined where the text is no place. */
  parsePlace(text: string): At | undefined;
  read(page: { readonly after: At | null; readonly limit: number }): Promise<readonly T[]>;
}

function digest(filter: unknown): string {
  return hash("sha256", JSON.stringify(filter), "base64url").slice(0, 12);
}

function parseToken<At>(
  token: string,
  listing: Pick<Listing<unknown, At>, "filter" | "parsePlace">,
): Result<At | null> {
  if (token === "") return accept(null);
  const text = Buffer.from(token, "base64url").toString();
  const split = text.indexOf(" ");
  const place = listing.parsePlace(text.slice(split + 1));
  if (split < 0 || place === undefined)
    return refuseField(
      "INVALID_ARGUMENT",
      "page_token",
      "is not a token of this service; send the last next_page_token, or none",
    );
  if (text.slice(0, split) === digest(listing.filter)) return accept(place);
  return refuseField(
    "INVALID_ARGUMENT",
    "page_token",
    "belongs to other filters; send the filters that it was given out with",
  );
}

/** Reads one page. Refuses a size or a token that is none. */
export async function readPage<T, At>(request: PageRequest, listing: Listing<T, At>): Promise<Result<Page<T>>> {
  if (request.pageSize < 0)
    return refuseField(
      "INVALID_ARGUMENT",
      "page_size",
      `${request.pageSize} is below zero; send 1 to ${PAGE_SIZE_MAX}, or 0 for ${PAGE_SIZE_DEFAULT}`,
    );
  const size = Math.min(request.pageSize || PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX);
  const after = parseToken(request.pageToken, listing);
  if (!after.ok) return after;
  const found = await listing.read({ after: after.value, limit: size + 1 });
  const items = found.slice(0, size);
  const last = items.at(-1);
  const more = found.length > size && last !== undefined;
  const token = more ? Buffer.from(`${digest(listing.filter)} ${listing.printPlace(last)}`).toString("base64url") : "";
  return accept({ items, nextPageToken: token });
}
