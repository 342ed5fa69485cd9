// What can be asked of the gateway, and which rule decides it.
import type { FaultPoint } from "./faults.ts";
import {
  authenticate,
  type CreateIntentParams,
  cancelIntent,
  captureIntent,
  confirmIntent,
  createIntent,
  type StepContext,
} from "./intents.ts";
import type { CancellationReason, Life } from "./objects.ts";
import { type CreateRefundParams, createRefund, settleRefund } from "./refunds.ts";
import { type CreateSessionParams, createSession, expireSession, paySession, withSessionSettled } from "./sessions.ts";
import { type Invalid, invalid, type Step } from "./step.ts";

export type CreateRequest =
  | { readonly operation: "create_intent"; readonly params: CreateIntentParams }
  | { readonly operation: "create_session"; readonly params: CreateSessionParams };

/** `id` is the intent's, the session's for the two of a session, and the refund's for `settle_refund`. */
export type ChangeRequest =
  | { readonly operation: "confirm_intent"; readonly id: string; readonly payment_method: string }
  | { readonly operation: "capture_intent"; readonly id: string; readonly amount_to_capture: bigint }
  | { readonly operation: "cancel_intent"; readonly id: string; readonly cancellation_reason: CancellationReason }
  | { readonly operation: "pay_session"; readonly id: string; readonly payment_method: string }
  | { readonly operation: "expire_session"; readonly id: string }
  | { readonly operation: "create_refund"; readonly id: string; readonly params: CreateRefundParams }
  /** The cardholder's answer to a 3-D Secure challenge. */
  | { readonly operation: "authenticate"; readonly id: string; readonly approve: boolean }
  /** The passing of the days after which a refund of certain cards comes to its end. */
  | { readonly operation: "settle_refund"; readonly id: string };

export type GatewayRequest = CreateRequest | ChangeRequest;

export function decideCreate(request: CreateRequest, context: StepContext): Step {
  return request.operation === "create_intent"
    ? createIntent(request.params, context)
    : createSession(request.params, context.now);
}

export function decideChange(request: ChangeRequest, life: Life | undefined, context: StepContext): Step {
  if (life === undefined || !isNamedBy(request, life)) return noSuchObject(request.id);
  switch (request.operation) {
    case "confirm_intent":
      return confirmIntent(life, request.payment_method, context);
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
      return settleRefund(life, request.id);
  }
}

const FAULT_POINT: Readonly<Record<GatewayRequest["operation"], FaultPoint | null>> = {
  create_intent: "create",
  create_session: "create",
  confirm_intent: "confirm",
  pay_session: "confirm",
  capture_intent: "capture",
  cancel_intent: "cancel",
  expire_session: "cancel",
  create_refund: "refund",
  authenticate: null,
  settle_refund: null,
};

/** Which faults lie in the way of a request; null for none. */
export function faultPoint(request: GatewayRequest): FaultPoint | null {
  return FAULT_POINT[request.operation];
}

/** True when the request asks for the attempt to pay that a `decline` fault can decline. */
export function isAttempt(request: GatewayRequest): boolean {
  if (request.operation === "create_intent") return request.params.payment_method !== null;
  return request.operation === "confirm_intent" || request.operation === "pay_session";
}

export function noSuchObject(id: string): Invalid {
  return invalid("resource_missing", `No such object: '${id}'`, 404);
}

function isNamedBy(request: ChangeRequest, life: Life): boolean {
  switch (request.operation) {
    case "pay_session":
    case "expire_session":
      return life.session?.id === request.id;
    case "settle_refund":
      return life.refunds.some((refund) => refund.id === request.id);
    case "confirm_intent":
    case "capture_intent":
    case "cancel_intent":
    case "create_refund":
    case "authenticate":
      return life.intent.id === request.id;
  }
}
