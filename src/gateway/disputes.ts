// Disputes: needs_response → under_review → won or lost; an inquiry: warning_needs_response → warning_under_review → warning_closed, unless it
// becomes a dispute (needs_response). Evidence decides as Stripe's test words say: `winning_evidence` wins, `losing_evidence` loses,
// `escalate_inquiry_evidence` makes an inquiry a dispute; any other is under review until somebody decides. What nobody answers in time is lost,
// and an inquiry closed, by the clock.
//
// What was captured and refunded stays what it was: the money that a dispute takes is another account.
import { mergeMetadata } from "./intents.ts";
import {
  baseOf,
  type Charge,
  type Dispute,
  type DisputeStatus,
  type Life,
  type Metadata,
  unixSeconds,
} from "./objects.ts";
import { findMethodCard } from "./payment-methods.ts";
import { type Changed, changed, type EffectName, type Forbidden, forbidden, invalid, type Step } from "./step.ts";

export interface OpenDisputeParams {
  /** Stripe's word for why, such as `fraudulent`. */
  readonly reason: string;
  /** True for an inquiry, which takes no money. */
  readonly inquiry: boolean;
}

export interface UpdateDisputeParams {
  /** Fields to add or replace; null for none. */
  readonly evidence: Readonly<Record<string, string>> | null;
  /** Whether the evidence is sent to the bank. */
  readonly submit: boolean;
  /** Pairs to add or replace, where an empty value removes; null for none. */
  readonly metadata: Metadata | null;
}

const RESPONSE_SECONDS = 7 * 24 * 60 * 60;
/** The networks' reason codes that Visa gives. */
const NETWORK_REASON_CODES: Readonly<Record<string, string>> = { fraudulent: "10.4", product_not_received: "13.1" };
const CLOSED: readonly DisputeStatus[] = ["won", "lost", "warning_closed"];
const AWAITS_RESPONSE: readonly DisputeStatus[] = ["needs_response", "warning_needs_response"];

function isInquiry(status: DisputeStatus): boolean {
  return status.startsWith("warning_");
}

/** The dispute that keeps a charge from being refunded; an inquiry does not, nor does one that was won. */
export function findObstacle(life: Life, charge: Charge): Dispute | undefined {
  return life.disputes.find((each) => each.charge === charge.id && !each.is_charge_refundable);
}

export function openDispute(life: Life, params: OpenDisputeParams, now: Date): Step {
  const charge = life.charges.find((each) => each.id === life.intent.latest_charge);
  if (charge === undefined || !charge.captured) {
    return forbidden(life, "payment_intent_unexpected_state", "This PaymentIntent has no captured charge to dispute.");
  }
  if (charge.disputed) return forbidden(life, "charge_disputed", `Charge ${charge.id} has been disputed already.`);
  if (charge.amount_refunded === charge.amount_captured) {
    return forbidden(life, "charge_already_refunded", `Charge ${charge.id} has already been refunded.`);
  }
  const dispute = newDispute(life, charge, { ...params, now });
  const charges = life.charges.map((each) => (each.id === charge.id ? { ...charge, disputed: true } : each));
  return told({ ...life, charges, disputes: [...life.disputes, dispute] }, "dispute", dispute);
}

/** The dispute that a charge's card brings about, once it has been captured and until it is opened. */
export function findDueDispute(life: Life): OpenDisputeParams | undefined {
  const charge = life.charges.find((each) => each.id === life.intent.latest_charge);
  if (charge === undefined || charge.disputed || charge.amount_refunded === charge.amount_captured) return undefined;
  return findMethodCard(charge.payment_method)?.dispute ?? undefined;
}

/** The Unix seconds after which the clock decides; null for never. */
export function findDecisionTime({ status, evidence_details: { due_by } }: Dispute): number | null {
  return AWAITS_RESPONSE.includes(status) ? due_by : null;
}

/** What becomes of a dispute that nobody answered in time. */
export function loseDispute(life: Life, dispute: Dispute): Changed {
  const evidence_details = { ...dispute.evidence_details, past_due: true };
  return settled(life, { ...dispute, evidence_details }, isInquiry(dispute.status) ? "warning_closed" : "lost");
}

