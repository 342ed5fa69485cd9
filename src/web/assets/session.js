// The calls of the checkout page, and of the bank's page, to the gateway. Each ends in what is known: the payment's state, that there is no such
// payment, or that nobody answered.

const CALL_TIMEOUT_MS = 30_000;
const READS_MAX = 3;
const READ_PAUSE_MS = 700;

const address = location.pathname.replace(/\/$/, "");

/** Answers `{ state, problem }`, "missing" or "unreachable". */
export async function readSession() {
  for (let read = 1; ; read += 1) {
    const answer = await call(`${address}/state${location.search}`, { cache: "no-store" });
    if (answer !== "unreachable" || read === READS_MAX) return answer;
    await new Promise((resolve) => setTimeout(resolve, READ_PAUSE_MS * read));
  }
}

/** Pays by the token of a card. The number of the card is never sent. */
export function pay(token) {
  return change("pay", { token });
}

/** Answers the bank's question. */
export function authenticate(approve) {
  return change("authenticate", { approve });
}

/** When no answer comes, what was asked may have happened all the same: only the state can tell. */
async function change(action, body) {
  const answer = await call(`${address}/${action}${location.search}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer !== "unreachable") return answer;
  const found = await readSession();
  if (typeof found === "string" || found.state.status !== "open") return found;
  const text = "You have not been charged. You can try again.";
  return { ...found, problem: { field: null, title: "The payment did not go through.", text } };
}

async function call(url, options) {
  try {
    const response = await fetch(url, { ...options, signal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
    if (response.status === 404) return "missing";
    if (!response.ok) return "unreachable";
    return await response.json();
  } catch {
    return "unreachable";
  }
}
