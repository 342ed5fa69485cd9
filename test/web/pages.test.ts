// What the pages are served with, and what the calls of the checkout page refuse.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { TEST_CARDS } from "../../src/gateway/cards.ts";
import { createResultPages } from "../../src/web/pages.ts";
import { intent } from "../gateway/open-gateway.ts";
import { type Checkout, openCheckout } from "./open-checkout.ts";
import { openService, type StubService } from "./open-service.ts";

let checkout: Checkout;
let service: StubService;

before(async () => {
  [checkout, service] = await Promise.all([openCheckout(), openService()]);
});
after(() => Promise.all([checkout.close(), service.close()]));

interface Told {
  readonly state: {
    readonly status: string;
    readonly success_url: string | null;
    readonly cancel_url: string | null;
    readonly test_cards: readonly { readonly cards: readonly { readonly number: string; readonly token: string }[] }[];
  };
  readonly problem: { readonly field: string | null; readonly title: string } | null;
}

function post(url: string, body: string, type = "application/json"): Promise<Response> {
  return fetch(url, { method: "POST", headers: { "content-type": type }, body });
}

async function payWith(url: string, card: object): Promise<Told> {
  return (await (await post(`${url}/pay`, JSON.stringify(card))).json()) as Told;
}

async function stateOf(url: string): Promise<Told["state"]> {
  return ((await (await fetch(`${url}/state`)).json()) as Told).state;
}

const CARD = { number: "4242 4242 4242 4242", exp_month: 12, exp_year: 2034, cvc: "123" };

test("pages forbid whatever is not theirs, are not kept, and tell their address to nobody", async () => {
  const { url } = await checkout.create();
  for (const address of [url, `${service.origin}/v1/payments/success`, `${service.origin}/v1/payments/cancel`]) {
    const { status, headers } = await fetch(address);
    assert.equal(status, 200);
    const policy = headers.get("content-security-policy") ?? "";
    for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) {
      assert.ok(policy.includes(rule), rule);
    }
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("cache-control"), "no-store");
  }
  assert.equal((await fetch(`${url}/state`)).headers.get("cache-control"), "no-store");
});

test("scripts and styles may be kept for ever, under a name that changes with them", async () => {
  const html = await (await fetch(`${service.origin}/v1/payments/success`)).text();
  const [, path = ""] = /src="(\/v1\/payments\/assets\/[0-9a-f]{16}\/result\.js)"/.exec(html) ?? [];
  const { status, headers } = await fetch(`${service.origin}${path}`);
  assert.equal(status, 200);
  assert.match(headers.get("cache-control") ?? "", /immutable/);
  assert.match(headers.get("content-type") ?? "", /^text\/javascript/);
});

