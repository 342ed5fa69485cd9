// The handlers of payment.v1.CreditService, once for every protocol.
import { create, type DescMethodUnary } from "@bufbuild/protobuf";
import { type CreditParts, getCreditBalance, grantCredits, listCreditEntries } from "../app/credits.ts";
import { accept } from "../domain/error.ts";
import {
  type CreditService,
  GetCreditBalanceResponseSchema,
  ListCreditEntriesResponseSchema,
} from "../../gen/payment/v1/credit_service_pb.ts";
import { writeCreditEntry, writeGrant } from "./credits-codec.ts";
import type { Handler } from "./handlers.ts";

export type CreditsHandlers = {
  readonly [M in keyof typeof CreditService.method]: (typeof CreditService.method)[M] extends DescMethodUnary
    ? Handler<(typeof CreditService.method)[M]>
    : never;
};

export function createCreditsHandlers(parts: CreditParts): CreditsHandlers {
  return {
    async getCreditBalance({ customerId }, caller) {
      const result = await getCreditBalance(parts, caller, customerId || null);
      return result.ok ? accept(create(GetCreditBalanceResponseSchema, result.value)) : result;
    },
    async grantCredits({ customerId, credits, reason, requestId }, caller) {
      const result = await grantCredits(parts, caller, { customerId, credits, reason: reason || null, requestId });
      return result.ok ? accept(writeGrant(result.value)) : result;
    },
    async listCreditEntries({ customerId, pageSize, pageToken }, caller) {
      const page = { pageSize, pageToken };
      const result = await listCreditEntries(parts, caller, { customerId: customerId || null, page });
      if (!result.ok) return result;
      const { items, nextPageToken } = result.value;
      return accept(create(ListCreditEntriesResponseSchema, { entries: items.map(writeCreditEntry), nextPageToken }));
    },
  };
}
