// The booking dialect over HTTP, on a real database and the mock gateway: every message, code and status of document 002.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Authenticate } from "../../../src/api/auth.ts";
import { createBookingDialect } from "../../../src/api/rest/booking.ts";
import type { Identity } from "../../../src/app/access.ts";
import { createPayment } from "../../../src/app/create-payment.ts";
import { accept, refuse } from "../../../src/domain/error.ts";
import { printEvent } from "../../../src/gateway/direct.ts";
import type { Provider } from "../../../src/provider/provider.ts";
import { answerOf, caller, createInput } from "../../app/open-service.ts";
import { type Answer, type OpenedRest, openRest } from "./open-rest.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const TRANSACTION = /^TXN-[0-9a-f-]{36}$/;
const UNKNOWN = "TXN-01890a5d-ac96-774b-bcce-b302099a8057";

const NOBODY = { customerId: null, clientToken: null };
const PEOPLE: Readonly<Record<string, Identity>> = {
  service: { ...NOBODY, role: "service", principal: "box-office" },
  ada: { ...NOBODY, role: "customer", principal: "ada", customerId: "ada" },
  bob: { ...NOBODY, role: "customer", principal: "bob", customerId: "bob" },
};

const authenticate: Authenticate = (authorization) => {
  const identity = PEOPLE[authorization?.replace("Bearer ", "") ?? ""];
  return identity ? accept(identity) : refuse("UNAUTHENTICATED", "there is no such token");
};

interface Wanted {
  readonly people?: boolean;
  readonly currency?: string;
  readonly wrap?: (provider: Provider) => Provider;
}

function open(t: TestContext, { people = false, currency = "USD", wrap }: Wanted = {}): Promise<OpenedRest> {
  return openRest(t, {
    dialects: [createBookingDialect({ currency })],
    ...(people && { authenticate }),
    ...(wrap && { service: { wrap } }),
  });
}

const CARD = { expiry_month: "12", expiry_year: "2034", cvv: "123", cardholder_name: "John Doe" };
let bookings = 0;

function purchase(number = "4242424242424242", change: object = {}) {
  bookings += 1;
  return {
    user_id: "user_123",
    booking_id: `BOOK-${bookings}`,
    amount: 25.5,
    payment_method: "credit_card",
    card_details: { card_number: number, ...CARD },
    ...change,
  };
}

