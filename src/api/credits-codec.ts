// Between the messages of CreditService and the domain's values.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { CreditGrant } from "../app/credits.ts";
import { type CreditEntry, printTransferId, type TransferEffect } from "../domain/credit.ts";
import { printPaymentId, printRefundId } from "../domain/ids.ts";
import {
  CreditEntryKind,
  type CreditEntrySchema,
  type GrantCreditsResponse,
  GrantCreditsResponseSchema,
} from "../../gen/payment/v1/credit_service_pb.ts";

/** What moves nothing makes no entry. */
const KINDS: Readonly<Record<TransferEffect, CreditEntryKind>> = {
  OPENED: CreditEntryKind.UNSPECIFIED,
  DECLINED: CreditEntryKind.UNSPECIFIED,
  HELD: CreditEntryKind.HELD,
  CAPTURED: CreditEntryKind.CAPTURED,
  CANCELED: CreditEntryKind.CANCELED,
  REFUNDED: CreditEntryKind.REFUNDED,
  GRANTED: CreditEntryKind.GRANTED,
};

export function writeCreditEntry(entry: CreditEntry): MessageInitShape<typeof CreditEntrySchema> {
  const { transferId, effect, credits, balance, paymentId, refundId, reason, createdAt } = entry;
  return {
    transferId: printTransferId(transferId),
    kind: KINDS[effect],
    credits,
    balance,
    paymentId: paymentId ? printPaymentId(paymentId) : "",
    refundId: refundId ? printRefundId(refundId) : "",
    reason: reason ?? "",
    createTime: timestampFromDate(createdAt),
  };
}

export function writeGrant(grant: CreditGrant): GrantCreditsResponse {
  const { transferId, customerId, credits, balance, createdAt } = grant;
  return create(GrantCreditsResponseSchema, {
    transferId: printTransferId(transferId),
    customerId,
    credits,
    balance,
    createTime: timestampFromDate(createdAt),
  });
}
