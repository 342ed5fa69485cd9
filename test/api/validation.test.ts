import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type DescMessage, getOption, hasOption } from "@bufbuild/protobuf";
import { usedTypes } from "@bufbuild/protobuf/reflect";
import { field as rules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { PATTERNS, validate } from "../../src/api/validation.ts";
import { OperationsService } from "../../gen/payment/v1/operations_service_pb.ts";
import { CreatePaymentRequestSchema, PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";

function patternsOf(desc: DescMessage): string[] {
  return desc.fields.flatMap((each) => {
    if (!hasOption(each, rules)) return [];
    const { type } = getOption(each, rules);
    return type.case === "string" && type.value.pattern ? [type.value.pattern] : [];
  });
}

test("every pattern of the contract is told in words, and no other", () => {
  const inputs = [PaymentService, OperationsService].flatMap(({ methods }) => methods.map(({ input }) => input));
  const messages = new Set([...inputs, ...inputs.flatMap((input) => [...usedTypes(input)])]);
  const patterns = new Set([...messages].flatMap((each) => (each.kind === "message" ? patternsOf(each) : [])));
  assert.deepEqual([...patterns].toSorted(), Object.keys(PATTERNS).toSorted());
});

test("a request that keeps the rules passes, at their bounds", () => {
  const request = create(CreatePaymentRequestSchema, {
    orderId: "o".repeat(128),
    amount: { currency: "eur", minor: -1n },
    metadata: Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [`${index}`.padEnd(40, "k"), "v".repeat(500)]),
    ),
    requestId: "~".repeat(255),
    attemptsMax: 20,
  });
  assert.equal(validate(CreatePaymentRequestSchema, request), null);
});

test("a key of a map is named, but not at any length", () => {
  const metadata = { ["k".repeat(10_000)]: "v" };
  const refused = validate(CreatePaymentRequestSchema, create(CreatePaymentRequestSchema, { orderId: "1", metadata }));
  const [violation] = refused?.violations ?? [];
  assert.equal(violation?.description, "the key must be at most 40 characters");
  assert.equal(violation?.field.length, 128);
});

test("the number of a card is no payment method, in whatever form", () => {
  for (const paymentMethod of ["4242424242424242", "4242-4242-4242-4242", "4242"]) {
    const refused = validate(
      CreatePaymentRequestSchema,
      create(CreatePaymentRequestSchema, { orderId: "1", paymentMethod }),
    );
    assert.deepEqual(
      refused?.violations.map(({ field }) => field),
      ["payment_method"],
    );
    assert.doesNotMatch(JSON.stringify(refused), /4242/);
  }
});
