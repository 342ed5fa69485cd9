// /v1/charges, /v1/refunds and /v1/disputes
import type { PartKind } from "../events.ts";
import type { Life } from "../objects.ts";
import { CHARGE, DISPUTE, type Kind, partProblem, perform, REFUND, retrieve } from "./calls.ts";
import { withoutEmpty } from "./intent-routes.ts";
import {
  fromArray,
  type Listed,
  type Listing,
  listPage,
  PAGING,
  type Paging,
  type TimeRange,
  timeRange,
} from "./listing.ts";
import { type Outcome, refuse } from "./outcome.ts";
import {
  clearable,
  fields,
  flag,
  ignored,
  integer,
  metadata,
  oneOf,
  text,
  unsupported,
  withDefault,
} from "./parameters.ts";
import { invalidRequest, noSuch } from "./refusal.ts";
import { EVIDENCE_FIELDS, renderCharge, renderDispute, renderRefund } from "./render-charge.ts";
import { type Call, type Face, type Route, route } from "./route.ts";

/** A charge, or what belongs to one. */
interface Member extends Listed {
  readonly life: Life;
  readonly charge: string;
}

interface MemberFilter {
  readonly paging: Paging;
  readonly created: TimeRange | null;
  readonly payment_intent: string | null;
  readonly charge: string | null;
}

const OF_PAYMENT = { ...PAGING, created: timeRange(), payment_intent: text() };

/** Lists charges, refunds or disputes: those of the payment that a parameter names, or of all. */
async function listMembers(kind: Kind, { face }: Call, filter: MemberFilter): Promise<Outcome> {
  const { paging, created, payment_intent, charge } = filter;
  const part = kind.name as PartKind;
  const named = payment_intent ?? charge;
  const life = named === null ? undefined : await face.gateway.findLife(named);
  const source = named === null ? partSource(face, part) : fromArray(life ? membersOf(part, life) : []);
  const listing = {
    ...source,
    created,
    url: `/v1/${part}s`,
    kind: part,
    filter: (member: Member): boolean =>
      (payment_intent === null || member.life.intent.id === payment_intent) &&
      (charge === null || member.charge === charge),
  };
  return listPage(listing, paging);
}

function partSource(face: Face, part: PartKind): Pick<Listing<Member>, "source" | "has"> {
  const find = (id: string, life: Life): Member | undefined => membersOf(part, life).find((each) => each.id === id);
  return {
    async has(id) {
      const life = await face.gateway.findLife(id);
      return life !== undefined && find(id, life) !== undefined;
    },
    async *source(query) {
      for await (const { id, life } of face.gateway.listParts(part, query)) {
        const member = find(id, life);
        if (member) yield member;
      }
    },
  };
}

/** What a payment has of a kind, oldest first. */
function membersOf(part: PartKind, life: Life): Member[] {
  switch (part) {
    case "charge":
      return life.charges.map((each) => member(each, life, { charge: each.id, print: () => renderCharge(each, life) }));
    case "refund":
      return life.refunds.map((each) => member(each, life, { charge: each.charge, print: () => renderRefund(each) }));
    case "dispute":
      return life.disputes.map((each) => member(each, life, { charge: each.charge, print: () => renderDispute(each) }));
  }
}

function member(
  { id, created }: { readonly id: string; readonly created: number },
  life: Life,
  more: Pick<Member, "charge" | "print">,
): Member {
  return { id, created, life, ...more };
}

const listCharges = route(
  "GET /v1/charges",
  { ...OF_PAYMENT, customer: ignored(), ...unsupported("transfer_group") },
  async ({ created, payment_intent, ...paging }, call) =>
    listMembers(CHARGE, call, { paging, created, payment_intent, charge: null }),
);

function listOf(kind: Kind): Route {
  return route(`GET /v1/${kind.name}s`, { ...OF_PAYMENT, charge: text() }, async (params, call) => {
    const { created, payment_intent, charge, ...paging } = params;
    return listMembers(kind, call, { paging, created, payment_intent, charge });
  });
}

const refund = route(
  "POST /v1/refunds",
  {
    payment_intent: text(),
    charge: text(),
    amount: integer({ min: 1n }),
    reason: oneOf("duplicate", "fraudulent", "requested_by_customer"),
    metadata: withDefault(metadata(), {}),
    ...unsupported("currency customer instructions_email origin refund_application_fee reverse_transfer"),
  },
  async (params, call) => {
    const { payment_intent, charge, amount, reason } = params;
    const id = payment_intent ?? charge;
    if (id === null || (payment_intent !== null && charge !== null)) {
      const message = "One of the following params should be provided for this request: payment_intent or charge.";
      return refuse(invalidRequest(message, { code: "parameter_missing", param: "payment_intent" }));
    }
    const problem = await partProblem(call.face, id, { amount, param: "amount" });
    if (problem) return refuse(problem);
    const request = { amount, reason, metadata: withoutEmpty(params.metadata) };
    const outcome = await perform(call, { operation: "create_refund", id, params: request });
    if (outcome.kind !== "refused" || outcome.refusal.status !== 404) return outcome;
    const [kind, param] = charge === null ? ["payment_intent", "payment_intent"] : ["charge", "charge"];
    return refuse(noSuch(kind, { id, param }));
  },
);

const cancelRefund = route("POST /v1/refunds/:id/cancel", {}, () => {
  const message = "Only refunds that require an action of the customer can be canceled, and a card's never do.";
  return refuse(invalidRequest(message, { param: "refund" }));
});

const EVIDENCE = {
  ...Object.fromEntries(EVIDENCE_FIELDS.map((name) => [name, clearable(20_000)])),
  ...unsupported("appeal enhanced_evidence"),
};

const updateDispute = route(
  "POST /v1/disputes/:id",
  { evidence: fields(EVIDENCE), submit: flag(), metadata: metadata(), ...unsupported("intended_submission_method") },
  async ({ evidence, submit: asked, metadata: pairs }, call) => {
    // Evidence is sent to the bank at once, unless the caller keeps it back.
    const submit = asked ?? evidence !== null;
    const given = Object.entries(evidence ?? {}).filter((field): field is [string, string] => field[1] !== null);
    return perform(
      call,
      {
        operation: "update_dispute",
        id: call.id,
        params: { evidence: evidence && Object.fromEntries(given), submit, metadata: pairs },
      },
      DISPUTE,
    );
  },
);

export const chargeRoutes: readonly Route[] = [
  listCharges,
  route("GET /v1/charges/:id", {}, async (_params, call) => retrieve(call, CHARGE)),
  refund,
  listOf(REFUND),
  route("GET /v1/refunds/:id", {}, async (_params, call) => retrieve(call, REFUND)),
  cancelRefund,
  listOf(DISPUTE),
  route("GET /v1/disputes/:id", {}, async (_params, call) => retrieve(call, DISPUTE)),
  updateDispute,
  route("POST /v1/disputes/:id/close", {}, async (_params, call) =>
    perform(call, { operation: "close_dispute", id: call.id }, DISPUTE),
  ),
];
