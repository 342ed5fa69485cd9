// The objects of Stripe's API, as Stripe would send them of one payment of ours.
export const NOW = new Date("2026-03-01T10:00:00Z");
export const SECONDS = NOW.getTime() / 1000;
export const PAYMENT = "019ca90e-1d74-715c-8eaf-672b2b6cd8cb";
export const REFUND = "019ca90e-1d74-715c-8eaf-672b2b6cd8cc";
export const metadata = { payment_id: `payment_${PAYMENT}`, order_id: "order-1" };

export const intent = {
  id: "pi_1",
  object: "payment_intent",
  amount: 1999,
  amount_received: 0,
  amount_details: { tip: {} },
  currency: "eur",
  capture_method: "automatic_async",
  status: "requires_payment_method",
  created: SECONDS,
  canceled_at: null,
  cancellation_reason: null,
  client_secret: "pi_1_secret_2",
  latest_charge: null,
  last_payment_error: null,
  metadata,
};

export const card = { type: "card", card: { brand: "visa", last4: "4242", three_d_secure: null } };

export const charge = {
  id: "ch_1",
  object: "charge",
  amount: 1999,
  amount_captured: 1999,
  amount_refunded: 0,
  currency: "eur",
  status: "succeeded",
  disputed: false,
  failure_code: null,
  failure_message: null,
  outcome: { reason: null },
  payment_intent: "pi_1",
  payment_method_details: card,
};

export const session = {
  id: "cs_test_1",
  object: "checkout.session",
  status: "complete",
  payment_status: "paid",
  amount_total: 1999,
  currency: "eur",
  created: SECONDS - 3600,
  expires_at: SECONDS + 3600,
  payment_intent: "pi_1",
  url: null,
  client_reference_id: `payment_${PAYMENT}`,
  metadata: {},
};

export const refund = {
  id: "re_1",
  object: "refund",
  amount: 500,
  currency: "eur",
  status: "succeeded",
  payment_intent: "pi_1",
  metadata: { ...metadata, refund_id: `refund_${REFUND}` },
};

export const dispute = {
  id: "du_1",
  object: "dispute",
  amount: 1999,
  currency: "eur",
  status: "needs_response",
  reason: "fraudulent",
  charge: "ch_1",
  payment_intent: "pi_1",
  metadata: {},
};

/** What others make in the account has none of our ids. The session is not paid yet. */
export const foreign = {
  intent: { ...intent, metadata: {} },
  session: {
    ...session,
    status: "open",
    payment_status: "unpaid",
    created: SECONDS,
    payment_intent: null,
    url: "https://checkout.stripe.com/c/pay/cs_test_1",
    client_reference_id: null,
  },
  refund: { ...refund, metadata: {} },
};
