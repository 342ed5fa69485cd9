// The invariants can fail: the books of a real, healthy service are falsified by hand, in one way after the other, and each time exactly the invariant that
// forbids it is reported. What is done to the tables is rolled back.
import assert from "node:assert/strict";
import { after, before, describe, it, type TestContext } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import pg from "pg";
import { PaymentMode } from "../../../gen/payment/v1/payment_pb.ts";
import { PaymentService } from "../../../gen/payment/v1/payment_service_pb.ts";
import { CANARIES } from "../../support/canaries.ts";
import { createClients } from "../../support/clients.ts";
import type { OrderTotals } from "../../support/gateway-journal.ts";
import { ServiceProcess } from "../../support/service-process.ts";
import { type RecordedMessage, StreamRecorder } from "../../support/stream-recorder.ts";
import { Caller } from "../load/caller.ts";
import { grantCredits } from "../load/credit-holders.ts";
import { type Evidence, findViolations, type Query } from "./invariants.ts";
import { Random } from "./random.ts";
import { ClientRecord, type RequestRecord, type Verdict } from "./record.ts";
import { examine, QUICK } from "./verdict.ts";

const { createPayment, refundPayment } = PaymentService.method;
const CARD_ORDER = "order-by-card";
const CREDITS_ORDER = "order-by-credits";

let service: ServiceProcess;
let database: pg.Client;
let evidence: Evidence;

/** Pays 100 and gets 40 back. */
async function buy(caller: Caller, orderId: string, terms: object): Promise<void> {
  const created = { orderId, requestId: `${orderId}-create` };
  await caller.call(createPayment, created, { ...created, mode: PaymentMode.INTENT, ...terms });
  const refunded = { orderId, requestId: `${orderId}-refund` };
  const payment = { case: "orderId", value: orderId } as const;
  const amount = { ...(terms as { amount: object }).amount, minor: 40n };
  await caller.call(refundPayment, refunded, { payment, amount, requestId: refunded.requestId });
}

async function live(t: TestContext): Promise<ClientRecord> {
  const record = new ClientRecord();
  const caller = new Caller({ clients: createClients(t, service), random: new Random(1), record, onVerdict: () => {} });
  const [customerId = ""] = await grantCredits(service.http, 1);
  await buy(caller, CARD_ORDER, { amount: { currency: "EUR", minor: 100n }, paymentMethod: "pm_card_visa" });
  const credits = { provider: "credits", paymentMethod: "credits", customerId };
  await buy(caller, CREDITS_ORDER, { amount: { currency: "XXX", minor: 100n }, ...credits });
  return record;
}

before(async (t) => {
  service = await ServiceProcess.start(QUICK);
  const record = await live(t as TestContext);
  const { violations } = await examine(service, record);
  assert.deepEqual(violations, []);
  for (const { verdicts } of record.requests) assert.equal(verdicts[0]?.kind, "ok", JSON.stringify(verdicts));
  const recorder = await StreamRecorder.open(await service.connectNats());
  const stream = [...(await recorder.all())];
  await recorder.close();
  database = new pg.Client({ connectionString: service.databaseUrl });
  await database.connect();
  const query: Query = async <T extends object>(text: string, values: unknown[] = []) =>
    (await database.query(text, values)).rows as T[];
  evidence = { query, journal: await service.journal(), stream, requests: record.requests, secrets: service.secrets() };
});
after(async () => {
  // What could not be opened needs no closing, and must not keep the rest from it.
  await (database as pg.Client | undefined)?.end();
  await service.remove();
});

/** The evidence with something falsified in it. */
type Forgery = () => Promise<Partial<Evidence>>;

/** Which invariants are reported. */
async function reportedFor(forge: Forgery): Promise<string[]> {
  await database.query("begin");
  try {
    const found = await findViolations({ ...evidence, ...(await forge()) });
    return [...new Set(found.map((violation) => violation.slice(0, violation.indexOf(" "))))];
  } finally {
    await database.query("rollback");
  }
}

