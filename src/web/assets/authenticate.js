// The bank's page (3-D Secure) of a payment that has no checkout page: asks, and leads back to whoever sent the customer here.
import { askChallenge, challengeUnanswered, closeChallenge, startChallenge } from "./challenge.js";
import { showMerchant } from "./merchant.js";
import { showEnd, showMissing, showUnreachable } from "./notice.js";
import { authenticate, readSession } from "./session.js";

/** How long the customer sees what came of it. */
const OUTCOME_SHOWN_MS = 1_200;

async function answerChallenge(approve) {
  const answer = await authenticate(approve);
  if (answer === "unreachable" || answer.state?.status === "requires_action") return challengeUnanswered();
  show(answer, { justNow: true });
  const url = answer.state?.success_url ?? null;
  if (url !== null) setTimeout(() => location.assign(url), OUTCOME_SHOWN_MS);
}

function show(answer, { justNow }) {
  if (answer === "unreachable") return showUnreachable(start);
  if (answer === "missing") return showMissing();
  showMerchant(answer.state);
  if (answer.state.status === "requires_action") return askChallenge(answer.state);
  closeChallenge();
  showEnd(answer.state, { justNow });
}

async function start() {
  show(await readSession(), { justNow: false });
}

startChallenge(answerChallenge);
await start();
