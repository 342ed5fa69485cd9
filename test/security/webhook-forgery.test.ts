// Forged webhooks, over HTTP, to the service as it runs: none is accepted, none breaks anything. And authentic ones that are wrong: kept, and put aside.
// FORGERY_SEED repeats the choices of an earlier run.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, request as send } from "node:http";
import { connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from "node:http2";
import { after, describe, it } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { createProtocolClients } from "../support/clients.ts";
import { openStripeService } from "../support/stripe-service.ts";
import { stripeSignature } from "../support/stripe-signature.ts";
import { Random } from "../torture/frame/random.ts";
import { FORGERIES, type Webhook } from "./forgeries.ts";

const { createPayment } = PaymentService.method;
const SEED = Number(process.env["FORGERY_SEED"] ?? randomInt(2 ** 32));
const COUNT = 10_000;
const ABREAST = 64;
const TIMEOUT_MS = 60_000;
/** How much the service may grow by 10,000 forgeries. */
const GROWTH_BYTES_MAX = 150 * 1024 * 1024;
const CHUNKED_CHANCE = 0.3;
const TOO_LARGE_BYTES = 300 * 1024;

const { gateway, service, webhookSecret, remove } = await openStripeService();
const agent = new Agent({ keepAlive: true, maxSockets: ABREAST });
after(async () => {
  agent.destroy();
  await remove();
});

interface Sending {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Without a length that is told in advance. */
  readonly chunked?: boolean;
}

interface Answer {
  readonly status: number;
  readonly body: { readonly received?: boolean; readonly message?: string; readonly outcome?: string };
}

function post(
  body: Buffer | string,
  { method = "POST", headers = {}, chunked = false }: Sending = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const bytes = Buffer.from(body);
  const length = chunked || method === "GET" ? {} : { "content-length": bytes.length };
  const options = { host: "127.0.0.1", port: service.http.port, path: "/v1/payments/webhook", method, agent };
  const request = send(
    { ...options, headers: { "content-type": "application/json", ...length, ...headers } },
    (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) as Answer["body"] }));
      answer.on("error", reject);
    },
  );
  request.on("error", reject);
  if (chunked) for (let from = 0; from < bytes.length; from += 1_000) request.write(bytes.subarray(from, from + 1_000));
  request.end(chunked || method === "GET" ? undefined : bytes);
  return promise;
}

/** Sends a body as Stripe would that had it signed. */
function postSigned(body: string, sending: Sending = {}): Promise<Answer> {
  const signature = stripeSignature(body, webhookSecret, new Date());
  return post(body, { ...sending, headers: { "stripe-signature": signature, ...sending.headers } });
}

/** The same over HTTP/2, of which the status is told. */
async function postHttp2(body: string, signature: string): Promise<number | undefined> {
  const session = connect(`http://127.0.0.1:${service.http.port}`);
  try {
    const headers = { ":method": "POST", ":path": "/v1/payments/webhook", "stripe-signature": signature };
    const stream = session.request(headers);
    stream.end(body);
    const [answer] = (await once(stream, "response")) as [IncomingHttpHeaders & IncomingHttpStatusHeader];
    return answer[":status"];
  } finally {
    session.destroy();
  }
}