const pay = (rest: OpenedRest, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  rest.ask("POST", "/payment/process", { body, headers });
const refund = (rest: OpenedRest, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  rest.ask("POST", "/payment/refund", { body, headers });
const statusOf = (rest: OpenedRest, id: string, headers: Record<string, string> = {}): Promise<Answer> =>
  rest.ask("GET", `/payment/status/${id}`, { headers });

/** A refund of what a purchase bought. */
function refundOf(bought: ReturnType<typeof purchase>, paid: Answer, change: object = {}) {
  return {
    booking_id: bought.booking_id,
    original_transaction_id: paid.body.transaction_id,
    refund_amount: 25.5,
    reason: "Customer cancellation",
    user_id: "user_123",
    ...change,
  };
}

async function countPayments(rest: OpenedRest): Promise<number> {
  return (await rest.service.rows("select 1 from payment")).length;
}

test("each test card ends a payment with its own code, and the transaction can be looked up either way", async (t) => {
  const rest = await open(t);
  const cases = [
    ["4111111111111111", 200, undefined],
    ["4242 4242 4242 4242", 200, undefined],
    ["5555555555554444", 200, undefined],
    ["378282246310005", 200, undefined],
    ["4000000000000002", 400, "CARD_DECLINED"],
    ["4000000000009995", 400, "INSUFFICIENT_FUNDS"],
    ["4000000000009987", 400, "CARD_DECLINED"],
    ["4000000000000069", 400, "CARD_EXPIRED"],
    ["4000000000000127", 400, "INVALID_CARD"],
    ["4000000000000119", 400, "PAYMENT_FAILED"],
  ] as const;
  for (const [number, status, code] of cases) {
    const bought = purchase(number);
    const paid = await pay(rest, bought);
    assert.deepEqual([paid.status, paid.body.error_code], [status, code], number);
    assert.match(paid.body.transaction_id, TRANSACTION);
    assert.match(paid.body.processed_at, TIME);
    const found = await statusOf(rest, paid.body.transaction_id);
    assert.equal(found.status, 200);
    assert.deepEqual(
      [found.body.status, found.body.booking_id, found.body.payment_method],
      [status === 200 ? "completed" : "failed", bought.booking_id, "credit_card"],
    );
  }
});

test("a declined booking can be paid with another card, and a paid one is paid once", async (t) => {
  const rest = await open(t);
  const declined = purchase("4000000000009995");
  assert.deepEqual((await pay(rest, declined)).body.error_message, "Insufficient funds in account");
  const again = { ...declined, card_details: { card_number: "4242424242424242", ...CARD } };
  rest.service.time += 1_000;
  const paid = await pay(rest, again);
  assert.equal(paid.status, 200);
  const twice = await pay(rest, again);
  assert.equal(twice.status, 409);
  const { error, timestamp, reason, outcome } = twice.body;
  assert.deepEqual(
    [error.code, error.message, error.details.transaction_id, error.details.retry_possible],
    ["DUPLICATE_TRANSACTION", "Transaction already processed", paid.body.transaction_id, false],
  );
  assert.match(timestamp, TIME);
  assert.deepEqual([reason, outcome], ["PAYMENT_ALREADY_COMPLETED", "NOT_ATTEMPTED"]);
});

test("a card whose bank asks its holder fails, and nothing can be taken for it afterwards", async (t) => {
  const rest = await open(t);
  const headers = { "idempotency-key": "challenged" };
  const bought = purchase("4000002760003184");
  const failed = await pay(rest, bought, headers);
  assert.deepEqual([failed.status, failed.body.error_code, failed.body.outcome], [400, "CARD_DECLINED", "DECLINED"]);
  assert.equal((await statusOf(rest, failed.body.transaction_id)).body.status, "failed");
  assert.equal((await pay(rest, bought, headers)).text, failed.text);
  rest.service.time += 1_000;
  assert.equal((await pay(rest, purchase("4242424242424242", { booking_id: bought.booking_id }))).status, 200);
});

test("what there is to pay with is said by a card, a token or an account, and else the payment fails", async (t) => {
  const rest = await open(t);
  const without = { card_details: undefined };
  const paypal_details = { email: "ada@example.com", payment_id: "PAYID-1" };
  const cases = [
    [{ payment_method: "debit_card" }, 200, undefined],
    [{ ...without, payment_method_token: "pm_card_visa" }, 200, undefined],
    [{ ...without, payment_method: "paypal", paypal_details }, 200, undefined],
    [without, 400, "INVALID_CARD"],
    [{ ...without, payment_method: "paypal" }, 400, "PAYMENT_FAILED"],
    [{ payment_method: "stripe" }, 400, "PAYMENT_FAILED"],
    [{ card_details: { ...CARD, card_number: "4012888888881881" } }, 400, "INVALID_CARD"],
    [{ card_details: { ...CARD, card_number: "4242424242424241" } }, 400, "INVALID_CARD"],
    [{ card_details: { ...CARD, card_number: "4242424242424242", expiry_month: "13" } }, 400, "INVALID_CARD"],
    [{ card_details: { ...CARD, card_number: "4242424242424242", expiry_year: "MMXX" } }, 400, "INVALID_CARD"],
    [{ card_details: { ...CARD, card_number: "4242424242424242", cvv: "12" } }, 400, "INVALID_CARD"],
    [{ ...without, payment_method_token: "pm_card_nobody" }, 400, "INVALID_CARD"],
    [{ ...without, payment_method_token: "4242-4242-4242-4242" }, 400, "INVALID_CARD"],
  ] as const;
  for (const [change, status, code] of cases) {
    const paid = await pay(rest, purchase("4242424242424242", change));
    assert.deepEqual([paid.status, paid.body.error_code], [status, code], JSON.stringify(change));
    assert.equal(paid.body.status, status === 200 ? "success" : "failed");
    assert.equal(paid.body.amount, 25.5);
  }
});

test("in live mode a card number is refused with the way to a token, and nothing is written", async (t) => {
  const rest = await open(t, { wrap: (provider) => ({ ...provider, live: true, defaultPaymentMethod: null }) });
  const refused = await pay(rest, purchase());
  assert.deepEqual(
    [refused.status, refused.body.error_code, refused.body.outcome],
    [400, "INVALID_CARD", "NOT_ATTEMPTED"],
  );
  assert.match(refused.body.error_message, /Stripe\.js.*payment_method_token/);
  assert.equal(await countPayments(rest), 0);
  const token = { card_details: undefined, payment_method_token: "pm_card_visa" };
  assert.equal((await pay(rest, purchase("", { ...token, payment_method: "stripe" }))).status, 200);
  const methods = (await rest.ask("GET", "/payment/methods")).body.payment_methods as {
    id: string;
    enabled: boolean;
  }[];
  assert.deepEqual(
    methods.filter(({ enabled }) => enabled).map(({ id }) => id),
    ["credit_card", "debit_card", "stripe"],
  );
});

test("amounts are exact to the last digit, or refused", async (t) => {
  const rest = await open(t);
  const text = (amount: string): string => JSON.stringify(purchase()).replace("25.5", amount);
  const large = await pay(rest, text("90071992547409.93"));
  assert.equal(large.status, 200);
  assert.match(large.text, /"amount":90071992547409\.93,/);
  assert.match((await statusOf(rest, large.body.transaction_id)).text, /"amount":90071992547409\.93,/);
  assert.match((await pay(rest, text("2.5e1"))).text, /"amount":25\.00,/);
  for (const amount of ["10.001", "0", "-5", "0.00", "1e30", "92233720368547758.08"]) {
    const refused = await pay(rest, text(amount));
    assert.deepEqual(
      [refused.status, refused.body.error.code, refused.body.reason],
      [400, "INVALID_AMOUNT", "INVALID_AMOUNT"],
      amount,
    );
    assert.equal(refused.body.error.message, "Invalid payment amount");
  }
  assert.equal(await countPayments(rest), 2);
});

test("the currency is the one that is configured", async (t) => {
  const rest = await open(t, { currency: "JPY" });
  assert.equal((await pay(rest, purchase())).body.error.code, "INVALID_AMOUNT");
  const paid = await pay(rest, purchase("4242424242424242", { amount: 2550 }));
  assert.match(paid.text, /"amount":2550,/);
});

test("a refund gives back what it says, once for its key, and no more than there is", async (t) => {
  const rest = await open(t);
  const bought = purchase();
  const paid = await pay(rest, bought);
  const half = refundOf(bought, paid, { refund_amount: 12.25 });
  const headers = { "idempotency-key": '"half"' };
  const first = await refund(rest, half, headers);
  assert.equal(first.status, 200);
  const { refund_transaction_id, processed_at, ...said } = first.body;
  assert.match(refund_transaction_id, /^REF-[0-9a-f-]{36}$/);
  assert.match(processed_at, TIME);
  assert.deepEqual(said, {
    status: "success",
    original_transaction_id: paid.body.transaction_id,
    booking_id: bought.booking_id,
    refund_amount: 12.25,
    message: "Refund processed successfully",
  });
  const replayed = await refund(rest, half, headers);
  assert.deepEqual([replayed.text, replayed.headers.get("idempotent-replayed")], [first.text, "true"]);
  const part = await statusOf(rest, paid.body.transaction_id);
  assert.deepEqual([part.body.status, part.body.refunded_amount], ["completed", 12.25]);
  const more = await refund(rest, refundOf(bought, paid, { refund_amount: 13.26 }));
  assert.deepEqual(
    [more.status, more.body.error.code, more.body.reason],
    [400, "REFUND_NOT_ALLOWED", "REFUND_EXCEEDS_CAPTURED"],
  );
  assert.equal((await refund(rest, refundOf(bought, paid, { refund_amount: 13.25 }))).status, 200);
  assert.equal((await statusOf(rest, paid.body.transaction_id)).body.status, "refunded");
});

test("a refund that the provider takes its time for is pending, and an unpaid booking has none", async (t) => {
  const rest = await open(t);
  const slow = purchase("4000000000007726");
  const pending = await refund(rest, refundOf(slow, await pay(rest, slow)));
  assert.deepEqual(
    [pending.status, pending.body.status, pending.body.message],
    [200, "pending", "Refund is being processed"],
  );
  const declined = purchase("4000000000000002");
  const none = await refund(rest, refundOf(declined, await pay(rest, declined)));
  assert.deepEqual(
    [none.status, none.body.error.code, none.body.error.message],
    [400, "REFUND_NOT_ALLOWED", "Refund not permitted"],
  );
});

test("booking, transaction and user belong together, or the original transaction is not found", async (t) => {
  const rest = await open(t);
  const [bought, other] = [purchase(), purchase()];
  const paid = await pay(rest, bought);
  await pay(rest, other);
  for (const change of [
    { booking_id: other.booking_id },
    { user_id: "user_124" },
    { original_transaction_id: UNKNOWN },
    { original_transaction_id: "TXN-456789" },
    { original_transaction_id: paid.body.transaction_id.replace("TXN-", "payment_") },
  ]) {
    const refused = await refund(rest, refundOf(bought, paid, change));
    assert.deepEqual([refused.status, refused.body.error.details.reason], [404, "Original transaction not found"]);
  }
  for (const id of [UNKNOWN, "TXN-456789", "nothing", "%00", "TXN-%F0%9F%98%80"]) {
    const refused = await statusOf(rest, id);
    assert.deepEqual([refused.status, refused.body.error.message], [404, "Transaction not found"], id);
  }
});

test("fields are refused as FastAPI refuses them, all at once, and nothing is written", async (t) => {
  const rest = await open(t);
  const missing = await pay(rest, {});
  assert.equal(missing.status, 422);
  assert.deepEqual(
    missing.body.detail,
    ["user_id", "booking_id", "amount", "payment_method"].map((field) => ({
      loc: ["body", field],
      msg: "Field required",
      type: "missing",
    })),
  );
  assert.deepEqual([missing.body.reason, missing.body.outcome], ["INVALID_ARGUMENT", "NOT_ATTEMPTED"]);
  const cases = [
    [{ user_id: 7 }, ["body", "user_id"], "Input should be a valid string"],
    [{ amount: "25.50" }, ["body", "amount"], "Input should be a valid number"],
    [{ payment_method: "cash" }, ["body", "payment_method"], "must be one of credit_card, debit_card, paypal, stripe"],
    [
      { card_details: "4242" },
      ["body", "card_details"],
      "Input should be a valid dictionary or object to extract fields from",
    ],
    [{ card_details: { ...CARD } }, ["body", "card_details", "card_number"], "Field required"],
    [{ paypal_details: {} }, ["body", "paypal_details", "email"], "Field required"],
  ] as const;
  for (const [change, loc, msg] of cases) {
    const refused = await pay(rest, purchase("4242424242424242", change));
    assert.equal(refused.status, 422, JSON.stringify(change));
    assert.deepEqual([refused.body.detail[0].loc, refused.body.detail[0].msg], [loc, msg]);
  }
  const long = await pay(rest, purchase("4242424242424242", { booking_id: "B".repeat(129), user_id: "a\u0000b" }));
  assert.equal(long.status, 422);
  assert.deepEqual(
    long.body.detail.map(({ loc }: { loc: string[] }) => loc.join(".")),
    ["body.booking_id", "body.user_id"],
  );
  assert.equal((await refund(rest, {})).body.detail.length, 5);
  assert.equal(await countPayments(rest), 0);
});

test("what is no request is refused without a 5xx, whatever it is", async (t) => {
  const rest = await open(t);
  const sent = async (body: string, type = "application/json"): Promise<Answer> =>
    pay(rest, body, { "content-type": type });
  assert.deepEqual((await sent("{")).body.detail, [{ loc: ["body"], msg: "JSON decode error", type: "json_invalid" }]);
  assert.equal((await sent("[]")).status, 422);
  assert.equal((await sent("")).status, 422);
  assert.equal((await sent('"text"')).status, 422);
  assert.equal((await sent("a=b", "application/x-www-form-urlencoded")).status, 415);
  assert.equal((await sent(JSON.stringify({ padding: "x".repeat(1024 * 1024) }))).status, 413);
  assert.equal((await rest.ask("GET", "/payment/process")).status, 405);
  const key = await pay(rest, purchase(), { "idempotency-key": "two words" });
  assert.deepEqual([key.status, key.body.detail[0].loc], [422, ["header", "idempotency-key"]]);
});

test("a key answers its request again, and is refused for another one", async (t) => {
  const rest = await open(t);
  const headers = { "idempotency-key": "one" };
  const bought = purchase();
  const [first, ...copies] = await Promise.all([1, 2, 3, 4].map(() => pay(rest, bought, headers)));
  assert.equal(first?.status, 200);
  for (const copy of copies) assert.equal(copy.text, first?.text);
  assert.equal(await countPayments(rest), 1);
  const other = await pay(rest, { ...bought, amount: 26 }, headers);
  assert.deepEqual([other.status, other.body.reason], [422, "REQUEST_ID_REUSED"]);
  const declined = purchase("4000000000000002");
  const failed = await pay(rest, declined, { "idempotency-key": "two" });
  const failedAgain = await pay(rest, declined, { "idempotency-key": "two" });
  assert.deepEqual([failedAgain.text, failedAgain.headers.get("idempotent-replayed")], [failed.text, "true"]);
});

test("a gateway that is away is a gateway error that may be tried again", async (t) => {
  const unavailable = async () => ({ outcome: "unavailable", message: "no route" }) as const;
  const rest = await open(t, { wrap: (provider) => ({ ...provider, create: unavailable }) });
  const refused = await pay(rest, purchase());
  assert.equal(refused.status, 502);
  const { code, message, details } = refused.body.error;
  assert.deepEqual([code, message, details.retry_possible], ["PAYMENT_GATEWAY_ERROR", "Gateway service error", true]);
  assert.match(details.transaction_id, TRANSACTION);
  assert.deepEqual([refused.body.reason, refused.headers.get("retry-after")], ["PROVIDER_ERROR", "1"]);
});

test("a booking that is open elsewhere is paid by its own payment, unless that has a page", async (t) => {
  const rest = await open(t);
  const amount = { minor: 2550n, currency: "USD" };
  const openAs = async (mode: "INTENT" | "CHECKOUT") =>
    answerOf(await createPayment(rest.service.parts, caller, createInput({ amount, mode, paymentMethod: null })))
      .payment;
  const intent = await openAs("INTENT");
  const paid = await pay(rest, purchase("4242424242424242", { booking_id: intent.orderId }));
  assert.deepEqual([paid.status, paid.body.transaction_id], [200, `TXN-${intent.id}`]);
  const checkout = await openAs("CHECKOUT");
  const refused = await pay(rest, purchase("4242424242424242", { booking_id: checkout.orderId }));
  assert.deepEqual([refused.status, refused.body.error.code], [409, "DUPLICATE_TRANSACTION"]);
});

test("who may do what is the same as at every other door", async (t) => {
  const rest = await open(t, { people: true });
  const as = (name: string) => ({ authorization: `Bearer ${name}` });
  const bought = purchase("4242424242424242", { user_id: "ada" });
  assert.equal((await pay(rest, bought)).status, 401);
  assert.equal((await pay(rest, bought, as("mallory"))).body.error.message, "Not authenticated");
  assert.equal((await pay(rest, bought, as("bob"))).status, 403, "another's payment");
  assert.equal((await pay(rest, bought, as("ada"))).status, 403, "a customer does not say what it costs");
  const paid = await pay(rest, bought, as("service"));
  assert.equal(paid.status, 200);
  const { transaction_id: id } = paid.body;
  assert.equal((await statusOf(rest, id, as("ada"))).status, 200);
  assert.equal((await statusOf(rest, id, as("bob"))).status, 404);
  assert.equal((await statusOf(rest, id)).status, 401);
  const wish = refundOf(bought, paid, { user_id: "ada" });
  assert.equal((await refund(rest, wish, as("ada"))).status, 403);
  assert.equal((await refund(rest, { ...wish, user_id: "bob" }, as("bob"))).status, 404);
  assert.equal((await refund(rest, wish, as("service"))).status, 200);
  assert.equal((await rest.ask("GET", "/payment/methods")).status, 200);
});

test("too many requests are told so, in the document's words and headers", async (t) => {
  const rest = await openRest(t, {
    dialects: [createBookingDialect({ currency: "USD" })],
    rateLimit: { perMinute: 100, burstPer10s: 2 },
  });
  const first = await rest.ask("GET", "/payment/methods");
  for (const header of ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]) {
    assert.match(first.headers.get(header) ?? "", /^\d+$/, header);
  }
  await rest.ask("GET", "/payment/methods");
  const refused = await pay(rest, purchase());
  assert.deepEqual([refused.status, refused.body.error.code], [429, "RATE_LIMITED"]);
  assert.equal(refused.headers.get("x-ratelimit-remaining"), "0");
});

test("a card is in no table, no event, no journal, no log line and no answer", async (t) => {
  const rest = await open(t);
  const seen: string[] = [];
  const numbers = ["4000000000009995", "4242424242424242", "4012888888881881"];
  const paid = { expiry_month: "11", expiry_year: "2031", cvv: "737", cardholder_name: "Canary Cardholder" };
  const cards = numbers.flatMap((card_number) => [
    { ...paid, card_number },
    { ...paid, card_number, cvv: "Canary CVV" },
  ]);
  for (const card_details of cards) {
    for (const change of [{}, { user_id: 7 }, { amount: "1" }, { amount: 0.001 }, { payment_method: "cash" }]) {
      const headers = { "idempotency-key": `card-${seen.length}` };
      seen.push((await pay(rest, purchase("", { card_details, ...change }), headers)).text);
    }
    const token = { card_details: undefined, payment_method_token: card_details.card_number };
    seen.push((await pay(rest, purchase("", token))).text);
    seen.push((await pay(rest, `${JSON.stringify(purchase("", { card_details }))},`)).text);
  }
  const tables = await rest.service.rows<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  );
  for (const { name } of tables) {
    const rows = await rest.service.rows<{ row: string }>(`select t::text as row from "${name}" t`);
    seen.push(...rows.map(({ row }) => row));
  }
  const { lines } = await rest.service.journal();
  seen.push(JSON.stringify([rest.logged, lines]), ...rest.service.events.map(printEvent));
  const all = seen.join("\n");
  assert.match(all, /payment\.succeeded/);
  for (const secret of [...numbers, "Canary"]) assert.ok(!all.includes(secret), secret);
});
