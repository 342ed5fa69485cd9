// The threat "open redirect, SSRF": a customer who is sent elsewhere by our pages, and a service that fetches what a stranger names.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { createPayment } from "../../src/app/create-payment.ts";
import type { Parts } from "../../src/app/parts.ts";
import { receiveWebhook } from "../../src/app/receive-webhook.ts";
import { refundPayment } from "../../src/app/refund-payment.ts";
import { answerOf, caller, createInput, verdictOf, WEBHOOK_SECRET } from "../app/open-service.ts";
import { Shop } from "../app/shop.ts";
import { stripeSignature } from "../support/stripe-signature.ts";

const ORIGIN = "https://shop.example";

/** None of them leads a browser to the shop. */
const ELSEWHERE = [
  "https://shop.example@evil.example/",
  "https://shop.example:443@evil.example/",
  "https://shop.example%40evil.example/",
  "https://ada:secret@shop.example/",
  "https://ada@shop.example/",
  "https://:secret@shop.example/",
  "https://evil.example\\@shop.example/",
  "https://evil.example/\\shop.example",
  "https://evil.example#@shop.example/",
  "https://evil.example?@shop.example/",
  "https://evil.example/https://shop.example",
  "//evil.example/",
  "///evil.example/",
  "\\\\evil.example/",
  "/\\evil.example/",
  "/paid",
  "shop.example/paid",
  "https:evil.example",
  "http://shop.example/",
  "https://shop.example:8443/",
  "https://shop.example./",
  "https://shop.example.evil.example/",
  "https://evilshop.example/",
  "https://sub.shop.example/",
  "https://shop.exampl\u0435/",
  "https://xn--shop-example.example/",
  "https://\u017fhop.example.evil.example/",
  "https://shop.example\u3002evil.example/",
  "https://shop\u2024example/",
  "https://shop.example\u0000.evil.example/",
  "https://shop.example\t.evil.example/",
  "https://shop.example%00.evil.example/",
  "https://shop.example%2eevil.example/",
  "https://[::1]/",
  "https://127.0.0.1/",
  "https://2130706433/",
  "https://0x7f.1/",
  "http://localhost/",
  "http://169.254.169.254/latest/meta-data/",
  "https://*.shop.example/",
  "javascript:alert(1)//https://shop.example/",
  "JaVaScRiPt:alert(1)",
  " javascript:alert(1)",
  "java\nscript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:msgbox(1)",
  "file:///etc/passwd",
  "ftp://shop.example/",
  "ws://shop.example/",
  "blob:https://shop.example/1",
  "view-source:https://shop.example/",
  "intent://shop.example#Intent;scheme=https;end",
  "https://",
  "https:// shop.example/",
  "null",
];

/** Odd to look at, and a browser goes to the shop all the same. */
const TO_THE_SHOP = [
  "https://shop.example/paid?session={CHECKOUT_SESSION_ID}",
  "HTTPS://SHOP.EXAMPLE:443/paid",
  "https:\\\\shop.example\\@evil.example",
  "https://shop.example/@evil.example",
  "https://shop.example/..//evil.example",
  "https:/shop.example/paid",
  "https:shop.example/paid",
  "https://\u017fhop.example/paid",
  "https://shop.example/#@evil.example",
];

let shop: Shop;
/** As in production: loopback addresses are no exception. */
let parts: Parts;
before(async () => {
  shop = await Shop.open();
  const rules = { ...shop.service.parts.rules, returnOrigins: new Set([ORIGIN]), loopbackReturns: false };
  parts = { ...shop.service.parts, rules };
});
after(() => shop.close());

function checkoutTo(url: string, field: "successUrl" | "cancelUrl") {
  return createInput({ mode: "CHECKOUT", paymentMethod: null, [field]: url });
}

describe("open redirect, SSRF:", () => {
  for (const field of ["successUrl", "cancelUrl"] as const) {
    it(`a ${field} that leads elsewhere is refused, and nothing is written`, async () => {
      const [before] = await shop.service.rows<{ count: string }>("select count(*) from payment");
      for (const url of ELSEWHERE) {
        const result = await createPayment(parts, caller, checkoutTo(url, field));
        assert.equal(verdictOf(result), "INVALID_URL", JSON.stringify(url));
      }
      assert.deepEqual(await shop.service.rows("select count(*) from payment"), [before]);
    });

    it(`a ${field} of the shop is kept as a browser reads it, so that nobody else reads another origin in it`, async () => {
      for (const url of TO_THE_SHOP) {
        const { payment } = answerOf(await createPayment(parts, caller, checkoutTo(url, field)));
        const kept = payment[field] ?? "";
        assert.ok(kept.startsWith(`${ORIGIN}/`), `${JSON.stringify(url)} is kept as ${kept}`);
        assert.doesNotMatch(kept, /[\\\s]/);
      }
    });
  }

  it("what a caller or a webhook names is never fetched", async (t) => {
    let calls = 0;
    const listener = createServer((socket) => {
      calls += 1;
      socket.destroy();
    });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    t.after(() => listener.close());
    const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/`;
    const everywhere = {
      successUrl: url,
      cancelUrl: url,
      description: url,
      customerEmail: `ada@127.0.0.1`,
      metadata: { url, callback_url: url, webhook_url: url, image: url },
      items: [{ name: url, quantity: 1, unitPrice: { minor: 10_000n, currency: "EUR" }, metadata: { image: url } }],
    };
    const opened = await shop.openCheckout({ ...everywhere, orderId: url });
    assert.equal(opened.successUrl, url);
    await shop.payOnPage(opened);
    const event = shop.eventOf(opened, "payment_intent.succeeded");
    await shop.service.deliver(event);
    const refunded = await refundPayment(shop.service.parts, caller, {
      find: { paymentId: opened.id },
      amount: null,
      reason: url,
      requestId: "names-an-address",
    });
    assert.equal(verdictOf(refunded), "ok");
    const body = JSON.stringify({
      id: "evt_url",
      type: "payment_intent.succeeded",
      url,
      livemode: false,
      data: { object: { url } },
    });
    const headers = { "stripe-signature": stripeSignature(body, WEBHOOK_SECRET, new Date(shop.service.time)) };
    await receiveWebhook(shop.service.parts, { rawBody: Buffer.from(body), headers });
    await shop.service.recoverAfter(3_600_000);
    assert.equal(calls, 0);
    // The listener would have heard of it.
    await fetch(url).catch(() => {});
    assert.equal(calls, 1);
  });
});
