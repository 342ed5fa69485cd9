// Stripe's API byte by byte: keys, versions, parameters and their errors, as a plain HTTP client meets them.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import fc from "fast-check";
import { errorIn, StripeBench } from "./open-local-stripe.ts";

let bench: StripeBench;

before(async () => {
  bench = await StripeBench.make();
});
after(() => bench.dispose());

const PAID =
  "amount=1999&currency=eur&confirm=true&payment_method=pm_card_visa&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never";

async function refusal(form: string, path = "/v1/payment_intents") {
  const answer = await bench.send("POST", path, form);
  assert.equal(answer.status, 400);
  return errorIn(answer);
}

suite("keys", () => {
  test("without one, nothing is told", async () => {
    const answer = await bench.send("GET", "/v1/balance", "", { authorization: "" });
    assert.equal(answer.status, 401);
    assert.equal(errorIn(answer)["type"], "invalid_request_error");
    assert.match(String(errorIn(answer)["message"]), /^You did not provide an API key\./);
  });

  test("one of the live mode, or that is none, is refused and not told back", async () => {
    for (const key of ["sk_live_51Habcdefghijklmnop", "pk_test_51Habcdefghijklmnop", "secretsecretsecret"]) {
      const answer = await bench.send("GET", "/v1/balance", "", { authorization: `Bearer ${key}` });
      assert.equal(answer.status, 401);
      const message = String(errorIn(answer)["message"]);
      assert.match(message, /^Invalid API Key provided: /);
      assert.ok(message.endsWith(`*${key.slice(-4)}`));
      assert.ok(!message.includes(key.slice(8, -4)));
    }
  });

  test("one that was revoked has expired", async () => {
    const answer = await bench.send("GET", "/v1/balance", "", { authorization: "Bearer sk_test_revoked_1234" });
    assert.deepEqual([answer.status, errorIn(answer)["code"]], [401, "api_key_expired"]);
  });

  test("Basic will do, and so will a restricted key", async () => {
    const basic = `Basic ${Buffer.from("sk_test_abc:").toString("base64")}`;
    assert.equal((await bench.send("GET", "/v1/balance", "", { authorization: basic })).status, 200);
    assert.equal((await bench.send("GET", "/v1/balance", "", { authorization: "Bearer rk_test_abc" })).status, 200);
  });
});

suite("heads", () => {
  test("an answer names the request, the version and the key", async () => {
    const headers = { "idempotency-key": "wire-1", "stripe-version": "2024-06-20" };
    const first = await bench.send("POST", "/v1/payment_intents", PAID, headers);
    assert.match(first.headers.get("request-id") ?? "", /^req_\w{10,}$/);
    assert.equal(first.headers.get("stripe-version"), "2024-06-20");
    assert.equal(first.headers.get("idempotency-key"), "wire-1");
    assert.equal(first.headers.get("idempotent-replayed"), null);
    const second = await bench.send("POST", "/v1/payment_intents", PAID, headers);
    assert.equal(second.headers.get("idempotent-replayed"), "true");
    assert.deepEqual(second.body, first.body);
    assert.equal((await bench.send("GET", "/v1/balance")).headers.get("stripe-version"), "2026-10-28.endive");
  });

  test("a version that does not exist is refused", async () => {
    for (const version of ["2099-01-01", "2026-10-28.kraken", "latest", "2026-13-45.endive"]) {
      const answer = await bench.send("GET", "/v1/balance", "", { "stripe-version": version });
      assert.equal(answer.status, 400);
      assert.equal(errorIn(answer)["message"], `Invalid Stripe API version: ${version}`);
    }
  });

  test("an idempotency key has a longest length, and none on GET", async () => {
    const long = await bench.send("POST", "/v1/payment_intents", PAID, { "idempotency-key": "k".repeat(256) });
    assert.equal(long.status, 400);
    const read = await bench.send("GET", "/v1/payment_intents", "limit=1", { "idempotency-key": "k".repeat(256) });
    assert.equal(read.status, 200);
    assert.equal(read.headers.get("idempotency-key"), null);
  });

  test("a request that was refused before it began leaves its key free", async () => {
    const headers = { "idempotency-key": "wire-2" };
    assert.equal((await bench.send("POST", "/v1/payment_intents", "currency=eur", headers)).status, 400);
    assert.equal((await bench.send("POST", "/v1/payment_intents", PAID, headers)).status, 200);
  });
});

