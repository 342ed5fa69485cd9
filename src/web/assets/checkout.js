// The checkout page: shows the session's state, and what the customer can do about it. Every text that comes from the session is set as text.
import { isBusy, setBusy } from "./busy-button.js";
import { blame, fillCard, knowCards, showEmail, startCardForm } from "./card-form.js";
import { askChallenge, challengeUnanswered, closeChallenge, startChallenge } from "./challenge.js";
import { showMerchant } from "./merchant.js";
import { showEnd, showMissing, showUnreachable } from "./notice.js";
import { printMoney, printTime } from "./print.js";
import { authenticate, pay, readSession } from "./session.js";
import { forgetChoice, showTestCards } from "./test-cards.js";

/** How long the customer sees that it worked, before the page leads back to the shop. */
const SUCCESS_SHOWN_MS = 1_200;
/** After a decline: time for the shop to close the checkout, if that was the last attempt that it allows. */
const LAST_ATTEMPT_MS = 2_000;
/** The longest that a timer can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;

const find = (id) => document.getElementById(id);
const payButton = find("pay");

let ended = false;
let expiryTimer;

function render({ state, problem }) {
  showMerchant(state);
  switch (state.status) {
    case "open":
      closeChallenge();
      showForm(state);
      showProblem(problem);
      break;
    case "requires_action":
      showForm(state);
      showProblem(null);
      askChallenge(state);
      break;
    default:
      ended = true;
      closeChallenge();
      showEnd(state, { justNow: false });
  }
}

function showForm(state) {
  const total = printMoney(state.amount, state.currency);
  document.title = `${total} · ${state.merchant}`;
  find("summary-title").textContent = state.title ?? `Pay ${state.merchant}`;
  find("total").textContent = total;
  find("expiry").textContent = `Open until ${printTime(state.expires_at)}.`;
  find("items").replaceChildren(...state.items.flatMap((item) => itemRow(item, state.currency)));
  find("pay-text").textContent = `Pay ${total}`;
  find("leave").hidden = state.cancel_url === null;
  if (state.cancel_url !== null) {
    find("cancel").href = state.cancel_url;
    find("cancel").textContent = `Cancel and return to ${state.merchant}`;
  }
  const cards = state.test_cards.flatMap((group) => group.cards);
  knowCards(cards);
  showTestCards(state.test_cards, fillCard);
  showEmail(state.email);
  setBusy(payButton, false);
  clearTimeout(expiryTimer);
  expiryTimer = setTimeout(() => void refresh(), Math.min(state.expires_in_ms + 500, TIMER_MS_MAX));
  find("notice").hidden = true;
  find("checkout").hidden = false;
}

function itemRow({ name, quantity, amount }, currency) {
  const term = document.createElement("dt");
  term.textContent = name;
  if (quantity !== 1) {
    const count = document.createElement("span");
    count.className = "quantity";
    count.textContent = ` × ${quantity}`;
    term.append(count);
  }
  const value = document.createElement("dd");
  value.className = "number";
  value.textContent = printMoney(amount, currency);
  return [term, value];
}

function showProblem(problem) {
  const box = find("problem");
  box.hidden = problem === null;
  find("problem-title").textContent = problem?.title ?? "";
  find("problem-text").textContent = problem?.text ?? "";
  if (problem === null) return;
  setTimeout(() => void refresh(), LAST_ATTEMPT_MS);
  if (problem.field !== null) blame(problem.field, problem.title);
  else box.focus({ preventScroll: true });
  box.scrollIntoView({ block: "nearest" });
}

async function submitCard(token) {
  if (isBusy(payButton)) return;
  setBusy(payButton, true);
  find("pay-text").textContent = "Paying…";
  showProblem(null);
  settle(await pay(token));
}

async function answerChallenge(approve) {
  const answer = await authenticate(approve);
  // The question stands where nobody took the answer.
  const stands = answer === "unreachable" || answer.state?.status === "requires_action";
  if (stands) challengeUnanswered();
  else settle(answer);
}

/** Shows what came of an attempt; when it was paid, leads back to the shop. */
function settle(answer) {
  if (typeof answer === "string" || !isSettled(answer.state)) return show(answer);
  ended = true;
  closeChallenge();
  showMerchant(answer.state);
  showEnd(answer.state, { justNow: true });
  const url = answer.state.success_url;
  if (url !== null) setTimeout(() => location.assign(url), SUCCESS_SHOWN_MS);
}

function isSettled({ status }) {
  return status === "paid" || status === "authorized" || status === "processing";
}

function show(answer) {
  if (answer === "missing") showMissing();
  else if (answer === "unreachable") showUnreachable(start);
  else render(answer);
}

async function start() {
  show(await readSession());
}

/** The session may have ended meanwhile: by the clock, by the shop, or in another window. What is typed stays as it is. */
async function refresh() {
  if (ended || document.hidden || isBusy(payButton) || find("checkout").hidden) return;
  const answer = await readSession();
  const moved = typeof answer !== "string" && answer.state.status !== "open";
  if (moved && !isBusy(payButton) && !ended) show(answer);
}

startCardForm({ onSubmit: submitCard, onTyped: forgetChoice });
startChallenge(answerChallenge);
document.addEventListener("visibilitychange", () => void refresh());
await start();
