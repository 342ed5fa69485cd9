// The ends of a checkout, and what stands in its way: one card in the middle that says what is true and leads on.
import { printMoney } from "./print.js";

const find = (id) => document.getElementById(id);

const ENDS = {
  paid: { tone: "good", mark: "check", title: "This is already paid", text: "Nothing more is to be done here." },
  authorized: {
    tone: "good",
    mark: "check",
    title: "The amount is reserved",
    text: "It is reserved on the card and has not been charged yet.",
  },
  processing: {
    tone: "waiting",
    mark: "clock",
    title: "The payment is being processed",
    text: "The bank has accepted it and has not said yet how it ends.",
  },
  declined: {
    tone: "bad",
    mark: "cross",
    title: "The payment was not approved",
    text: "You have not been charged.",
  },
  expired: {
    tone: "",
    mark: "clock",
    title: "This checkout has expired",
    text: "You have not been charged. Go back to start again.",
  },
  closed: {
    tone: "",
    mark: "cross",
    title: "This checkout was closed",
    text: "It can no longer be paid here, and you have not been charged. Go back to start again.",
  },
};

const JUST_PAID = { tone: "good", mark: "check", title: "Payment approved" };

/** Shows where a session ended; `justNow` when it was this page that paid it. */
export function showEnd(state, { justNow }) {
  const settled = state.status === "paid" || state.status === "authorized" || state.status === "processing";
  const url = settled ? state.success_url : (state.cancel_url ?? state.success_url);
  const end = ENDS[state.status];
  const words = justNow && state.status === "paid" ? JUST_PAID : end;
  const returning = url === null ? "You can close this page." : `Taking you back to ${state.merchant}…`;
  const text = justNow ? `${words === JUST_PAID ? "" : `${end.text} `}${returning}` : end.text;
  show({ ...words, text, facts: settled ? state : null, link: url && { url, text: linkText(state, justNow) } });
}

export function showMissing() {
  show({
    tone: "",
    mark: "notice",
    title: "There is no checkout here",
    text: "The link may be incomplete. Go back to where you found it and try again.",
  });
}

export function showUnreachable(retry) {
  show({
    tone: "bad",
    mark: "notice",
    title: "The checkout does not answer",
    text: "We cannot tell the state of this payment right now. Check your connection and try again.",
    retry,
  });
}

function linkText(state, justNow) {
  return justNow ? "Continue" : `Back to ${state.merchant}`;
}

function show({ tone, mark, title, text, facts = null, link = null, retry = null }) {
  find("notice-sign").className = `sign ${tone}`;
  find("notice-mark").setAttribute("href", `#mark-${mark}`);
  find("notice-title").textContent = title;
  find("notice-text").textContent = text;
  find("notice-facts").hidden = facts === null;
  if (facts) {
    find("notice-amount").textContent = printMoney(facts.amount, facts.currency);
    find("notice-merchant").textContent = facts.merchant;
  }
  find("notice-link").hidden = link === null;
  if (link) {
    find("notice-link").href = link.url;
    find("notice-link").textContent = link.text;
  }
  find("notice-retry").hidden = retry === null;
  find("notice-retry").onclick = retry;
  // The bank's page has no form.
  find("checkout")?.setAttribute("hidden", "");
  find("notice").hidden = false;
  document.title = title;
  find("notice-title").focus({ preventScroll: true });
  scrollTo(0, 0);
}
