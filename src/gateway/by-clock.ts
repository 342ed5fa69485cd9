// What happens to a payment because time passes, without anybody asking. At its time: an open session expires. A week after it was authorized:
// what is held is let go. An hour after it was made: a refund that is slow succeeds. Two days after: a refund that bounces fails. When its
// answer was due: a dispute is lost. At once: the card of a charge brings about its dispute.
import { findDecisionTime, findDueDispute, loseDispute, openDispute } from "./disputes.ts";
import { cancelIntent } from "./intents.ts";
import type { Life, Refund } from "./objects.ts";
import { refundManner, settleRefund } from "./refunds.ts";
import { expireSession } from "./sessions.ts";
import type { Step } from "./step.ts";

const HOUR_SECONDS = 60 * 60;
const HOLD_SECONDS = 7 * 24 * HOUR_SECONDS;
const REFUND_SUCCEEDS_SECONDS = HOUR_SECONDS;
const REFUND_FAILS_SECONDS = 2 * 24 * HOUR_SECONDS;

interface Due {
  readonly seconds: number;
  readonly act: (now: Date) => Step;
}

/** When the clock next acts on a life, in Unix milliseconds; null for never. */
export function findDueTime(life: Life): number | null {
  const due = findDue(life);
  return due === undefined ? null : due.seconds * 1000;
}

/** The step that the clock takes on a life by now; undefined for none. */
export function decideByClock(life: Life, now: Date): Step | undefined {
  const due = findDue(life);
  return due !== undefined && due.seconds * 1000 <= now.getTime() ? due.act(now) : undefined;
}

function findDue(life: Life): Due | undefined {
  const { intent, session, charges, refunds, disputes } = life;
  if (session?.status === "open") return { seconds: session.expires_at, act: (now) => expireSession(life, now) };
  if (intent.status === "requires_capture") {
    const held = charges.find((charge) => charge.id === intent.latest_charge)?.created ?? intent.created;
    return { seconds: held + HOLD_SECONDS, act: (now) => cancelIntent(life, "automatic", now) };
  }
  if (intent.status !== "succeeded") return undefined;
  const dispute = findDueDispute(life);
  if (dispute !== undefined) return { seconds: intent.created, act: (now) => openDispute(life, dispute, now) };
  const dues = [
    ...refunds.map((refund) => findRefundDue(life, refund)),
    ...disputes.map((each) => findLoss(life, each)),
  ];
  return dues.reduce(
    (first, due) => (first === undefined || (due && due.seconds < first.seconds) ? due : first),
    undefined,
  );
}

function findRefundDue(life: Life, refund: Refund): Due | undefined {
  const charge = life.charges.find((each) => each.id === refund.charge);
  if (charge === undefined) return undefined;
  const act = (): Step => settleRefund(life, refund.id);
  const manner = refundManner(charge);
  if (manner === "succeeds_later" && refund.status === "pending") {
    return { seconds: refund.created + REFUND_SUCCEEDS_SECONDS, act };
  }
  if (manner === "fails_later" && refund.status === "succeeded") {
    return { seconds: refund.created + REFUND_FAILS_SECONDS, act };
  }
  return undefined;
}

function findLoss(life: Life, dispute: Life["disputes"][number]): Due | undefined {
  const seconds = findDecisionTime(dispute);
  return seconds === null ? undefined : { seconds, act: () => loseDispute(life, dispute) };
}