suite("parameters", () => {
  const cases: [form: string, message: RegExp, param: string | undefined, code: string | undefined][] = [
    ["currency=eur", /^Missing required param: amount\.$/, "amount", "parameter_missing"],
    ["amount=1", /^Missing required param: currency\.$/, "currency", "parameter_missing"],
    ["amount=10.5&currency=eur", /^Invalid integer: 10\.5$/, "amount", "parameter_invalid_integer"],
    ["amount=1e3&currency=eur", /^Invalid integer: 1e3$/, "amount", "parameter_invalid_integer"],
    ["amount=0&currency=eur", /greater than or equal to 1/, "amount", "parameter_invalid_integer"],
    ["amount=-5&currency=eur", /greater than or equal to 1/, "amount", "parameter_invalid_integer"],
    ["amount=9223372036854775808&currency=eur", /less than or equal to/, "amount", "parameter_invalid_integer"],
    ["amount=&currency=eur", /^You passed an empty string for 'amount'/, "amount", "parameter_invalid_empty"],
    ["amount=1&currency=eur&foo=1", /^Received unknown parameter: foo$/, "foo", "parameter_unknown"],
    ["amount=1&currency=eur&foo=1&bar[a]=2", /^Received unknown parameters: foo, bar$/, "foo", "parameter_unknown"],
    ["amount=1&currency=xxx", /^Invalid currency: xxx/, "currency", undefined],
    [
      "amount=1&currency=eur&capture_method=later",
      /^Invalid capture_method: must be one of automatic, automatic_async, or manual$/,
      "capture_method",
      undefined,
    ],
    ["amount=1&currency=eur&confirm=yes", /^Invalid boolean: yes$/, "confirm", undefined],
    ["amount=1&currency=eur&metadata=x", /^Invalid object$/, "metadata", undefined],
    ["amount=1&currency=eur&metadata[a][b]=x", /must be strings/, "metadata", undefined],
    [`amount=1&currency=eur&metadata[${"k".repeat(41)}]=x`, /up to 40 characters/, "metadata", undefined],
    [`amount=1&currency=eur&metadata[k]=${"x".repeat(501)}`, /up to 500 characters/, "metadata", undefined],
    ["amount[a]=1&currency=eur", /^Invalid string/, "amount", undefined],
    [
      "amount=1&currency=eur&allowed_payment_method_types=card",
      /^Invalid array$/,
      "allowed_payment_method_types",
      undefined,
    ],
    [
      "amount=1&currency=eur&allowed_payment_method_types[]=cash",
      /no payment methods but card/,
      "allowed_payment_method_types",
      undefined,
    ],
    ["amount=150&currency=isk", /Invalid currency amount/, "amount", "parameter_invalid_integer"],
    ["amount=1005&currency=kwd", /Invalid currency amount/, "amount", "parameter_invalid_integer"],
    [
      "amount=1&currency=eur&customer=cus_1",
      /does not support the parameter customer/,
      "customer",
      "parameter_unknown",
    ],
    ["amount=1&currency=eur&expand[]=nothing", /^This property cannot be expanded \(nothing\)\.$/, "expand", undefined],
    [
      "amount=1&currency=eur&expand[]=latest_charge.payment_intent.latest_charge.refunds.data",
      /more than 4 levels/,
      "expand",
      undefined,
    ],
    [
      "amount=1&currency=eur&confirm=true&payment_method_data[type]=card&payment_method_data[card][numbr]=1",
      /^Received unknown parameter: payment_method_data\[card\]\[numbr\]$/,
      "payment_method_data[card][numbr]",
      "parameter_unknown",
    ],
  ];
  for (const [form, message, param, code] of cases) {
    test(`${form.slice(0, 80)} is refused`, async () => {
      const error = await refusal(form);
      assert.equal(error["type"], "invalid_request_error");
      assert.match(String(error["message"]), message);
      assert.deepEqual([error["param"], error["code"]], [param, code]);
    });
  }

  test("an amount above 2^53 is kept to the digit", async () => {
    const form = `${PAID.replace("1999", "9007199254740993")}&expand[]=latest_charge`;
    const answer = await fetch(`${bench.server.url}/v1/payment_intents`, {
      method: "POST",
      headers: { authorization: "Bearer sk_test_x" },
      body: form,
    });
    assert.equal((await answer.text()).match(/9007199254740993/g)?.length, 5);
  });

  test("a part of an amount has the rules of the payment's currency", async () => {
    const form = PAID.replace("amount=1999&currency=eur", "amount=1900&currency=isk");
    const { body } = await bench.send("POST", "/v1/payment_intents", `${form}&capture_method=manual`);
    const id = String(body["id"]);
    const capture = `/v1/payment_intents/${id}/capture`;
    assert.equal((await refusal("amount_to_capture=150", capture))["param"], "amount_to_capture");
    assert.equal((await bench.send("POST", capture, "amount_to_capture=500")).status, 200);
    assert.equal((await refusal(`payment_intent=${id}&amount=50`, "/v1/refunds"))["param"], "amount");
  });

  test("lists are read with and without indices", async () => {
    for (const expand of [
      "expand[]=latest_charge&expand[]=payment_method",
      "expand[1]=payment_method&expand[0]=latest_charge",
    ]) {
      const { body } = await bench.send("POST", "/v1/payment_intents", `${PAID}&${expand}`);
      assert.deepEqual([typeof body["latest_charge"], typeof body["payment_method"]], ["object", "object"]);
    }
  });

  test("what cannot be expanded is found before anything is done", async () => {
    const before = await bench.send("GET", "/v1/payment_intents", "limit=100");
    await refusal(`${PAID}&expand[]=lates_charge`);
    const now = await bench.send("GET", "/v1/payment_intents", "limit=100");
    assert.deepEqual(now.body, before.body);
  });

  test("a parameter is known as long as the version of the request has it", async () => {
    const form = "amount=1&currency=eur&payment_method_types[]=card";
    assert.equal((await refusal(form))["code"], "parameter_unknown");
    const { status, body } = await bench.send("POST", "/v1/payment_intents", form, {
      "stripe-version": "2025-03-31.basil",
    });
    assert.deepEqual([status, body["payment_method_types"], body["automatic_payment_methods"]], [200, ["card"], null]);
  });

  test("a card described in the request pays", async () => {
    const card =
      "payment_method_data[type]=card&payment_method_data[card][number]=4242424242424242&payment_method_data[card][exp_month]=8&payment_method_data[card][exp_year]=40";
    const { body } = await bench.send(
      "POST",
      "/v1/payment_intents",
      `${PAID.replace("payment_method=pm_card_visa", card)}`,
    );
    assert.equal(body["status"], "succeeded");
  });
});

