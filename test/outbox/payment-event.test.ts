// The bodies that the domain builds are the messages that the contract defines: nothing is missing, and nothing is there that it does
// not name.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DescMessage, fromJsonString, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import * as events from "../../gen/payment/v1/payment_event_pb.ts";
import { createValidator } from "@bufbuild/protovalidate";
import { decideFacts } from "../../src/domain/decide-fact.ts";
import { describeEvent, describeRun, EVENT_TYPES, type EventType, type PaymentEvent } from "../../src/domain/event.ts";
import type { Fact } from "../../src/domain/fact.ts";
import { money } from "../../src/domain/money.ts";
import type { Payment, PaymentStatus } from "../../src/domain/payment.ts";
import type { Refund } from "../../src/domain/refund.ts";
import { complaintsOf, EVENT_SUBJECTS } from "../support/event-schemas.ts";
import { declined, momentAt, paid, paymentIn, paymentOf, refundFact, refundOf } from "../support/payments.ts";

const SCHEMAS: Readonly<Record<EventType, DescMessage>> = {
  "payment.created": events.PaymentCreatedSchema,
  "payment.requires_action": events.PaymentRequiresActionSchema,
  "payment.processing": events.PaymentProcessingSchema,
  "payment.authorized": events.PaymentAuthorizedSchema,
  "payment.attempt_failed": events.PaymentAttemptFailedSchema,
  "payment.succeeded": events.PaymentSucceededSchema,
  "payment.failed": events.PaymentFailedSchema,
  "payment.cancelled": events.PaymentCancelledSchema,
  "payment.refunded": events.PaymentRefundedSchema,
  "payment.refund_failed": events.PaymentRefundFailedSchema,
  "payment.late": events.PaymentLateSchema,
  "payment.dispute_opened": events.PaymentDisputeOpenedSchema,
  "payment.dispute_closed": events.PaymentDisputeClosedSchema,
  "payment.corrected": events.PaymentCorrectedSchema,
};

const validator = createValidator();
// With milliseconds, since a whole second has two forms.
const now = new Date("2026-11-20T10:00:00.123Z");

/** Every field that the contract gives a type, by its name in JSON, save those that only Stripe's payments have. */
function fieldsOf(type: EventType): string[] {
  return SCHEMAS[type].fields
    .map(({ jsonName }) => jsonName)
    .filter((name) => name !== "stripeChargeId")
    .toSorted();
}

function decide(payment: Payment, fact: Fact, refunds: readonly Refund[] = []): PaymentEvent {
  const [event] = decideFacts({ payment, refunds, disputes: [] }, [fact], momentAt(now)).events;
  assert.ok(event);
  return event;
}

function inStatus(status: PaymentStatus, change: Partial<Payment> = {}): Payment {
  return { ...paymentIn(status), paymentMethod: "visa ending 4242", ...change };
}

const reserved = inStatus("SUCCEEDED", { refundPendingMinor: 4_000n });
const refund = refundOf(reserved, 4_000n);
const dispute = {
  kind: "dispute",
  providerReference: "du_1",
  amount: money(10_000n, "EUR"),
  reason: "fraudulent",
} as const;
const disputed = decideFacts(
  { payment: inStatus("SUCCEEDED"), refunds: [], disputes: [] },
  [{ ...dispute, status: "LOST" }],
  momentAt(now),
).events;
const failure = { reason: "PROCESSING_ERROR", code: "refund_failed", message: "The bank refused it." } as const;

const corrected = {
  kind: "corrected",
  version: 5,
  capturedMinor: 9_000n,
  refundedMinor: 5_000n,
  refundPendingMinor: 1_000n,
  restored: [],
} as const;

/** One event of each type, as a fact makes it, with a value in every field. */
const EVENTS: Readonly<Record<EventType, PaymentEvent>> = {
  "payment.created": describeEvent("payment.created", inStatus("PENDING"), {}, { id: momentAt().mintEventId(), now }),
  "payment.requires_action": decide(inStatus("PENDING"), { kind: "requires_action" }),
  "payment.processing": decide(inStatus("PENDING"), { kind: "processing" }),
  "payment.authorized": decide(inStatus("PENDING"), paid("authorized")),
  "payment.attempt_failed": decide(inStatus("PENDING"), declined("ch_9")),
  "payment.succeeded": decide(inStatus("AUTHORIZED"), paid("captured")),
  "payment.failed": decide(inStatus("PENDING", { attemptsMax: 1 }), declined("ch_9")),
  "payment.cancelled": decide(inStatus("PENDING"), { kind: "canceled", reason: "user_requested" }),
  "payment.refunded": decide(reserved, refundFact(refund, "SUCCEEDED"), [refund]),
  "payment.refund_failed": decide(reserved, { ...refundFact(refund, "FAILED"), failure }, [refund]),
  "payment.late": decide(inStatus("EXPIRED"), paid("captured")),
  "payment.dispute_opened": decide(inStatus("SUCCEEDED"), { ...dispute, status: "OPEN" }),
  "payment.dispute_closed": disputed[1] as PaymentEvent,
  "payment.corrected": decide(inStatus("PARTIALLY_REFUNDED", { refundPendingMinor: 500n }), corrected),
};

