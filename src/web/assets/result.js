// The service's success and cancel pages. The address says which payment; what is true of it is read from the service, and read again until it
// no longer changes. Having been led to the success page proves nothing.
import { poll } from "./poll.js";
import { printMoney, printTime } from "./print.js";
import { describePayment, isOpen, isSettled, NO_PAYMENT, UNKNOWN_PAYMENT, UNREACHABLE } from "./result-words.js";

const READ_TIMEOUT_MS = 10_000;
/** How long a customer who paid waits before the way back to the checkout is offered; one who did not pay sees it at once. */
const OFFER_CHECKOUT_MS = 15_000;

const find = (id) => document.getElementById(id);
const page = document.body.dataset.page;
const sessionId = new URLSearchParams(location.search).get("session_id") ?? "";
const openedAt = performance.now();

let shownPayment = false;

/** The payment, "unknown", or "unreachable". */
async function readPayment() {
  try {
    const response = await fetch(`/v1/payments/session/${encodeURIComponent(sessionId)}`, {
      headers: { accept: "application/json" },
      cache: "no-store",
      signal: AbortSignal.timeout(READ_TIMEOUT_MS),
    });
    if (response.status === 404) return "unknown";
    return response.ok ? parsePayment(await response.text()) : "unreachable";
  } catch {
    return "unreachable";
  }
}

/** Amounts are kept as they are written, since a number would round the large ones. */
function parsePayment(text) {
  const isAmount = (key) => key === "amount" || key === "amountRefunded";
  return JSON.parse(text, (key, value, context) =>
    isAmount(key) && typeof value === "number" ? (context?.source ?? String(value)) : value,
  );
}

/** Shows what is true now; answers whether that is the end of it. */
async function update() {
  const payment = await readPayment();
  if (payment === "unreachable") {
    // What was true a moment ago stays in sight.
    if (shownPayment) setText("aside", "The connection is interrupted. We keep trying.");
    else showWords(UNREACHABLE);
    return false;
  }
  setText("aside", "");
  if (payment === "unknown") {
    showWords(UNKNOWN_PAYMENT);
    return true;
  }
  showPayment(payment);
  return isSettled(payment.status);
}

function showPayment(payment) {
  shownPayment = true;
  const amount = printMoney(payment.amount, payment.currency);
  const refunded = printMoney(payment.amountRefunded, payment.currency);
  showWords(describePayment(payment.status, { page, amount, refunded, failure: payment.failure }));
  showFacts([
    ["Amount", amount, "amount number"],
    ["Refunded", isZero(payment.amountRefunded) ? null : refunded, "number"],
    ["For", payment.description],
    ["Order", payment.orderId],
    [isSettled(payment.status) ? "Time" : "As of", printTime(payment.updatedAt)],
  ]);
  showCheckout(payment);
}

function isZero(decimal) {
  return !/[1-9]/.test(decimal);
}

/** Leads back to the checkout while it is open; only where the payment may just be on its way does this wait a little. */
function showCheckout({ status, checkoutUrl }) {
  const url = checkoutUrl === null ? null : URL.parse(checkoutUrl);
  const leads = url?.protocol === "https:" || url?.protocol === "http:";
  const waited = page === "cancel" || status !== "PENDING" || performance.now() - openedAt > OFFER_CHECKOUT_MS;
  const offered = leads && isOpen(status) && waited;
  find("checkout").hidden = !offered;
  if (offered) find("checkout").href = url.href;
  else find("checkout").removeAttribute("href");
}

function showWords({ tone, mark, title, text }) {
  document.title = title;
  setText("title", title);
  setText("text", text);
  find("sign").className = `sign ${tone}`;
  find("turning").hidden = mark !== null;
  find("mark").toggleAttribute("hidden", mark === null);
  if (mark !== null) find("mark-use").setAttribute("href", `#mark-${mark}`);
}

function showFacts(facts) {
  const shown = facts.filter(([, value]) => value !== null);
  const rows = shown.flatMap(([name, value, className = ""]) => {
    const term = document.createElement("dt");
    term.textContent = name;
    const detail = document.createElement("dd");
    detail.textContent = value;
    detail.className = className;
    return [term, detail];
  });
  find("facts").replaceChildren(...rows);
  find("facts").hidden = false;
}

/** Leaves a text alone that says so already, since a screen reader would say it again. */
function setText(id, text) {
  if (find(id).textContent !== text) find(id).textContent = text;
}

if (sessionId === "") {
  showWords(NO_PAYMENT);
} else {
  const begin = poll(update, () => {
    setText("aside", "This page has stopped checking.");
    find("again").hidden = false;
  });
  find("again").addEventListener("click", () => {
    find("again").hidden = true;
    setText("aside", "");
    begin();
  });
}