suite("objects that are not there", () => {
  const missing: [method: string, path: string, status: number, message: RegExp][] = [
    ["GET", "/v1/payment_intents/pi_nothing", 404, /^No such payment_intent: 'pi_nothing'$/],
    ["POST", "/v1/payment_intents/pi_nothing/confirm", 404, /^No such payment_intent: 'pi_nothing'$/],
    ["GET", "/v1/checkout/sessions/cs_test_nothing", 404, /^No such checkout.session: 'cs_test_nothing'$/],
    ["GET", "/v1/charges/ch_nothing", 404, /^No such charge/],
    ["GET", "/v1/refunds/re_nothing", 404, /^No such refund/],
    ["GET", "/v1/disputes/du_nothing", 404, /^No such dispute/],
    ["GET", "/v1/events/evt_nothing", 404, /^No such event/],
    ["GET", "/v1/payment_methods/pm_nothing", 404, /^No such PaymentMethod/],
    ["GET", "/v1/webhook_endpoints/we_nothing", 404, /^No such webhook endpoint/],
    ["GET", "/v1/unicorns", 404, /^Unrecognized request URL \(GET: \/v1\/unicorns\)\./],
    ["DELETE", "/v1/payment_intents/pi_nothing", 404, /^Unrecognized request URL/],
  ];
  for (const [method, path, status, message] of missing) {
    test(`${method} ${path}`, async () => {
      const answer = await bench.send(method, path);
      assert.equal(answer.status, status);
      assert.match(String(errorIn(answer)["message"]), message);
    });
  }

  test("an id of another kind of the same payment is not there either", async () => {
    const { body } = await bench.send("POST", "/v1/payment_intents", PAID);
    const charge = String(body["latest_charge"]);
    assert.equal((await bench.send("GET", `/v1/payment_intents/${charge}`)).status, 404);
    assert.equal((await bench.send("GET", `/v1/charges/${String(body["id"])}`)).status, 404);
    assert.equal((await bench.send("POST", `/v1/payment_intents/${charge}/cancel`)).status, 404);
  });

  test("a parameter that names nothing is told", async () => {
    const error = await refusal("payment_intent=pi_nothing", "/v1/refunds");
    assert.deepEqual([error["code"], error["param"]], ["resource_missing", "payment_intent"]);
    assert.match(String((await refusal("amount=1", "/v1/refunds"))["message"]), /payment_intent or charge/);
  });
});

