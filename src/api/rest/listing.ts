// The query of a list of payments: the same filters in every dialect, each in words of its own.
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { FastifyRequest } from "fastify";
import type { ListPaymentsInput } from "../../app/list-payments.ts";
import { accept, type Result, refuseField } from "../../domain/error.ts";
import { PAYMENT_STATUSES, type PaymentStatus } from "../../domain/payment.ts";
import { PaymentStatus as StatusNumber } from "../../../gen/payment/v1/payment_pb.ts";
import { checkList } from "../json/contract.ts";
import { readAll } from "../json/fields.ts";
import { queryInteger, queryList, queryText, queryTime } from "./parameters.ts";

export interface ListingWords {
  /** Names of parameters. */
  readonly pageToken: string;
  readonly from: string;
  readonly to: string;
  /** A word may stand for several statuses. */
  readonly statuses: Readonly<Record<PaymentStatus, string>>;
}

/** In the dialect's words or in the contract's, in either case; several in one parameter with commas between. */
function readStatuses(parameters: readonly string[], words: ListingWords["statuses"]): Result<StatusNumber[]> {
  const statuses = new Set<StatusNumber>();
  for (const word of parameters.flatMap((each) => each.split(","))) {
    const sent = word.trim().toLowerCase();
    const meant = PAYMENT_STATUSES.filter(
      (status) => words[status].toLowerCase() === sent || status.toLowerCase() === sent,
    );
    if (meant.length === 0) {
      const known = [...new Set(Object.values(words))].join(", ");
      return refuseField("INVALID_ARGUMENT", "status", `must be one of ${known}`);
    }
    for (const status of meant) statuses.add(StatusNumber[status]);
  }
  return accept([...statuses]);
}

export function readListing(request: FastifyRequest, words: ListingWords): Result<ListPaymentsInput> {
  const all = readAll({
    pageSize: queryInteger(request, "pageSize"),
    pageToken: queryText(request, words.pageToken),
    orderId: queryText(request, "orderId"),
    customerId: queryText(request, "customerId"),
    statuses: readStatuses(queryList(request, "status").filter(Boolean), words.statuses),
    from: queryTime(request, words.from),
    to: queryTime(request, words.to),
  });
  if (!all.ok) return all;
  const { from, to, ...rest } = all.value;
  return checkList({
    ...rest,
    ...(from && { createTimeFrom: timestampFromDate(from) }),
    ...(to && { createTimeTo: timestampFromDate(to) }),
  });
}
