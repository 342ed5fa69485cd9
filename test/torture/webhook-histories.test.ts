// Random histories: payments that are called, declined, captured and given back, while the webhooks of all that arrive before the answers, between
// them, late, twice and out of order. Each ends as the same history does without any webhook.
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { cancelPayment } from "../../src/app/cancel-payment.ts";
import { completePayment } from "../../src/app/complete-payment.ts";
import { type CreatePaymentInput, createPayment } from "../../src/app/create-payment.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import type { Payment } from "../../src/domain/payment.ts";
import type { GatewayEvent } from "../../src/gateway/direct.ts";
import type { Provider, ProviderAnswer, ProviderCall } from "../../src/provider/provider.ts";
import { caller, createInput, TestService } from "../app/open-service.ts";
import { torment } from "./frame/programme.ts";
import type { Random } from "./frame/random.ts";
import { inParallel } from "../support/in-parallel.ts";
import { ABREAST, storyOf } from "./webhooks/stories.ts";

const PROGRAMME = {
  id: "T7c",
  name: "random histories, with webhooks at any moment and without",
  unit: "histories",
  cases: 1_000,
  share: 200,
  caseMs: 500,
};
const CARDS = [
  "pm_card_visa",
  "pm_card_chargeDeclined",
  "pm_card_chargeDeclinedInsufficientFunds",
  "pm_card_authenticationRequired",
  "pm_card_visa",
];

type Step =
  | { readonly do: "pay"; readonly card: string }
  | { readonly do: "capture"; readonly minor: bigint }
  | { readonly do: "refund"; readonly minor: bigint }
  | { readonly do: "cancel" };

interface Script {
  readonly create: Partial<CreatePaymentInput>;
  readonly steps: readonly Step[];
}

function drawScript(random: Random): Script {
  const checkout = random.chance(0.5);
  const manual = random.chance(0.5);
  const pays = Array.from({ length: 1 + random.below(3) }, () => ({ do: "pay" as const, card: random.pick(CARDS) }));
  const rest: Step[] = [];
  if (manual) rest.push({ do: "capture", minor: random.pick([10_000n, 7_000n]) });
  if (random.chance(0.2)) rest.unshift({ do: "cancel" });
  for (let refunds = random.below(3); refunds > 0; refunds -= 1) rest.push({ do: "refund", minor: 2_500n });
  return {
    create: {
      mode: checkout ? "CHECKOUT" : "INTENT",
      captureMethod: manual ? "MANUAL" : "AUTOMATIC",
      paymentMethod: null,
      attemptsMax: random.pick([1, 3]),
    },
    steps: [...pays, ...rest],
  };
}

/** The webhooks of one payment on their way to the service. */
class Mail {
  readonly #service: TestService;
  readonly #random: Random;
  #sent: readonly GatewayEvent[] = [];

  constructor(service: TestService, random: Random) {
    this.#service = service;
    this.#random = random;
  }

  /** Some of what was sent so far arrives, in any order, and some of it twice. */
  async arrive(intent: string | null): Promise<void> {
    const events = this.#service.eventsOf(intent);
    for (let count = this.#random.below(events.length + 1); count > 0; count -= 1)
      await this.#service.deliver(this.#random.pick(events));
    this.#sent = events;
  }

  /** What never arrived does, in any order. */
  async allArrive(intent: string | null): Promise<void> {
    this.#sent = this.#service.eventsOf(intent);
    const left = [...this.#sent];
    while (left.length > 0) {
      const [event] = left.splice(this.#random.below(left.length), 1);
      if (event) await this.#service.deliver(event);
    }
  }
}

/** By order; histories without mail have none. */
const mail = new Map<string, Mail>();

/** Has mail arrive after the provider acted, and before its answer is told. */
function withMail(provider: Provider): Provider {
  const around =
    (call: (call: ProviderCall) => Promise<ProviderAnswer>) =>
    async (operation: ProviderCall): Promise<ProviderAnswer> => {
      const answer = await call(operation);
      const { orderId, providerReference } = operation.payment;
      const opened = "facts" in answer ? answer.facts.find((fact) => fact.kind === "opened") : undefined;
      await mail.get(orderId)?.arrive(providerReference ?? opened?.providerReference ?? null);
      return answer;
    };
  return {
    ...provider,
    create: around((call) => provider.create(call)),
    confirm: around((call) => provider.confirm(call)),
    capture: around((call) => provider.capture(call)),
    cancel: around((call) => provider.cancel(call)),
    refund: around((call) => provider.refund(call)),
  };
}

interface Taken {
  readonly step: Step;
  readonly payment: Payment;
  readonly requestId: string;
}

async function take(service: TestService, { step, payment, requestId }: Taken): Promise<void> {
  const find = { paymentId: payment.id };
  const amount = (minor: bigint) => ({ minor, currency: "EUR" });
  if (step.do === "pay")
    await completePayment(service.parts, caller, { find, paymentMethod: step.card, amount: null, requestId });
  if (step.do === "capture")
    await completePayment(service.parts, caller, { find, paymentMethod: null, amount: amount(step.minor), requestId });
  if (step.do === "refund")
    await refundPayment(service.parts, caller, { find, amount: amount(step.minor), reason: null, requestId });
  if (step.do === "cancel") await cancelPayment(service.parts, caller, { find, reason: "changed my mind", requestId });
}

async function live(service: TestService, script: Script, random: Random | null): Promise<string> {
  const input = createInput(script.create);
  if (random) mail.set(input.orderId, new Mail(service, random));
  const created = await createPayment(service.parts, caller, input);
  assert.ok(created.ok);
  const { payment } = created.value;
  const letters = mail.get(input.orderId);
  for (const [index, step] of script.steps.entries()) {
    await take(service, { step, payment, requestId: `${input.requestId}-${index}` });
    await letters?.arrive(payment.providerReference);
  }
  await letters?.allArrive(payment.providerReference);
  return input.orderId;
}

torment(PROGRAMME, async (t, { cases, random }) => {
  const service = await TestService.open({ wrap: withMail });
  t.after(() => service.close());
  const scripts = Array.from({ length: cases }, () => ({ script: drawScript(random), random: random.fork() }));
  const lived: { orders: readonly [string, string]; script: Script }[] = [];
  await inParallel(scripts, ABREAST, async ({ script, random: own }) => {
    lived.push({ orders: [await live(service, script, null), await live(service, script, own)], script });
  });
  // What was owed, such as letting go of what a failed payment left open.
  await service.recoverAfter(0);
  const violations: string[] = [];
  for (const { orders, script } of lived) {
    const [quiet, stormy] = await Promise.all(orders.map((orderId) => storyOf(service, orderId)));
    if (stormy !== quiet) violations.push(`${inspect(script)} ends ${stormy} with webhooks, and ${quiet} without`);
  }
  return { cases: lived.length, violations, shown: true };
});
