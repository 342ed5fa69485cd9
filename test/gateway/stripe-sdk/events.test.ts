// What a program that was written for Stripe is told by events, through the official SDK and by webhooks that it checks.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, suite, test } from "node:test";
import type Stripe from "stripe";
import { PAID, StripeBench } from "../http/open-local-stripe.ts";

const bench = await StripeBench.make();
after(() => bench.dispose());
const { stripe } = bench;

suite("events and webhooks", () => {
  test("an event is delivered to an endpoint, signed, and is the one that is listed", async () => {
    const bodies: { body: Buffer; signature: string }[] = [];
    const arrived = Promise.withResolvers<void>();
    const receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        bodies.push({ body: Buffer.concat(chunks), signature: String(request.headers["stripe-signature"]) });
        response.writeHead(200).end();
        arrived.resolve();
      });
    }).listen(0, "127.0.0.1");
    await new Promise((listening) => receiver.once("listening", listening));
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
    const endpoint = await stripe.webhookEndpoints.create({ url, enabled_events: ["payment_intent.succeeded"] });
    const paid = await stripe.paymentIntents.create(PAID);
    await arrived.promise;
    await bench.server.webhooks.idle();
    const [{ body, signature } = { body: Buffer.of(), signature: "" }] = bodies;
    const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret ?? "");
    assert.equal(event.type, "payment_intent.succeeded");
    assert.equal((event.data.object as Stripe.PaymentIntent).latest_charge, paid.latest_charge);
    assert.equal(event.api_version, "2026-10-28.endive");
    const listed = await stripe.events.retrieve(event.id);
    assert.deepEqual(listed.data, event.data);
    assert.throws(() => stripe.webhooks.constructEvent(body, signature, "whsec_wrong"));
    assert.equal((await stripe.webhookEndpoints.retrieve(endpoint.id)).secret, undefined);
    assert.equal((await stripe.webhookEndpoints.update(endpoint.id, { disabled: true })).status, "disabled");
    assert.deepEqual(await stripe.webhookEndpoints.del(endpoint.id).then(({ deleted }) => deleted), true);
    assert.equal((await stripe.webhookEndpoints.list()).data.length, 0);
    receiver.closeAllConnections();
    receiver.close();
  });

  test("events are listed by type, newest first, in pages", async () => {
    const paid = await stripe.paymentIntents.create(PAID);
    const [first] = (await stripe.events.list({ type: "payment_intent.*", limit: 1 })).data;
    assert.equal((first?.data.object as Stripe.PaymentIntent | undefined)?.id, paid.id);
    const next = await stripe.events.list({
      starting_after: first?.id ?? "",
      types: ["payment_intent.created"],
      limit: 1,
    });
    assert.equal(next.data[0]?.type, "payment_intent.created");
  });
});
