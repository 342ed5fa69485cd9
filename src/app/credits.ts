// Credits for those who have them and those who grant them. Paying with them is paying: CreatePayment with the provider credits, and so is giving back.
import type { Credits } from "../db/credits.ts";
import { type CreditEntry, GRANT_MAX, grantLegs, type Transfer, type TransferId } from "../domain/credit.ts";
import { accept, refuse, refuseField, type Result } from "../domain/error.ts";
import { type Action, authorize } from "./access.ts";
import { audited } from "./audit.ts";
import { type Page, type PageRequest, readPage } from "./page.ts";
import type { Caller, Parts } from "./parts.ts";
import { identifyRequest, refuseReused, type Request } from "./request.ts";

export interface CreditParts extends Parts {
  readonly credits: Credits;
}

/** The same bound as for a payment's customer. */
const CUSTOMER_LENGTH_MAX = 128;

/**
 * Whose credits a call is about: for a customer their own, which need not be named. Another customer's are not found, whether or not there are any.
 * A customer of whom nothing is known has none: who the customers are is not for this service to say.
 */
function parseCustomer(caller: Caller, action: Action, customerId: string | null): Result<string> {
  const allowed = authorize(caller, action);
  if (!allowed.ok) return allowed;
  const named = customerId ?? (caller.role === "customer" ? caller.customerId : null);
  if (!named || named.length > CUSTOMER_LENGTH_MAX)
    return refuseField("INVALID_ARGUMENT", "customer_id", "is missing or too long; send the customer's id");
  if (caller.role !== "customer" || named === caller.customerId) return accept(named);
  return refuse("CREDIT_ACCOUNT_NOT_FOUND", `there are no credits of customer ${named}`, {
    metadata: { customerId: named },
  });
}

export interface CreditBalance {
  readonly customerId: string;
  /** What can be paid with; what is held for payments is not in it. */
  readonly credits: bigint;
}

/** `customerId` may be null for a customer's own. */
export async function getCreditBalance(
  { credits }: Pick<CreditParts, "credits">,
  caller: Caller,
  customerId: string | null,
): Promise<Result<CreditBalance>> {
  const customer = parseCustomer(caller, "read credits", customerId);
  if (!customer.ok) return customer;
  return accept({ customerId: customer.value, credits: await credits.balanceOf(customer.value) });
}

function parsePosition(text: string): bigint | undefined {
  return /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
}

export interface ListCreditEntriesInput {
  /** May be null for a customer's own. */
  readonly customerId: string | null;
  readonly page: PageRequest;
}

/** What was given to a customer's account and taken from it, newest first. */
export async function listCreditEntries(
  { credits }: Pick<CreditParts, "credits">,
  caller: Caller,
  input: ListCreditEntriesInput,
): Promise<Result<Page<CreditEntry>>> {
  const customer = parseCustomer(caller, "read credits", input.customerId);
  if (!customer.ok) return customer;
  return readPage(input.page, {
    filter: ["credit entries", customer.value],
    printPlace: (entry) => entry.position.toString(),
    parsePlace: parsePosition,
    read: (bounds) => credits.listEntries(customer.value, bounds),
  });
}

export interface GrantCreditsInput {
  readonly customerId: string;
  readonly credits: bigint;
  /** In the granter's words. */
  readonly reason: string | null;
  readonly requestId: string;
}

export interface CreditGrant {
  readonly transferId: TransferId;
  readonly customerId: string;
  readonly credits: bigint;
  /** The customer's, after the grant. */
  readonly balance: bigint;
  readonly createdAt: Date;
}

interface StoredGrant {
  readonly grant: Pick<CreditGrant, "transferId" | "customerId"> & { readonly credits: string; readonly at: string };
  readonly balance: string;
}

function readStored(response: unknown): CreditGrant {
  const { grant, balance } = response as StoredGrant;
  const { transferId, customerId, credits, at } = grant;
  return { transferId, customerId, credits: BigInt(credits), balance: BigInt(balance), createdAt: new Date(at) };
}

async function carryOutGrant(
  parts: CreditParts,
  input: GrantCreditsInput,
  request: Request,
): Promise<Result<CreditGrant>> {
  const { customerId, credits, reason } = input;
  const accountId = await parts.credits.openAccount(customerId);
  const now = parts.now();
  const transfer: Transfer = {
    id: parts.mintOperationId(now),
    kind: "GRANT",
    effect: "GRANTED",
    accountId,
    credits,
    paymentId: null,
    sequence: null,
    orderId: null,
    refundId: null,
    reason,
    createdAt: now,
  };
  const grant = { transferId: transfer.id, customerId, credits: credits.toString(), at: now.toISOString() };
  const kept = await parts.credits.grant({
    request: request.key,
    fingerprint: request.fingerprint,
    transfer,
    legs: grantLegs(accountId, credits),
    answer: grant satisfies StoredGrant["grant"],
  });
  const reused = refuseReused(request, kept);
  if (reused) return reused;
  if (!kept.granted) request.onReplay?.();
  else parts.log.info({ transferId: transfer.id, credits: grant.credits }, "credits granted");
  return accept(readStored(kept.response));
}

/** Gives a customer credits, which come from nowhere but the house. Once for each request id, whose copies get the same answer. */
export function grantCredits(
  parts: CreditParts,
  caller: Caller,
  input: GrantCreditsInput,
): Promise<Result<CreditGrant>> {
  const deed = { parts, caller, action: "grant credits", on: { customerId: input.customerId } };
  return audited(
    deed,
    () => grant(parts, caller, input),
    ({ transferId }) => ({ transferId }),
  );
}

async function grant(parts: CreditParts, caller: Caller, input: GrantCreditsInput): Promise<Result<CreditGrant>> {
  const customer = parseCustomer(caller, "grant credits", input.customerId);
  if (!customer.ok) return customer;
  const { credits, reason } = input;
  if (credits <= 0n || credits > GRANT_MAX)
    return refuseField("INVALID_AMOUNT", "credits", `${credits} is not from 1 to ${GRANT_MAX}; send whole credits`);
  const request = identifyRequest(parts, caller, input.requestId, ["grant", customer.value, credits, reason]);
  return carryOutGrant(parts, input, request);
}
