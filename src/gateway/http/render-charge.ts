// Charges, refunds and disputes with all the fields that Stripe documents.
import { findPaymentMethod } from "../payment-methods.ts";
import type { Charge, Dispute, Life, Refund } from "../objects.ts";
import type { Body } from "./outcome.ts";
import { transactionId } from "./render-balance.ts";
import { BILLING_DETAILS } from "./render-intent.ts";
import { unset } from "./unset.ts";

export function renderCharge(charge: Charge, { intent }: Life): Body {
  const details = intent.details ?? {};
  const succeeded = charge.status === "succeeded";
  return {
    id: charge.id,
    object: "charge",
    amount: charge.amount,
    amount_captured: charge.amount_captured,
    amount_refunded: charge.amount_refunded,
    balance_transaction: charge.captured ? transactionId(charge.id, "c") : null,
    billing_details: BILLING_DETAILS,
    calculated_statement_descriptor: details["statement_descriptor"] ?? "PAYMENT",
    captured: charge.captured,
    created: charge.created,
    currency: charge.currency,
    description: intent.description,
    disputed: charge.disputed,
    failure_code: charge.failure_error,
    failure_message: charge.failure_message,
    fraud_details: {},
    livemode: false,
    metadata: intent.metadata,
    outcome: outcomeOf(charge),
    paid: succeeded,
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    payment_method_details: { card: cardDetails(charge), type: "card" },
    radar_options: {},
    receipt_email: intent.receipt_email,
    refunded: charge.amount_captured > 0n && charge.amount_refunded === charge.amount_captured,
    statement_descriptor: details["statement_descriptor"] ?? null,
    statement_descriptor_suffix: details["statement_descriptor_suffix"] ?? null,
    status: charge.status,
    ...CHARGE_NOT_KEPT,
  };
}

const CHARGE_NOT_KEPT = unset(
  "application application_fee application_fee_amount customer failure_balance_transaction on_behalf_of receipt_number receipt_url",
  "review shipping source source_transfer transfer_data transfer_group",
);

function outcomeOf(charge: Charge): Body {
  const succeeded = charge.status === "succeeded";
  return {
    ...unset("advice_code network_advice_code network_decline_code"),
    network_status: succeeded ? "approved_by_network" : "declined_by_network",
    reason: charge.failure_code,
    risk_level: "normal",
    risk_score: 20,
    seller_message: succeeded ? "Payment complete." : "The bank did not return any further details with this decline.",
    type: succeeded ? "authorized" : "issuer_declined",
  };
}

function cardDetails(charge: Charge): Body {
  const { brand, last4, three_d_secure } = charge.payment_method_details.card;
  const card = findPaymentMethod(charge.payment_method)?.card;
  return {
    ...unset("authorization_code electronic_commerce_indicator fingerprint installments mandate network_token"),
    ...unset("network_transaction_id regulated_status transaction_link_id wallet"),
    amount_authorized: charge.status === "succeeded" ? charge.amount : null,
    brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: "pass" },
    country: card?.country ?? null,
    exp_month: card?.exp_month ?? 12,
    exp_year: card?.exp_year ?? 2034,
    funding: card?.funding ?? "credit",
    last4,
    network: brand,
    three_d_secure: three_d_secure && {
      authentication_flow: "challenge",
      electronic_commerce_indicator: null,
      exemption_indicator: null,
      result: three_d_secure.result,
      result_reason: three_d_secure.result === "failed" ? "rejected" : null,
      transaction_id: null,
      version: "2.2.0",
    },
  };
}

export function renderRefund(refund: Refund): Body {
  return {
    id: refund.id,
    object: "refund",
    amount: refund.amount,
    balance_transaction: transactionId(refund.id, "r"),
    charge: refund.charge,
    created: refund.created,
    currency: refund.currency,
    customer: null,
    customer_account: null,
    destination_details: {
      card: { reference_status: "pending", reference_type: "acquirer_reference_number", type: "refund" },
      type: "card",
    },
    ...(refund.failure_reason !== null && { failure_reason: refund.failure_reason }),
    ...(refund.status === "pending" && { pending_reason: "processing" }),
    metadata: refund.metadata,
    payment_intent: refund.payment_intent,
    payment_method: null,
    reason: refund.reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status: refund.status,
    transfer_reversal: null,
  };
}

/** The names of the fields of evidence. */
export const EVIDENCE_FIELDS: readonly string[] =
  `access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal
  customer_communication customer_email_address customer_name customer_purchase_ip customer_signature
  duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt
  refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation shipping_address
  shipping_carrier shipping_date shipping_documentation shipping_tracking_number uncategorized_file uncategorized_text`.split(
    /\s+/,
  );

export function renderDispute(dispute: Dispute): Body {
  return {
    id: dispute.id,
    object: "dispute",
    amount: dispute.amount,
    balance_transactions: [],
    charge: dispute.charge,
    created: dispute.created,
    currency: dispute.currency,
    enhanced_eligibility_types: [],
    evidence: { ...unset(...EVIDENCE_FIELDS), enhanced_evidence: {}, ...dispute.evidence },
    evidence_details: { ...dispute.evidence_details, enhanced_eligibility: {}, submission_method: null },
    intended_submission_method: null,
    is_charge_refundable: dispute.is_charge_refundable,
    livemode: false,
    metadata: dispute.metadata,
    network_reason_code: dispute.payment_method_details.card.network_reason_code,
    payment_intent: dispute.payment_intent,
    payment_method_details: dispute.payment_method_details,
    reason: dispute.reason,
    status: dispute.status,
  };
}
