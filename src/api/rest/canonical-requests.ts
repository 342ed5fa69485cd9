// The requests of the canonical dialect: where its routes and headers put what document 000's messages are made of, and the listing.
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { FastifyRequest } from "fastify";
import type { ListPaymentsInput } from "../../app/list-payments.ts";
import { accept, type Result, refuseField } from "../../domain/error.ts";
import { PAYMENT_STATUSES } from "../../domain/payment.ts";
import { PaymentStatus } from "../../../gen/payment/v1/payment_pb.ts";
import type { JsonRequest } from "../json/canonical-requests.ts";
import { STATUS_WORDS } from "../json/canonical-words.ts";
import { checkList } from "../json/contract.ts";
import { type Fields, readAll, readBody, readTextOrNull } from "../json/fields.ts";
import type { RestCall } from "./dialect.ts";
import { queryInteger, queryList, queryText, queryTime } from "./parameters.ts";

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

/** A status in the dialect's words or in the contract's, in either case. */
function readStatuses(words: readonly string[]): Result<PaymentStatus[]> {
  const statuses: PaymentStatus[] = [];
  for (const word of words.flatMap((each) => each.split(","))) {
    const sent = word.trim().toLowerCase();
    const status = PAYMENT_STATUSES.find((each) => STATUS_WORDS[each] === sent || each.toLowerCase() === sent);
    if (!status) {
      const known = Object.values(STATUS_WORDS).join(", ");
      return refuseField("INVALID_ARGUMENT", "status", `must be one of ${known}`);
    }
    statuses.push(PaymentStatus[status]);
  }
  return accept([...new Set(statuses)]);
}

export function readListing(request: FastifyRequest): Result<ListPaymentsInput> {
  const all = readAll({
    pageSize: queryInteger(request, "pageSize"),
    pageToken: queryText(request, "pageToken"),
    orderId: queryText(request, "orderId"),
    customerId: queryText(request, "customerId"),
    statuses: readStatuses(queryList(request, "status").filter(Boolean)),
    from: queryTime(request, "createdFrom"),
    to: queryTime(request, "createdTo"),
  });
  if (!all.ok) return all;
  const { from, to, ...rest } = all.value;
  return checkList({
    ...rest,
    ...(from && { createTimeFrom: timestampFromDate(from) }),
    ...(to && { createTimeTo: timestampFromDate(to) }),
  });
}
