// What tests and people may do to the world, under /_gateway/, as JSON: let time pass, lay faults in the way of calls, decide for a bank, be
// the customer. It is not Stripe's API, and asks for no key: the gateway listens on loopback unless told otherwise.
import type { GatewayRequest } from "../requests.ts";
import { perform } from "./calls.ts";
import { methodName } from "./method-routes.ts";
import { object, type Outcome } from "./outcome.ts";
import { count, flag, oneOf, required, text, withDefault } from "./parameters.ts";
import { type Call, type Face, type Route, route } from "./route.ts";

const YEAR_SECONDS = 366 * 24 * 60 * 60;

function tellClock({ gateway: { clock } }: Face): Outcome {
  const now = clock.now();
  const ahead = now.getTime() - clock.outside().getTime();
  return object({ now: now.toISOString(), ahead_seconds: Math.round(ahead / 1000) });
}

const advance = route(
  "POST /_gateway/clock",
  { advance_seconds: required(count({ min: 0, max: YEAR_SECONDS })) },
  async ({ advance_seconds }, { face }) => {
    await face.gateway.advance(advance_seconds * 1000);
    return tellClock(face);
  },
);

const script = route(
  "POST /_gateway/faults",
  {
    operation: required(oneOf("create", "confirm", "capture", "cancel", "refund", "retrieve")),
    fault: required(oneOf("decline", "delay", "lost_after", "lost_before", "error", "error_after", "webhook_first")),
    times: withDefault(count({ min: 1, max: 9999 }), 1),
    delay_ms: withDefault(count({ min: 0, max: 600_000 }), 1000),
  },
  ({ operation, fault, times, delay_ms }, { face }) => {
    face.gateway.script({ operation, fault, times, delayMs: delay_ms });
    return object({ operation, fault, times, delay_ms });
  },
);

const settleRefund = route(
  "POST /_gateway/refunds/:id/settle",
  { status: oneOf("succeeded", "failed") },
  async ({ status }, call) => change(call, { operation: "settle_refund", id: call.id, ...(status && { status }) }),
);

const settleDispute = route(
  "POST /_gateway/disputes/:id/settle",
  {
    status: required(
      oneOf(
        "won",
        "lost",
        "needs_response",
        "under_review",
        "warning_needs_response",
        "warning_under_review",
        "warning_closed",
      ),
    ),
  },
  async ({ status }, call) => change(call, { operation: "settle_dispute", id: call.id, status }),
);

const openDispute = route(
  "POST /_gateway/payment_intents/:id/dispute",
  { reason: withDefault(text(100), "fraudulent"), inquiry: withDefault(flag(), false) },
  async ({ reason, inquiry }, call) =>
    change(call, { operation: "open_dispute", id: call.id, params: { reason, inquiry } }),
);

const authenticate = route(
  "POST /_gateway/payment_intents/:id/authenticate",
  { approve: required(flag()) },
  async ({ approve }, call) => change(call, { operation: "authenticate", id: call.id, approve }),
);

const pay = route(
  "POST /_gateway/checkout/sessions/:id/pay",
  { payment_method: withDefault(methodName(), "pm_card_visa") },
  async ({ payment_method }, call) => change(call, { operation: "pay_session", id: call.id, payment_method }),
);

/** A change, told as Stripe's API tells the object. */
async function change(call: Call, request: GatewayRequest): Promise<Outcome> {
  return perform(call, request, { prefix: "", name: "object", param: "id" });
}

export const controlRoutes: readonly Route[] = [
  route("GET /_gateway/clock", {}, (_params, { face }) => tellClock(face)),
  advance,
  script,
  settleRefund,
  settleDispute,
  openDispute,
  authenticate,
  pay,
];