/** Falsifies one row of the tables. */
function sql(text: string): Forgery {
  return async () => {
    const { rowCount } = await database.query(text);
    assert.equal(rowCount, 1);
    return {};
  };
}

function journalOf(change: Partial<OrderTotals>): Forgery {
  return async () => {
    const { lines, orders } = evidence.journal;
    const totals = orders.get(CARD_ORDER);
    assert.ok(totals);
    return { journal: { lines, orders: new Map([...orders, [CARD_ORDER, { ...totals, ...change }]]) } };
  };
}

function streamOf(change: (ours: RecordedMessage[]) => readonly RecordedMessage[]): Forgery {
  return async () => {
    const isOurs = ({ body }: RecordedMessage): boolean => body.includes(`"${CARD_ORDER}"`);
    const others = evidence.stream.filter((message) => !isOurs(message));
    return { stream: [...others, ...change(evidence.stream.filter(isOurs))] };
  };
}

function recordOf(change: (refund: RequestRecord) => Partial<RequestRecord>): Forgery {
  return async () => ({
    requests: evidence.requests.map((each) =>
      each.requestId === `${CARD_ORDER}-refund` ? { ...each, ...change(each) } : each,
    ),
  });
}

/** The verdict with something else in it. */
function retold({ verdicts }: RequestRecord, part: "payment" | "refund", change: JsonObject): Verdict {
  const [verdict] = verdicts;
  assert.ok(verdict?.kind === "ok");
  return {
    kind: "ok",
    answer: { ...verdict.answer, [part]: { ...(verdict.answer[part] as JsonObject), ...change } },
  };
}

const MINE = `(select id from payment where order_id = '${CARD_ORDER}')`;
const HOLDER = "(select id from credit_account where kind = 'CUSTOMER')";
const refusal = (message: string): Verdict => ({ kind: "fail", error: { code: "internal", message, details: [] } });

