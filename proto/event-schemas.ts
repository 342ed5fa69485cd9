// A plugin of buf: writes a JSON Schema for each message of payment_event.proto, for consumers that read the events without the .proto files. A rule for
// which it knows no JSON Schema ends the generation, so that none is lost in silence.
import {
  create,
  createFileRegistry,
  type DescField,
  type DescMessage,
  getOption,
  ScalarType,
} from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import {
  type CodeGeneratorRequest,
  CodeGeneratorResponse_Feature,
  CodeGeneratorResponseSchema,
  FileDescriptorSetSchema,
  TimestampSchema,
} from "@bufbuild/protobuf/wkt";
import { getComments, runNodeJs } from "@bufbuild/protoplugin";
import { field as FIELD_RULES, FieldRulesSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

const EVENTS = "payment/v1/payment_event.proto";
const FOLDER = "payment/v1/events";
const DIALECT = "https://json-schema.org/draft/2020-12/schema";
/** JSON has no integers of 64 bits that every reader keeps: ProtoJSON writes them as strings. */
const INTEGER = "^-?(0|[1-9][0-9]*)$";
const INTEGER_FROM_0 = "^(0|[1-9][0-9]*)$";
const INTEGER_FROM_1 = "^[1-9][0-9]*$";

type JsonSchema = Readonly<Record<string, unknown>>;
/** By their names in protovalidate, each with its value. Whoever says one takes it. */
type Rules = Map<string, unknown>;

/** `PaymentRefundFailed` is what comes on `payment.refund_failed`. */
function subjectOf({ name }: DescMessage): string {
  const words = name.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
  return `${words[0]}.${words.slice(1).join("_")}`;
}

/** The comment, with the fields that it speaks of by the names that they have in JSON. */
function describe(desc: DescField | DescMessage): string {
  const { fields } = desc.kind === "message" ? desc : desc.parent;
  const text = (getComments(desc).leading ?? "").trim().replaceAll(/\s*\n\s*/g, " ");
  return text.replaceAll(/(?<=`)\w+(?=`)/g, (name) => fields.find((field) => field.name === name)?.jsonName ?? name);
}

function collect(message: ReflectMessage, rules: Rules): Rules {
  for (const rule of message.fields) {
    if (!message.isSet(rule)) continue;
    if (rule.fieldKind === "message") collect(message.get(rule), rules);
    else rules.set(rule.name, rule.fieldKind === "list" ? [...message.get(rule)] : message.get(rule));
  }
  return rules;
}

function take(rules: Rules, name: string): unknown {
  const value = rules.get(name);
  rules.delete(name);
  return value;
}

/** As an object with one key, or with none where there is no such rule. */
function say(keyword: string, value: unknown): JsonSchema {
  return value === undefined ? {} : { [keyword]: value };
}

/** What is written as a string has bounds by its form alone; none but those at zero can be said. */
function describeInteger(rules: Rules): JsonSchema {
  const bound = ["gt", "gte"].find((name) => rules.get(name) === 0n);
  if (bound === undefined) return { type: "string", pattern: INTEGER };
  rules.delete(bound);
  return { type: "string", pattern: bound === "gt" ? INTEGER_FROM_1 : INTEGER_FROM_0 };
}

/** Of the types that events have; null for the others. */
function describeScalar(scalar: ScalarType, rules: Rules, isRequired: boolean): JsonSchema | null {
  if (scalar === ScalarType.BOOL) return { type: "boolean" };
  if (scalar === ScalarType.INT64) return describeInteger(rules);
  if (scalar === ScalarType.INT32) return { type: "integer", ...say("minimum", take(rules, "gte")) };
  if (scalar === ScalarType.DOUBLE)
    return {
      type: "number",
      ...say("minimum", take(rules, "gte")),
      ...say("exclusiveMinimum", take(rules, "gt")),
    };
  if (scalar !== ScalarType.STRING) return null;
  const said = { ...say("pattern", take(rules, "pattern")), ...say("enum", take(rules, "in")) };
  return { type: "string", ...(isRequired && Object.keys(said).length === 0 && { minLength: 1 }), ...said };
}

function describeValue(field: DescField, rules: Rules, isRequired: boolean): JsonSchema | null {
  if (field.fieldKind === "scalar") return describeScalar(field.scalar, rules, isRequired);
  if (field.fieldKind === "message" && field.message.typeName === TimestampSchema.typeName)
    return { type: "string", format: "date-time" };
  if (field.fieldKind !== "map" || field.mapKind !== "scalar") return null;
  const values = describeScalar(field.scalar, new Map(), false);
  return values && { type: "object", additionalProperties: values };
}

function describeField(field: DescField): { readonly isRequired: boolean; readonly schema: JsonSchema } {
  const rules = collect(reflect(FieldRulesSchema, getOption(field, FIELD_RULES)), new Map());
  const isRequired = take(rules, "required") === true;
  const value = describeValue(field, rules, isRequired);
  if (value === null) throw new Error(`${field.toString()}: no JSON Schema is known for its type`);
  if (rules.size > 0)
    throw new Error(`${field.toString()}: no JSON Schema is known for ${[...rules.keys()].join(", ")}`);
  return { isRequired, schema: { description: describe(field), ...value } };
}

function describeMessage(message: DescMessage): JsonSchema {
  const fields = message.fields.map((field) => ({ name: field.jsonName, ...describeField(field) }));
  return {
    $schema: DIALECT,
    title: message.name,
    description: describe(message),
    type: "object",
    properties: Object.fromEntries(fields.map(({ name, schema }) => [name, schema])),
    required: fields.filter(({ isRequired }) => isRequired).map(({ name }) => name),
  };
}

function run({ protoFile, fileToGenerate }: CodeGeneratorRequest) {
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: protoFile }));
  const events = fileToGenerate.includes(EVENTS) ? (registry.getFile(EVENTS)?.messages ?? []) : [];
  return create(CodeGeneratorResponseSchema, {
    supportedFeatures: BigInt(CodeGeneratorResponse_Feature.PROTO3_OPTIONAL),
    file: events.map((message) => ({
      name: `${FOLDER}/${subjectOf(message)}.json`,
      content: `${JSON.stringify(describeMessage(message), null, 2)}\n`,
    })),
  });
}

runNodeJs({ name: "event-schemas", version: "1", run });