suite("bad input", () => {
  test("a body that is too large is refused without being read", async () => {
    const answer = await bench.send("POST", "/v1/payment_intents", `amount=1&x=${"y".repeat(300_000)}`);
    assert.equal(answer.status, 413);
  });

  test("nothing that a client sends is answered 5xx", async () => {
    const collections = "payment_intents payment_intents/search checkout/sessions refunds charges disputes events";
    const others = "webhook_endpoints payment_methods payment_intents/pi_1/confirm events/%00 % %ff/%2e%2e //";
    const paths = fc.constantFrom(...`${collections} ${others}`.split(" "));
    const names = fc.constantFrom(
      "amount",
      "currency",
      "expand",
      "created",
      "limit",
      "query",
      "line_items",
      "metadata",
      "page",
      "starting_after",
    );
    const keys = fc.array(fc.oneof(fc.constantFrom("", "0", "gte", "__proto__", "a]["), fc.string({ maxLength: 5 })), {
      maxLength: 4,
    });
    const field = fc.tuple(fc.oneof(names, fc.string({ maxLength: 10 })), keys, fc.string({ maxLength: 30 }));
    const form = fc
      .array(field, { maxLength: 6 })
      .map((fields) =>
        fields
          .map(([name, path, value]) => `${name}${path.map((key) => `[${key}]`).join("")}=${encodeURIComponent(value)}`)
          .join("&"),
      );
    const run = fc.asyncProperty(
      fc.constantFrom("GET", "POST", "DELETE"),
      paths,
      form,
      async (method, path, fields) => {
        const query = method === "POST" ? fields : encodeURI(fields).replaceAll("#", "");
        const { status } = await bench.send(method, `/v1/${path}`, query);
        assert.ok(status < 500, `${method} ${path} ${fields} is answered ${status}`);
      },
    );
    await fc.assert(run, { numRuns: 500 });
  });

  test("elsewhere there is nothing, where no pages are given", async () => {
    assert.equal((await fetch(`${bench.server.url}/`)).status, 404);
  });
});