test("the service's pages are served over HTTP/2 as well", async () => {
  const pages = createResultPages();
  const server = createServer((request, response) => pages.get(request.url)?.(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const stream = client.request({ ":path": "/v1/payments/success" });
  const [headers] = (await once(stream, "response")) as [Record<string, string | number>];
  const chunks = await stream.toArray();
  assert.equal(headers[":status"], 200);
  assert.match(Buffer.concat(chunks as Buffer[]).toString(), /Checking your payment/);
  client.close();
  server.close();
});

test("every test card is offered, save the one whose number no form would send", async () => {
  const { test_cards } = await stateOf((await checkout.create()).url);
  const offered = test_cards.flatMap(({ cards }) => cards.map(({ token }) => token));
  const known = TEST_CARDS.map(({ token }) => token).filter((token) => !token.endsWith("IncorrectNumber"));
  assert.deepEqual(offered.toSorted(), known.toSorted());
});

test("a card is paid with by its number, which is not kept", async () => {
  const { id, url } = await checkout.create();
  const { state, problem } = await payWith(url, CARD);
  assert.deepEqual([state.status, problem], ["paid", null]);
  const { intent } = await checkout.look(id);
  assert.match(intent.payment_method ?? "", /^pm_\w+$/);
  assert.doesNotMatch(
    JSON.stringify(checkout.bench.gateway.events(), (_key, value) => String(value)),
    /4242424242424242/,
  );
});

const REFUSED_CARDS = [
  ["a number that may be real", { ...CARD, number: "4539578763621486" }, "number", "Only test cards work here."],
  ["a number with a wrong digit", { ...CARD, number: "4242424242424241" }, "number", "The card number is not correct."],
  ["a month that is over", { ...CARD, exp_year: 2020 }, "expiry", "The expiry date is not valid."],
  ["a code that is none", { ...CARD, cvc: "x" }, "cvc", "The security code is not valid."],
  ["a token that is none", { token: "pm_card_nothing" }, null, "The payment did not go through."],
  ["nothing", {}, "number", "The card number is not correct."],
] as const;

for (const [what, card, field, title] of REFUSED_CARDS) {
  test(`${what} is refused, and is not told back`, async () => {
    const { id, url } = await checkout.create();
    const response = await post(`${url}/pay`, JSON.stringify(card));
    const text = await response.text();
    const { state, problem } = JSON.parse(text) as Told;
    assert.deepEqual([state.status, problem?.field, problem?.title], ["open", field, title]);
    assert.doesNotMatch(text, /4539578763621486|4242424242424241/);
    assert.equal((await checkout.look(id)).charges.length, 0);
  });
}

const REFUSED_REQUESTS = [
  ["another method", 405, "/pay", { method: "GET" }],
  ["a form of another site", 415, "/pay", { method: "POST", body: "token=pm_card_visa" }],
  ["what is not JSON", 400, "/pay", { method: "POST", headers: { "content-type": "application/json" }, body: "{" }],
  [
    "an answer that is none",
    400,
    "/authenticate",
    { method: "POST", headers: { "content-type": "application/json" }, body: "{}" },
  ],
  [
    "a large body",
    413,
    "/pay",
    { method: "POST", headers: { "content-type": "application/json" }, body: " ".repeat(5_000) },
  ],
  ["another path", 404, "/other", { method: "GET" }],
] as const;

for (const [what, status, action, init] of REFUSED_REQUESTS) {
  test(`${what} is answered ${status} and moves nothing`, async () => {
    const { url, id } = await checkout.create();
    assert.equal((await fetch(`${url}${action}`, init)).status, status);
    assert.equal((await checkout.look(id)).session?.status, "open");
  });
}

test("a session that is not there is 404 to every call", async () => {
  const url = `${checkout.gateway.origin}/c/pay/cs_test_000000000000000000000000`;
  const answers = await Promise.all([
    fetch(`${url}/state`),
    post(`${url}/pay`, JSON.stringify({ token: "pm_card_visa" })),
    post(`${url}/authenticate`, '{"approve":true}'),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [404, 404, 404],
  );
});

test("a session is found by its own id alone, not by another id of the payment", async () => {
  const { id } = await checkout.create();
  const base = id.slice("cs_test_".length);
  assert.equal((await fetch(`${checkout.gateway.origin}/c/pay/cs_${base}/state`)).status, 404);
  assert.equal((await fetch(`${checkout.gateway.origin}/c/pay/pi_${base}/state`)).status, 404);
});

test("the bank's page needs the payment's secret, and does nothing but ask", async () => {
  const life = await checkout.bench.life(intent({ payment_method: "pm_card_threeDSecure2Required" }));
  const { id, client_secret } = life.intent;
  const url = `${checkout.gateway.origin}/c/authenticate/${id}`;
  const approve = '{"approve":true}';
  assert.equal((await fetch(`${url}/state`)).status, 404);
  assert.equal((await post(`${url}/authenticate?client_secret=${id}_secret_x`, approve)).status, 404);
  assert.equal((await post(`${url}/pay?client_secret=${client_secret}`, '{"token":"pm_card_visa"}')).status, 404);
  assert.equal((await checkout.look(id)).intent.status, "requires_action");
  assert.equal((await post(`${url}/authenticate?client_secret=${client_secret}`, approve)).status, 200);
  assert.equal((await checkout.look(id)).intent.status, "succeeded");
});

test("the session's id is filled in wherever an address asks for it, and only web addresses are told", async () => {
  const { id, url } = await checkout.create({
    success_url: "https://shop.example/{CHECKOUT_SESSION_ID}?a=%7BCHECKOUT_SESSION_ID%7D",
    cancel_url: "data:text/html,hello",
  });
  const { success_url, cancel_url } = await stateOf(url);
  assert.equal(success_url, `https://shop.example/${id}?a=${id}`);
  assert.equal(cancel_url, null);
});