function residentBytes(): number {
  const status = readFileSync(`/proc/${service.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

interface Stored {
  readonly state: string;
  readonly note: string | null;
}

async function stored(eventId: string): Promise<Stored | undefined> {
  const [row] = await service.query<Stored>("select state, note from webhook_event where event_id = $1", [eventId]);
  return row;
}

/** Everything that a webhook could change. */
async function everything(): Promise<unknown> {
  return service.query(`
    select (select json_agg(to_jsonb(p) order by p.id) from payment p) as payments, (select count(*)::int from webhook_event) as webhooks,
      (select count(*)::int from payment_event) as events, (select count(*)::int from provider_operation) as operations`);
}

/** A payment that was paid on its page, and whose webhooks have not come: the bodies of its events, by their types. */
async function payUnheard(orderId: string): Promise<ReadonlyMap<string, JsonObject>> {
  await gateway.turn({ hold: true });
  const { port } = service.grpc;
  const closing: (() => void)[] = [];
  const context = { after: (close: () => void) => closing.push(close) };
  const [client] = createProtocolClients(context as never, { grpc: { port }, http: service.http });
  const created = await client?.call(createPayment, { orderId, amount: { currency: "EUR", minor: 200_000n } });
  for (const close of closing) close();
  assert.ok(created?.answer, JSON.stringify(created?.error));
  const { sessionId } = (created.answer as { checkout: { sessionId: string } }).checkout;
  assert.equal(await gateway.pay(sessionId), true);
  const { data } = await gateway.stripe.events.list({ limit: 100 });
  const mine = data.filter((event) => JSON.stringify(event).includes(orderId));
  return new Map(mine.map((event) => [event.type, JSON.parse(JSON.stringify(event)) as JsonObject]));
}

const events = await payUnheard("order-forged");
const succeeded = events.get("payment_intent.succeeded") ?? assert.fail([...events.keys()].join());
const before = await everything();

let changed = 0;
/** The event under another id, and with other words in its object or around it. */
function rewrite(words: { readonly event?: JsonObject; readonly object?: JsonObject }): { id: string; body: string } {
  changed += 1;
  const id = `evt_rewritten_${changed}`;
  const { object } = succeeded["data"] as { object: JsonObject };
  return {
    id,
    body: JSON.stringify({ ...succeeded, id, data: { object: { ...object, ...words.object } }, ...words.event }),
  };
}

describe("forged webhooks", () => {
  it(`${COUNT} of them: none is accepted, none is a 5xx, and nothing is kept`, { timeout: TIMEOUT_MS }, async (t) => {
    t.diagnostic(`FORGERY_SEED=${SEED}`);
    const genuine = { bodies: [...events.values()].map((event) => JSON.stringify(event)), secret: webhookSecret };
    const kinds = Object.entries(FORGERIES);
    const resident = residentBytes();
    const statuses = new Map<string, number>();
    const startedAt = performance.now();
    let sent = 0;
    const deliver = async ({ body, signatures }: Webhook, chunked: boolean): Promise<number> => {
      const headers = signatures.length === 0 ? {} : { "stripe-signature": [...signatures] };
      return (await post(body, { headers, chunked })).status;
    };
    const work = async (): Promise<void> => {
      while (sent < COUNT) {
        const [name, forge] = kinds[sent % kinds.length] ?? assert.fail("there are no forgeries");
        // One for each, since which answer comes first is not chance's to repeat.
        const random = new Random(SEED + sent);
        sent += 1;
        const status = await deliver(forge({ genuine, random, now: new Date() }), random.chance(CHUNKED_CHANCE));
        const result = status === 400 ? "400" : `${status}: ${name}`;
        statuses.set(result, (statuses.get(result) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: ABREAST }, work));
    const seconds = (performance.now() - startedAt) / 1000;
    const growth = residentBytes() - resident;
    t.diagnostic(
      `${kinds.length} kinds, ${Math.round(COUNT / seconds)} a second, grown by ${Math.round(growth / 2 ** 20)} MB`,
    );
    assert.deepEqual([...statuses], [["400", COUNT]]);
    assert.deepEqual(await everything(), before);
    assert.ok(growth < GROWTH_BYTES_MAX, `${growth} bytes`);
  });

  it("are told that the signature is at fault", async () => {
    const { status, body } = await post(JSON.stringify(succeeded));
    assert.deepEqual([status, body.message, body.outcome], [400, "Invalid signature", "NOT_ATTEMPTED"]);
  });
});

describe("what is no webhook", () => {
  for (const chunked of [false, true]) {
    it(`is refused when it is too large, ${chunked ? "without" : "with"} its length told in advance`, async () => {
      const { status, body } = await postSigned(" ".repeat(TOO_LARGE_BYTES), { chunked });
      assert.equal(status, 413);
      assert.match(body.message ?? "", /^Body too large/);
    });
  }

  for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
    it(`is refused by ${method}`, async () => {
      assert.equal((await post("", { method })).status, 405);
    });
  }

  const unreadable: readonly [what: string, body: string][] = [
    ["nothing", ""],
    ["no JSON", "not json"],
    ["half of its JSON", JSON.stringify(succeeded).slice(0, -1)],
    ["a list", "[]"],
    ["null", "null"],
    ["no type", `{"id":"evt_1"}`],
    ["a number for an id", `{"id":1,"type":"payment_intent.succeeded"}`],
    ["no object", `{"id":"evt_1","type":"payment_intent.succeeded","livemode":false,"data":{}}`],
    ["a very deep list", "[".repeat(100_000)],
  ];
  for (const [what, body] of unreadable) {
    it(`is refused when it is signed and holds ${what}`, async () => {
      const { status, body: told } = await postSigned(body);
      assert.equal(status, 400);
      assert.match(told.message ?? "", /^Invalid body/);
    });
  }

  for (const [what, id] of [
    ["a NUL", "evt_\u0000"],
    ["half a character", "evt_\ud800"],
    ["no end", `evt_${"x".repeat(100_000)}`],
  ] as const) {
    it(`can never be stored when its id has ${what}, and is no 5xx`, async () => {
      const { status } = await postSigned(JSON.stringify({ ...succeeded, id }));
      assert.equal(status, 400);
    });
  }

  it("is refused over HTTP/2 as well", async () => {
    const body = JSON.stringify(succeeded);
    const now = new Date();
    assert.equal(await postHttp2(body, stripeSignature(body, "whsec_other", now)), 400);
    assert.equal(await postHttp2("[]", stripeSignature("[]", webhookSecret, now)), 400);
    const large = " ".repeat(TOO_LARGE_BYTES);
    assert.equal(await postHttp2(large, stripeSignature(large, webhookSecret, now)), 413);
  });

  it("left no trace", async () => {
    assert.deepEqual(await everything(), before);
  });
});

describe("an authentic webhook", () => {
  it("of an unknown type is kept and inert", async () => {
    const { id, body } = rewrite({ event: { type: "terminal.reader.exploded" } });
    assert.deepEqual(await postSigned(body), { status: 200, body: { received: true } });
    assert.equal((await stored(id))?.state, "INERT");
  });

  it("of another system's payment is kept and inert", async () => {
    const { id, body } = rewrite({ object: { id: "pi_other", metadata: {} } });
    assert.equal((await postSigned(body)).status, 200);
    assert.equal((await stored(id))?.state, "INERT");
  });

  it("of a payment of ours that there is not is parked", async () => {
    const metadata = { payment_id: "payment_01a1fe22-0000-7000-8000-000000000000", order_id: "order-unknown" };
    const { id, body } = rewrite({ object: { id: "pi_other", metadata } });
    assert.equal((await postSigned(body)).status, 200);
    assert.equal((await stored(id))?.state, "PARKED");
  });

  const { amount } = (succeeded["data"] as { object: { amount: number } }).object;
  const wrong: readonly [what: string, words: Parameters<typeof rewrite>[0], note: RegExp][] = [
    ["of an unknown account", { event: { account: "acct_somebody_else" } }, /account acct_somebody_else/],
    ["of real money", { event: { livemode: true } }, /live mode/],
    ["of one euro instead of 2,000", { object: { amount: 100, amount_received: 100 } }, /speaks of 100 EUR/],
    ["of a cent more", { object: { amount: amount + 1, amount_received: amount + 1 } }, /speaks of 200001 EUR/],
    ["of another currency", { object: { currency: "jpy" } }, /speaks of 200000 JPY/],
  ];
  for (const [what, words, note] of wrong) {
    it(`${what} is quarantined, and moves nothing`, async () => {
      const { id, body } = rewrite(words);
      assert.deepEqual(await postSigned(body, { chunked: true }), { status: 200, body: { received: true } });
      const row = await stored(id);
      assert.equal(row?.state, "QUARANTINED");
      assert.match(row?.note ?? "", note);
      const [payment] = await service.query<{ status: string; version: number }>("select status, version from payment");
      assert.deepEqual(payment, { status: "PENDING", version: 1 });
    });
  }

  it("that is right moves its payment, so that the others could have", async () => {
    assert.equal((await postSigned(JSON.stringify(succeeded))).status, 200);
    assert.equal((await stored(succeeded["id"] as string))?.state, "APPLIED");
    const [payment] = await service.query<{ status: string }>("select status from payment");
    assert.equal(payment?.status, "SUCCEEDED");
  });
});
