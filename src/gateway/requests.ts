// What can be asked of the gateway, and which rule decides it.
import { authenticate, type StepContext } from "./attempts.ts";
import {
  closeDispute,
  type OpenDisputeParams,
  openDispute,
  settleDispute,
  type UpdateDisputeParams,
  updateDispute,
} from "./disputes.ts";
import type { FaultPoint } from "./faults.ts";
import {
  type ConfirmIntentParams,
  type CreateIntentParams,
  cancelIntent,
  captureIntent,
  confirmIntent,
  createIntent,
  type UpdateIntentParams,
  updateIntent,
} from "./intents.ts";
import type { CancellationReason, DisputeStatus, Life } from "./objects.ts";
import { type CreateRefundParams, createRefund, settleRefund } from "./refunds.ts";
import { type CreateSessionParams, createSession, expireSession, paySession, withSessionSettled } from "./sessions.ts";
import { type Invalid, invalid, type Step } from "./step.ts";

export type CreateRequest =
  | { readonly operation: "create_intent"; readonly params: CreateIntentParams }
  | { readonly operation: "create_session"; readonly params: CreateSessionParams };

/** `id` is the intent's, the session's for the two of a session, and the refund's or the dispute's where those are named. */
export type ChangeRequest =
  | { readonly operation: "update_intent"; readonly id: string; readonly params: UpdateIntentParams }
  | ({ readonly operation: "confirm_intent"; readonly id: string } & ConfirmIntentParams)
  /** `amount_to_capture` is null for all that is held. */
  | { readonly operation: "capture_intent"; readonly id: string; readonly amount_to_capture: bigint | null }
  | { readonly operation: "cancel_intent"; readonly id: string; readonly cancellation_reason: CancellationReason }
  | { readonly operation: "pay_session"; readonly id: string; readonly payment_method: string }
  | { readonly operation: "expire_session"; readonly id: string }
  /** `id` may be the charge's as well. */
  | { readonly operation: "create_refund"; readonly id: string; readonly params: CreateRefundParams }
  /** The cardholder's answer to a 3-D Secure challenge. */
  | { readonly operation: "authenticate"; readonly id: string; readonly approve: boolean }
  /** A refund comes to its end: the one that its card leads to after hours or days, or the one that is named. */
  | { readonly operation: "settle_refund"; readonly id: string; readonly status?: "succeeded" | "failed" }
  /** The cardholder goes to their bank; `id` is the intent's or the charge's. */
  | { readonly operation: "open_dispute"; readonly id: string; readonly params: OpenDisputeParams }
  | { readonly operation: "update_dispute"; readonly id: string; readonly params: UpdateDisputeParams }
  /** The dispute is accepted, and so lost. */
  | { readonly operation: "close_dispute"; readonly id: string }
  /** The bank decides. */
  | { readonly operation: "settle_dispute"; readonly id: string; readonly status: DisputeStatus };

export type GatewayRequest = CreateRequest | ChangeRequest;

export function decideCreate(request: CreateRequest, context: StepContext): Step {
  return request.operation === "create_intent"
    ? createIntent(request.params, context)
    : createSession(request.params, context.now);
}

export function decideChange(request: ChangeRequest, life: Life | undefined, context: StepContext): Step {
  if (life === undefined || !isNamedBy(request, life)) return noSuchObject(request.id);
  switch (request.operation) {
    case "update_intent":
      return updateIntent(life, request.params);
    case "confirm_intent":
      return confirmIntent(life, request, context);
    case "capture_intent":
      return captureIntent(life, request.amount_to_capture);
    case "cancel_intent":
      return cancelIntent(life, request.cancellation_reason, context.now);
    case "pay_session":
      return paySession(life, request.payment_method, context);
    case "expire_session":
      return expireSession(life, context.now);
    case "create_refund":
      return createRefund(life, request.params, context.now);
    case "authenticate": {
      const step = authenticate(life, request.approve, context.now);
      return step.kind === "changed" ? { ...step, life: withSessionSettled(step.life) } : step;
    }
    case "settle_refund":
      return settleRefund(life, request.id, request.status);
    case "open_dispute":
      return openDispute(life, request.params, context.now);
    case "update_dispute":
      return updateDispute(life, request.id, request.params);
    case "close_dispute":
      return closeDispute(life, request.id);
    case "settle_dispute":
      return settleDispute(life, request.id, request.status);
  }
}

const FAULT_POINT: Readonly<Record<GatewayRequest["operation"], FaultPoint | null>> = {
  create_intent: "create",
  create_session: "create",
  update_intent: null,
  confirm_intent: "confirm",
  pay_session: "confirm",
  capture_intent: "capture",
  cancel_intent: "cancel",
  expire_session: "cancel",
  create_refund: "refund",
  authenticate: null,
  settle_refund: null,
  open_dispute: null,
  update_dispute: null,
  close_dispute: null,
  settle_dispute: null,
};

/** Which faults lie in the way of a request; null for none. */
export function faultPoint(request: GatewayRequest): FaultPoint | null {
  return FAULT_POINT[request.operation];
}

/** True when the request asks for the attempt to pay that a `decline` fault can decline. */
export function isAttempt(request: GatewayRequest): boolean {
  if (request.operation === "create_intent") {
    return request.params.payment_method !== null && request.params.confirm !== false;
  }
  return request.operation === "confirm_intent" || request.operation === "pay_session";
}

/** What Stripe calls a kind of object, and the parameter that names one. */
const KINDS: Readonly<Record<string, { readonly name: string; readonly param: string }>> = {
  pi: { name: "payment_intent", param: "intent" },
  cs: { name: "checkout.session", param: "session" },
  ch: { name: "charge", param: "id" },
  re: { name: "refund", param: "id" },
  du: { name: "dispute", param: "dispute" },
};

export function noSuchObject(id: string): Invalid {
  const { name, param } = KINDS[id.slice(0, id.indexOf("_"))] ?? { name: "object", param: "id" };
  return invalid("resource_missing", `No such ${name}: '${id}'`, { status: 404, param });
}

function isNamedBy(request: ChangeRequest, life: Life): boolean {
  switch (request.operation) {
    case "pay_session":
    case "expire_session":
      return life.session?.id === request.id;
    case "settle_refund":
      return life.refunds.some((refund) => refund.id === request.id);
    case "update_dispute":
    case "close_dispute":
    case "settle_dispute":
      return life.disputes.some((dispute) => dispute.id === request.id);
    case "create_refund":
    case "open_dispute":
      return life.intent.id === request.id || life.charges.some((charge) => charge.id === request.id);
    case "update_intent":
    case "confirm_intent":
    case "capture_intent":
    case "cancel_intent":
    case "authenticate":
      return life.intent.id === request.id;
  }
}
