// The rules of the contract (protovalidate), for every request on every port.
import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { pathToString, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import { type FieldViolation, type Refusal, refusal } from "../domain/error.ts";

const FIELD_LENGTH_MAX = 128;
/** How deep the warm-up goes into nested messages. */
const DEPTH_MAX = 4;

/** What the contract's patterns ask for, in words. */
export const PATTERNS: Readonly<Record<string, string>> = {
  "^[^\\x00-\\x1f\\x7f]*$": "must not contain control characters",
  "^[^\\x00]*$": "must not contain a zero byte",
  "^$|^[^@\\s\\x00-\\x1f\\x7f]+@[^@\\s\\x00-\\x1f\\x7f]+$":
    "must be an e-mail address, such as name@example.com, or empty",
  "^[a-z0-9_-]{0,32}$": "must be at most 32 lower-case letters, digits, underscores and hyphens, such as mock",
  "^([A-Za-z][A-Za-z0-9_-]*)?$":
    "must be a token such as pm_card_visa: a letter, then letters, digits, underscores and hyphens; never the number of a card",
  "^[\\x21-\\x7e]{0,255}$": "must be at most 255 printable ASCII characters without spaces; a UUID is best",
  "^[A-Za-z]{3}$": "must be the three letters of an ISO 4217 currency, such as EUR",
};

const RULES: Readonly<Record<string, string>> = {
  required: "is missing; send it",
  "string.min_len": "is empty or too short; it",
  "enum.defined_only": "must be a value that the enum names",
  "enum.not_in": "must be a value that can be there, which the unspecified one is not",
};

const compiled = new Map<string, RegExp>();

// The patterns are the contract's own and run in linear time, so that JavaScript's engine, which is the fastest here, can run them.
function matches(pattern: string, value: string): boolean {
  let expression = compiled.get(pattern);
  if (!expression) {
    expression = new RegExp(pattern, "u");
    compiled.set(pattern, expression);
  }
  return expression.test(value);
}

const validator = createValidator({ regexMatch: matches });

function describeRule(violation: Violation): string {
  const { ruleId, message } = violation;
  const last = violation.field.at(-1);
  if (last?.kind === "oneof") return `is missing; send one of ${last.fields.map((field) => field.name).join(", ")}`;
  const [, pattern] = /^does not match regex pattern `(.*)`$/s.exec(message) ?? [];
  if (pattern !== undefined) return PATTERNS[pattern] ?? `must match ${pattern}`;
  if (ruleId === "string.min_len") return `${RULES[ruleId]} ${message}`;
  return RULES[ruleId] ?? message;
}

function describeViolation(violation: Violation): FieldViolation {
  const description = describeRule(violation);
  const field = pathToString(violation.field).slice(0, FIELD_LENGTH_MAX).toWellFormed();
  return { field, description: violation.forKey ? `the key ${description}` : description };
}

/** Null for a request that keeps the contract's rules. Throws where the rules themselves are at fault. */
export function validate(desc: DescMessage, request: Message): Refusal | null {
  const result = validator.validate(desc, request);
  if (result.kind === "valid") return null;
  if (result.kind === "error")
    throw new Error(`the rules of ${desc.typeName} cannot be evaluated`, { cause: result.error });
  const violations = result.violations.map(describeViolation);
  const [first] = violations;
  const field = first?.field ?? "";
  const message = `${field}: ${first?.description}${violations.length > 1 ? `, and ${violations.length - 1} more` : ""}`;
  return refusal("INVALID_ARGUMENT", message, { metadata: { field }, violations });
}

function fillField(message: ReflectMessage, field: DescField, depth: number): void {
  if (field.fieldKind === "message") message.set(field, filled(field.message, depth + 1));
  else if (field.fieldKind === "list" && field.listKind === "message")
    message.get(field).add(filled(field.message, depth + 1));
  else if (field.fieldKind === "map" && field.scalar === ScalarType.STRING) message.get(field).set("x", "x");
}

/** A message with one of everything in it, so that every rule below it is met. */
function filled(desc: DescMessage, depth: number): ReflectMessage {
  const message = reflect(desc, create(desc));
  if (depth < DEPTH_MAX) for (const field of desc.fields) fillField(message, field, depth);
  return message;
}

/** Prepares the rules of a message, which takes tens of milliseconds the first time. */
export function prepareRules(desc: DescMessage): void {
  validator.validate(desc, filled(desc, 0).message);
}
