// Credits: units that customers hold with the house, are granted by it, and pay it with. They are kept in double entry: every transfer takes from
// accounts what it gives to others, so that the entries of each transfer, and of all of them, sum to zero.
//
// The accounts: one for each customer, never below zero; and three of the house. ISSUED is where grants come from, so it stands at what was ever
// granted, below zero. HELD has what is held for payments that are not captured. SALES has what was paid, less what was given back.
//
// A transfer is one act, under the id of the provider operation that asked for it: asked for again it is found, and tells the same. It may move
// nothing (a payment that is opened, or declined). The transfers of a payment are numbered, and are all that there is to know of it:
//
// OPENED: it waits to be paid. DECLINED: the customer had too few credits; it stays open. HELD: paid, and not captured yet; credits are held for as
// long as it takes, nothing gives them back by itself. CAPTURED: paid for good; of what was held the rest went back. CANCELED: ended, and what was
// held went back. REFUNDED: some of what was captured went back, and never more than that. A grant (GRANTED) belongs to no payment.
import { unreachable } from "./error.ts";
import type { CreditAccountId, OperationId, PaymentId, RefundId } from "./ids.ts";
import type { OperationKind } from "./operation.ts";
import type { CaptureMethod } from "./payment.ts";

/** A transfer that a payment asks for has the id of the operation; a grant's is minted alike. */
export type TransferId = OperationId;
export type TransferKind = OperationKind | "GRANT";
export const TRANSFER_EFFECTS = ["OPENED", "DECLINED", "HELD", "CAPTURED", "CANCELED", "REFUNDED", "GRANTED"] as const;
export type TransferEffect = (typeof TRANSFER_EFFECTS)[number];

/** What one transfer does to one account: below zero it takes, above zero it gives. */
export interface Leg {
  readonly accountId: CreditAccountId;
  readonly credits: bigint;
}

export interface Transfer {
  readonly id: TransferId;
  readonly kind: TransferKind;
  readonly effect: TransferEffect;
  /** The customer's. */
  readonly accountId: CreditAccountId;
  /** What was asked for: to pay, to capture, to give back, to grant; for a cancel, what was held. */
  readonly credits: bigint;
  /** Null for a grant. */
  readonly paymentId: PaymentId | null;
  /** Counts the payment's transfers from 1 without gap; null for a grant. */
  readonly sequence: number | null;
  /** Of the first transfer of a payment. */
  readonly orderId: string | null;
  readonly refundId: RefundId | null;
  readonly reason: string | null;
  readonly createdAt: Date;
}

/** What one transfer did to a customer's account. */
export interface CreditEntry {
  readonly transferId: TransferId;
  /** Never OPENED or DECLINED, which move nothing. */
  readonly effect: TransferEffect;
  /** Below zero it took, above zero it gave. */
  readonly credits: bigint;
  /** The account's, after it. */
  readonly balance: bigint;
  readonly paymentId: PaymentId | null;
  readonly refundId: RefundId | null;
  readonly reason: string | null;
  readonly createdAt: Date;
  /** Grows within an account. */
  readonly position: bigint;
}

/** The place of a payment in the list of all that were opened. */
export interface OpenedPlace {
  readonly createdAt: Date;
  readonly paymentId: PaymentId;
}

/** The accounts of the house. Their ids sort after every customer's, so that they, which all transfers share, are locked last. */
export const HOUSE = {
  issued: "ffffffff-ffff-7fff-bfff-fffffffffff1" as CreditAccountId,
  held: "ffffffff-ffff-7fff-bfff-fffffffffff2" as CreditAccountId,
  sales: "ffffffff-ffff-7fff-bfff-fffffffffff3" as CreditAccountId,
} as const;

/** More than anybody grants on purpose, and so little that no account ever runs over its 64 bits. */
export const GRANT_MAX = 1_000_000_000n;

export function printTransferId(id: TransferId): string {
  return `transfer_${id}`;
}

/** What is asked for of a payment. */
export interface CreditWish {
  readonly kind: OperationKind;
  /** CREATE and CONFIRM: whether it is paid now. */
  readonly pays: boolean;
  /** CREATE and CONFIRM: what the payment owes. CAPTURE and REFUND: how much. */
  readonly credits: bigint;
  readonly captureMethod: CaptureMethod;
  readonly accountId: CreditAccountId;
}

export type CreditDecision =
  /** Where the customer has too few credits it becomes a decline, which moves nothing. */
  | { readonly move: true; readonly effect: TransferEffect; readonly credits: bigint; readonly legs: readonly Leg[] }
  | { readonly move: false; readonly code: string; readonly message: string };