const FORGERIES: readonly (readonly [invariant: string, what: string, forge: Forgery])[] = [
  ["I1", "a second charge at the gateway", journalOf({ charges: 2 })],
  ["I2", "more captured at the gateway than here", journalOf({ capturedMinor: 101n })],
  ["I2", "more refunded at the gateway than here", journalOf({ refundedMinor: 41n })],
  [
    "I2",
    "more credits captured in the payment than in the ledger",
    sql(`update payment set amount_minor = 101, captured_minor = 101 where order_id = '${CREDITS_ORDER}'`),
  ],
  [
    "I3",
    "a refund of which the payment knows nothing",
    sql(`insert into refund select gen_random_uuid(), payment_id, 1, currency, 'PENDING', reason, null, null, created_at, updated_at
      from refund where payment_id = ${MINE}`),
  ],
  [
    "I4",
    "a change without an event",
    sql(`update payment set version = version + 1, revision = revision + 1 where id = ${MINE}`),
  ],
  [
    "I5",
    "a way that there is not",
    sql(`update payment_event set status = 'FAILED' where payment_id = ${MINE} and version = 1`),
  ],
  ["I6", "an event that is not on the stream", streamOf((ours) => ours.slice(0, -1))],
  [
    "I6",
    "a message without an event",
    streamOf((ours) => [...ours, ...ours.map((each) => ({ ...each, subject: "payment.failed" }))]),
  ],
  [
    "I6",
    "a message that is not as its schema says",
    streamOf((ours) =>
      ours.map((each) => ({ ...each, body: each.body.replace(/"amountMinor":\s*"(\d+)"/, '"amountMinor":$1') })),
    ),
  ],
  [
    "I7",
    "two messages that came in the wrong order",
    streamOf(([first, second, ...rest]) => [second, first, ...rest].filter((each) => each !== undefined)),
  ],
  [
    "I8",
    "a webhook without an outcome",
    sql("update webhook_event set state = 'RECEIVED' where event_id = (select min(event_id) from webhook_event)"),
  ],
  [
    "I9",
    "a request with two answers",
    recordOf((each) => ({
      verdicts: [...each.verdicts, retold(each, "payment", { updateTime: "2026-01-01T00:00:00Z" })],
    })),
  ],
  [
    "I10",
    "an event that was never published",
    sql(`update payment_event set published_at = null where payment_id = ${MINE} and version = 1`),
  ],
  [
    "I10",
    "an operation in flight",
    sql(`update provider_operation set state = 'IN_FLIGHT' where payment_id = ${MINE} and kind = 'REFUND'`),
  ],
  [
    "I10",
    "a request without an answer in the ledger",
    sql(`update request set response = null where request_id = '${CARD_ORDER}-refund'`),
  ],
  ["I10", "a request that was never answered", recordOf(() => ({ verdicts: [] }))],
  [
    "I11",
    "a status that the client was told and the tables do not hold",
    recordOf((each) => ({ verdicts: [retold(each, "payment", { status: "PAYMENT_STATUS_REFUNDED" })] })),
  ],
  [
    "I11",
    "a refund that the client was told of and the tables do not hold",
    recordOf((each) => ({ verdicts: [retold(each, "refund", { refundId: "refund_none" })] })),
  ],
  [
    "I12",
    "a card number in a table",
    sql(`update payment set cancel_reason = 'by ${CANARIES.card}' where id = ${MINE}`),
  ],
  [
    "I12",
    "a security code in a table",
    sql(`update payment set metadata = '{"cvc": "${CANARIES.cvc}"}' where id = ${MINE}`),
  ],
  [
    "I12",
    "a card number of a caller's notes in another table",
    sql(`update refund set reason = '${CANARIES.note}' where payment_id = ${MINE}`),
  ],
  [
    "I12",
    "a password in an event",
    streamOf((ours) =>
      ours.map((each) => ({ ...each, headers: new Map([...each.headers, ["x", service.secrets().at(-1) ?? ""]]) })),
    ),
  ],
  [
    "I12",
    "a card number in an error",
    recordOf(({ history }) => ({ history: [...history, `fail: ${CANARIES.testCard}`] })),
  ],
  ["I12", "a card number in the log", async () => ({ overheard: [["the log", `{"msg":"${CANARIES.card}"}`]] })],
  [
    "I13",
    "credits made of nothing",
    sql(
      `update credit_entry set credits = credits + 1, balance = balance + 1 where account_id = ${HOLDER} and position = (select max(position) from credit_entry where account_id = ${HOLDER})`,
    ),
  ],
  [
    "I13",
    "a balance that its entries do not make",
    sql("update credit_account set balance = balance + 1 where kind = 'SALES'"),
  ],
  [
    "I13",
    "a transfer without its entries",
    sql(`insert into credit_transfer (id, kind, effect, account_id, credits, created_at)
      select gen_random_uuid(), kind, effect, account_id, credits, created_at from credit_transfer where kind = 'GRANT'`),
  ],
];

describe("falsified books are found out:", () => {
  for (const [invariant, what, forge] of FORGERIES) {
    it(`${invariant}: ${what}`, async () => assert.deepEqual(await reportedFor(forge), [invariant]));
  }
});

it("every invariant is falsified in one way at least", () => {
  const falsified = new Set(FORGERIES.map(([invariant]) => invariant));
  assert.deepEqual(
    [...falsified],
    Array.from({ length: 13 }, (_, index) => `I${index + 1}`),
  );
});

it("an error that tells a card number is found in the client's record", async () => {
  const [first] = evidence.requests;
  assert.ok(first);
  const told = { ...first, requestId: "other", verdicts: [refusal(`card ${CANARIES.card} refused`)] };
  assert.deepEqual(await reportedFor(async () => ({ requests: [...evidence.requests, told] })), ["I12"]);
});

it("the log is listened to while it is written", async () => {
  assert.deepEqual(service.overheard(), []);
  const audits = service.logged.filter(({ msg }) => msg === "audit").length;
  // The audit names the order, whatever it is called.
  await fetch(`http://127.0.0.1:${service.http.port}/payment.v1.PaymentService/CancelPayment`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ orderId: CANARIES.card }),
  });
  await service.awaitLog("audit", audits + 1);
  assert.match(JSON.stringify(service.overheard()), new RegExp(CANARIES.card));
});
