// What the pages say of a payment, by its state. A page never says more than the state holds: that money arrived is said of the paid states
// alone, and that nothing was taken of those alone in which nothing is kept.

const WAITING = { tone: "waiting", mark: null };
const GOOD = { tone: "good", mark: "check" };
const NEUTRAL = { tone: "", mark: "clock" };
const BAD = { tone: "bad", mark: "cross" };

/** Why a payment failed, in the customer's words; other reasons have none. */
const REASONS = {
  INSUFFICIENT_FUNDS: "There was not enough money on the card.",
  CARD_EXPIRED: "The card has expired.",
  INVALID_CARD: "The details of the card were not correct.",
  AUTHENTICATION_REQUIRED: "The payment was not approved with the bank.",
  PROCESSING_ERROR: "The card could not be processed.",
  CARD_DECLINED: "The card was declined.",
};

const WORDS = {
  PENDING: ({ page }) =>
    page === "cancel"
      ? {
          ...NEUTRAL,
          mark: "back",
          title: "You left the checkout",
          text: "We have not received a payment. You can go back and pay, or close this page.",
        }
      : {
          ...WAITING,
          title: "Confirming your payment…",
          text: "This usually takes a few seconds. The page shows it as soon as we know.",
        },
  REQUIRES_ACTION: () => ({
    ...NEUTRAL,
    title: "Your bank asks for your approval",
    text: "The payment goes through once you approve it. We have not received it yet.",
  }),
  PROCESSING: () => ({
    ...WAITING,
    title: "Your payment is being processed",
    text: "It was accepted, and how it ends is not known yet. Please do not pay again.",
  }),
  AUTHORIZED: ({ amount }) => ({
    ...GOOD,
    title: "Amount reserved",
    text: `${amount} is reserved on your card and has not been charged yet.`,
  }),
  SUCCEEDED: ({ page, amount }) => ({
    ...GOOD,
    title: "Payment received",
    text:
      page === "cancel"
        ? `You left the checkout, but this payment had gone through: we received ${amount}.`
        : `Thank you. We received ${amount}.`,
  }),
  PARTIALLY_REFUNDED: ({ amount, refunded }) => ({
    ...GOOD,
    title: "Payment received, partly refunded",
    text: `We received ${amount}, and ${refunded} of it was given back.`,
  }),
  REFUNDED: ({ refunded }) => ({
    ...NEUTRAL,
    mark: "back",
    title: "Payment refunded",
    text: `${refunded} was given back. Banks may take a few days to show it.`,
  }),
  FAILED: ({ failure }) => ({
    ...BAD,
    title: "The payment failed",
    text: `${REASONS[failure?.reason] ?? "The payment could not be taken."} You have not been charged.`,
  }),
  EXPIRED: () => ({
    ...NEUTRAL,
    title: "The checkout has expired",
    text: "It was not paid in time, and you have not been charged.",
  }),
  CANCELED: () => ({
    ...NEUTRAL,
    mark: "cross",
    title: "The payment was canceled",
    text: "You have not been charged.",
  }),
};

/** After these nothing changes any more that the customer waits for. */
const SETTLED = new Set(["SUCCEEDED", "PARTIALLY_REFUNDED", "REFUNDED", "FAILED", "EXPIRED", "CANCELED"]);

const OPEN = new Set(["PENDING", "REQUIRES_ACTION"]);

export function isSettled(status) {
  return SETTLED.has(status);
}

/** True while the customer can still pay. */
export function isOpen(status) {
  return OPEN.has(status);
}

/** A status that is not known here is told as unknown. */
export function describePayment(status, facts) {
  return Object.hasOwn(WORDS, status) ? WORDS[status](facts) : UNREADABLE;
}

const UNREADABLE = {
  tone: "",
  mark: "notice",
  title: "We cannot show this payment",
  text: "Its state is not known to this page. Ask the shop before you pay again.",
};

export const NO_PAYMENT = {
  tone: "",
  mark: "notice",
  title: "No payment to show",
  text: "This page shows the state of a payment, and the link names none. It says nothing about whether you paid.",
};

export const UNKNOWN_PAYMENT = {
  tone: "",
  mark: "notice",
  title: "We do not know this payment",
  text: "The link may be incomplete. If you have paid, ask the shop before you pay again.",
};

export const UNREACHABLE = {
  tone: "",
  mark: "notice",
  title: "We cannot tell right now",
  text: "The state of your payment could not be read. This page keeps trying; please do not pay again meanwhile.",
};