/** Where a payment stands. */
interface Standing {
  readonly opened: boolean;
  readonly held: bigint;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly canceled: boolean;
}

function sum(transfers: readonly Transfer[], effect: TransferEffect): bigint {
  return transfers.reduce((total, each) => (each.effect === effect ? total + each.credits : total), 0n);
}

function standingOf(transfers: readonly Transfer[]): Standing {
  const captured = sum(transfers, "CAPTURED");
  const canceled = transfers.some(({ effect }) => effect === "CANCELED");
  const held = captured > 0n || canceled ? 0n : sum(transfers, "HELD");
  return { opened: transfers.length > 0, held, captured, refunded: sum(transfers, "REFUNDED"), canceled };
}

function refuse(code: string, message: string): CreditDecision {
  return { move: false, code, message };
}

/** Legs of nothing are left out. */
function moved(effect: TransferEffect, credits: bigint, legs: readonly Leg[]): CreditDecision {
  return { move: true, effect, credits, legs: legs.filter((leg) => leg.credits !== 0n) };
}

function pay({ credits, captureMethod, accountId }: CreditWish): CreditDecision {
  const [effect, to] =
    captureMethod === "MANUAL" ? (["HELD", HOUSE.held] as const) : (["CAPTURED", HOUSE.sales] as const);
  return moved(effect, credits, [
    { accountId, credits: -credits },
    { accountId: to, credits },
  ]);
}

function capture({ held }: Standing, { credits, accountId }: CreditWish): CreditDecision {
  if (held === 0n) return refuse("not_held", "Nothing is held for this payment.");
  if (credits <= 0n || credits > held)
    return refuse("amount_too_large", `${credits} credits cannot be captured of ${held} that are held.`);
  return moved("CAPTURED", credits, [
    { accountId: HOUSE.held, credits: -held },
    { accountId: HOUSE.sales, credits },
    { accountId, credits: held - credits },
  ]);
}

function giveBack({ captured, refunded }: Standing, { credits, accountId }: CreditWish): CreditDecision {
  if (captured === 0n) return refuse("not_captured", "Nothing was captured of this payment.");
  if (credits <= 0n || credits > captured - refunded)
    return refuse(
      "amount_too_large",
      `${credits} credits cannot be given back of ${captured - refunded} that are left.`,
    );
  return moved("REFUNDED", credits, [
    { accountId: HOUSE.sales, credits: -credits },
    { accountId, credits },
  ]);
}

/** Decides what a wish means for a payment with these transfers, whether or not the customer has the credits for it. */
export function decideCredits(transfers: readonly Transfer[], wish: CreditWish): CreditDecision {
  const standing = standingOf(transfers);
  const { opened, held, captured, canceled } = standing;
  if (wish.kind === "CREATE") {
    if (opened) return refuse("already_opened", "This payment was opened before.");
    return wish.pays ? pay(wish) : moved("OPENED", wish.credits, []);
  }
  if (!opened) return refuse("not_opened", "There is no such payment with credits.");
  switch (wish.kind) {
    case "CONFIRM":
      if (held > 0n || captured > 0n || canceled) return refuse("not_open", "This payment does not wait to be paid.");
      return pay(wish);
    case "CAPTURE":
      return capture(standing, wish);
    case "CANCEL":
      if (captured > 0n || canceled) return refuse("not_cancelable", "This payment has ended.");
      return moved("CANCELED", held, [
        { accountId: HOUSE.held, credits: -held },
        { accountId: wish.accountId, credits: held },
      ]);
    case "REFUND":
      return giveBack(standing, wish);
    default:
      return unreachable(wish.kind);
  }
}

/** Whether a transfer is what a wish asked for, before. One operation never asks for two things. */
export function isWished({ kind, effect, credits }: Transfer, wish: CreditWish): boolean {
  if (kind !== wish.kind) return false;
  switch (wish.kind) {
    case "CREATE":
      return credits === wish.credits && (effect !== "OPENED") === wish.pays;
    case "CANCEL":
      return true;
    case "CONFIRM":
    case "CAPTURE":
    case "REFUND":
      return credits === wish.credits;
    default:
      return unreachable(wish.kind);
  }
}

/** The legs of a grant. */
export function grantLegs(accountId: CreditAccountId, credits: bigint): readonly Leg[] {
  return [
    { accountId: HOUSE.issued, credits: -credits },
    { accountId, credits },
  ];
}