export function updateDispute(life: Life, id: string, params: UpdateDisputeParams): Step {
  const dispute = life.disputes.find((each) => each.id === id);
  if (dispute === undefined) return noSuchDispute(id);
  const metadata = params.metadata === null ? dispute.metadata : mergeMetadata(dispute.metadata, params.metadata);
  if (params.evidence === null && !params.submit) return updated(life, { ...dispute, metadata });
  if (CLOSED.includes(dispute.status)) return alreadyClosed(life, dispute);
  if (!AWAITS_RESPONSE.includes(dispute.status)) {
    return forbidden(life, "dispute_evidence_submitted", `Evidence for dispute ${id} has already been submitted.`);
  }
  const evidence = { ...dispute.evidence, ...params.evidence };
  const has_evidence = Object.values(evidence).some((text) => text !== "");
  const submission_count = dispute.evidence_details.submission_count + (params.submit ? 1 : 0);
  const evidence_details = { ...dispute.evidence_details, has_evidence, submission_count };
  const answered = { ...dispute, evidence, evidence_details, metadata };
  return params.submit ? judged(life, answered) : updated(life, answered);
}

export function closeDispute(life: Life, id: string): Step {
  const dispute = life.disputes.find((each) => each.id === id);
  if (dispute === undefined) return noSuchDispute(id);
  if (CLOSED.includes(dispute.status)) return alreadyClosed(life, dispute);
  return settled(life, dispute, isInquiry(dispute.status) ? "warning_closed" : "lost");
}

/** The bank's word: the end of a dispute, or an inquiry's becoming one. */
export function settleDispute(life: Life, id: string, status: DisputeStatus): Step {
  const dispute = life.disputes.find((each) => each.id === id);
  if (dispute === undefined) return noSuchDispute(id);
  if (CLOSED.includes(dispute.status)) return alreadyClosed(life, dispute);
  if (isInquiry(status) && !isInquiry(dispute.status)) {
    return invalid("parameter_invalid", `A dispute does not become an inquiry: ${status}.`, { param: "status" });
  }
  return settled(life, dispute, status);
}

function judged(life: Life, dispute: Dispute): Changed {
  const text = Object.values(dispute.evidence).join("\n");
  const inquiry = isInquiry(dispute.status);
  if (text.includes("winning_evidence")) return settled(life, dispute, inquiry ? "warning_closed" : "won");
  if (text.includes("losing_evidence")) return settled(life, dispute, inquiry ? "warning_closed" : "lost");
  if (inquiry && text.includes("escalate_inquiry_evidence")) return settled(life, dispute, "needs_response");
  return settled(life, dispute, inquiry ? "warning_under_review" : "under_review");
}

function settled(life: Life, dispute: Dispute, status: DisputeStatus): Changed {
  const { card } = dispute.payment_method_details;
  const case_type = isInquiry(status) ? ("inquiry" as const) : ("chargeback" as const);
  const next: Dispute = {
    ...dispute,
    status,
    is_charge_refundable: isInquiry(status) || status === "won",
    payment_method_details: { type: "card", card: { ...card, case_type } },
  };
  return CLOSED.includes(status) ? told(withDispute(life, next), "dispute_closed", next) : updated(life, next);
}

function updated(life: Life, dispute: Dispute): Changed {
  return told(withDispute(life, dispute), "dispute_updated", dispute);
}

function told(life: Life, name: EffectName, { id, amount, charge }: Dispute): Changed {
  return changed(life, { name, amount, charge, dispute: id }, id);
}

function withDispute(life: Life, dispute: Dispute): Life {
  return { ...life, disputes: life.disputes.map((each) => (each.id === dispute.id ? dispute : each)) };
}

function newDispute(life: Life, charge: Charge, { reason, inquiry, now }: OpenDisputeParams & { now: Date }): Dispute {
  const { brand } = charge.payment_method_details.card;
  const created = unixSeconds(now);
  return {
    id: `du_${baseOf(charge.id)}${life.disputes.length.toString(36)}`,
    object: "dispute",
    status: inquiry ? "warning_needs_response" : "needs_response",
    amount: charge.amount_captured - charge.amount_refunded,
    currency: charge.currency,
    charge: charge.id,
    payment_intent: charge.payment_intent,
    reason,
    payment_method_details: {
      type: "card",
      card: {
        brand,
        case_type: inquiry ? "inquiry" : "chargeback",
        network_reason_code: NETWORK_REASON_CODES[reason] ?? "10.4",
      },
    },
    evidence: {},
    evidence_details: {
      due_by: created + RESPONSE_SECONDS,
      has_evidence: false,
      past_due: false,
      submission_count: 0,
    },
    is_charge_refundable: inquiry,
    livemode: false,
    created,
    metadata: {},
  };
}

function alreadyClosed(life: Life, { id }: Dispute): Forbidden {
  return forbidden(life, "dispute_already_closed", `Dispute ${id} is already closed.`);
}

function noSuchDispute(id: string): Step {
  return invalid("resource_missing", `No such dispute: '${id}'`, { status: 404, param: "dispute" });
}
