// The requests of the canonical dialect: where its routes and headers put what document 000's messages are made of, and the listing.
import type { ListPaymentsInput } from "../../app/list-payments.ts";
import { accept, type Result, refuseField } from "../../domain/error.ts";
import type { JsonRequest } from "../json/canonical-requests.ts";
import { STATUS_WORDS } from "../json/canonical-words.ts";
import { type Fields, readBody, readTextOrNull } from "../json/fields.ts";
import type { RestCall } from "./dialect.ts";
import { type ListingWords, readListing } from "./listing.ts";

/** The header's request id, or the body's, for those who cannot set headers. Refuses two that differ. */
function readRequestId(body: Fields, { requestId }: RestCall): Result<string> {
  const inBody = readTextOrNull(body, "requestId");
  if (!inBody.ok) return inBody;
  if (requestId === "" || inBody.value === null || inBody.value === requestId)
    return accept(requestId || (inBody.value ?? ""));
  return refuseField("INVALID_ARGUMENT", "requestId", "differs from the Idempotency-Key header; send one of them");
}

export function readRequest(call: RestCall): Result<JsonRequest> {
  const body = readBody(call.request);
  return body.ok ? accept({ fields: body.value, requestId: readRequestId(body.value, call) }) : body;
}

const LISTING_WORDS: ListingWords = {
  pageToken: "pageToken",
  from: "createdFrom",
  to: "createdTo",
  statuses: STATUS_WORDS,
};

export function readCanonicalListing({ request }: Pick<RestCall, "request">): Result<ListPaymentsInput> {
  return readListing(request, LISTING_WORDS);
}