describe("the body of an event", () => {
  for (const type of EVENT_TYPES) {
    it(`is the message of the contract: ${type}`, () => {
      const event = EVENTS[type];
      const body = JSON.stringify(event.data);
      assert.equal(event.type, type);
      assert.deepEqual(Object.keys(JSON.parse(body)).toSorted(), fieldsOf(type));
      // Unknown fields are refused by default.
      const message = fromJsonString(SCHEMAS[type], body);
      assert.deepEqual(toJson(SCHEMAS[type], message), JSON.parse(body));
      assert.equal(validator.validate(SCHEMAS[type], message).kind, "valid");
      assert.deepEqual(complaintsOf(type, JSON.parse(body)), []);
    });
  }

  it("is the message of the contract for a run that belongs to no payment", () => {
    const run = {
      runId: "run_01935d1e-2b7c-7c3a-9c1e-0123456789ab",
      provider: "mock",
      from: now,
      to: now,
      applied: true,
      checkedHere: 3,
      checkedThere: 4,
      drifts: new Map([["STATUS_DIFFERS", 2]]),
      driftsApplied: 1,
      driftsForPerson: 1,
      complete: true,
    };
    const { type, data } = describeRun(run, { id: momentAt().mintEventId(), now });
    assert.equal(type, "payment.reconciled");
    const fields = events.PaymentReconciledSchema.fields.map(({ jsonName }) => jsonName);
    assert.deepEqual(Object.keys(data).toSorted(), fields.toSorted());
    const message = fromJsonString(events.PaymentReconciledSchema, JSON.stringify(data));
    assert.deepEqual(toJson(events.PaymentReconciledSchema, message), JSON.parse(JSON.stringify(data)));
    assert.deepEqual(complaintsOf(type, data), []);
  });

  it("names Stripe's charge where Stripe took the money", () => {
    const event = decide(inStatus("AUTHORIZED", { provider: "stripe" }), paid("captured"));
    const body = JSON.stringify(event.data);
    const message = fromJsonString(events.PaymentSucceededSchema, body);
    assert.equal(message.stripeChargeId, "ch_1");
    assert.equal(message.chargeReference, "ch_1");
  });

  it("is exact in minor units, and has every digit in major ones", () => {
    const minor = 2n ** 63n - 1n;
    const payment = paymentOf({ amount: money(minor, "EUR") });
    const event = decide(payment, paid("captured", minor));
    assert.match(JSON.stringify(event.data), /"amount":92233720368547758\.07,/);
    const message = fromJsonString(events.PaymentSucceededSchema, JSON.stringify(event.data));
    assert.equal(message.amountMinor, minor);
  });

  it("leaves out what has no value", () => {
    const payment = paymentOf({ customerId: null, customerEmail: null });
    const event = describeEvent("payment.created", payment, {}, { id: momentAt().mintEventId(), now });
    const body = JSON.parse(JSON.stringify(event.data)) as JsonObject;
    for (const name of ["customerId", "customerEmail", "paymentMethod"]) assert.equal(Object.hasOwn(body, name), false);
    assert.ok(fromJsonString(events.PaymentCreatedSchema, JSON.stringify(event.data)));
  });
});

describe("the JSON Schema of an event", () => {
  const body = JSON.parse(JSON.stringify(EVENTS["payment.created"].data)) as JsonObject;

  it("is there for each subject, and for no other", () => {
    assert.deepEqual(EVENT_SUBJECTS.toSorted(), [...EVENT_TYPES, "payment.reconciled"].toSorted());
  });

  for (const type of EVENT_TYPES) {
    it(`asks for what every body has: ${type}`, () => {
      const whole = JSON.parse(JSON.stringify(EVENTS[type].data)) as JsonObject;
      for (const name of ["eventId", "version", "orderId", "paymentId", "occurredAt", "status", "currency"]) {
        const { [name]: _, ...rest } = whole;
        assert.deepEqual(complaintsOf(type, rest), [` must have required property '${name}'`]);
      }
    });
  }

  const wrong: readonly [name: string, value: JsonValue][] = [
    ["eventId", "01935d1e-2b7c-7c3a-9c1e-0123456789ab"],
    ["version", 0],
    ["version", "1"],
    ["occurredAt", "yesterday"],
    ["amount", "100.00"],
    ["amount", 0],
    ["amountMinor", 10_000],
    ["amountMinor", "0"],
    ["amountMinor", "-1"],
    ["amountMinor", "010"],
    ["currency", "eur"],
    ["mode", "PAYMENT_MODE_INTENT"],
    ["orderId", ""],
  ];
  for (const [name, value] of wrong) {
    it(`refuses ${name} ${JSON.stringify(value)}`, () => {
      const complaints = complaintsOf("payment.created", { ...body, [name]: value });
      assert.equal(complaints.length, 1, complaints.join());
      assert.ok(complaints[0]?.startsWith(`/${name} `), complaints.join());
    });
  }

  it("lets fields pass that come later", () => {
    assert.deepEqual(complaintsOf("payment.created", { ...body, loyaltyPoints: 3 }), []);
  });
});
