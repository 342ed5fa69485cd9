// The plugin that makes JSON Schemas of the events' messages: what it cannot say it must not leave out.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import {
  clone,
  create,
  type DescFile,
  fromBinary,
  type MessageInitShape,
  setExtension,
  toBinary,
} from "@bufbuild/protobuf";
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldOptionsSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { field as FIELD_RULES, FieldRulesSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { file_payment_v1_payment_event as EVENTS } from "../../gen/payment/v1/payment_event_pb.ts";

const ROOT = join(import.meta.dirname, "../..");

/** A file after all that it imports. */
function withImports(file: DescFile): FileDescriptorProto[] {
  return [...file.dependencies.flatMap(withImports), file.proto];
}

/** Runs the plugin on the contract's file, after a change of the field `order_id` of its first message. */
function generate(change: (field: FieldDescriptorProto) => void = () => {}) {
  const file = clone(FileDescriptorProtoSchema, EVENTS.proto);
  const field = file.messageType[0]?.field.find(({ name }) => name === "order_id");
  assert.ok(field);
  change(field);
  const imports = EVENTS.dependencies.flatMap(withImports);
  const byName = new Map([...imports, file].map((each) => [each.name, each]));
  const request = create(CodeGeneratorRequestSchema, { fileToGenerate: [file.name], protoFile: [...byName.values()] });
  const { status, stdout, stderr } = spawnSync(process.execPath, ["proto/event-schemas.ts"], {
    cwd: ROOT,
    input: toBinary(CodeGeneratorRequestSchema, request),
  });
  return { status, stdout, stderr: stderr.toString() };
}

function ruled(type: Type, rules: MessageInitShape<typeof FieldRulesSchema>) {
  return (field: FieldDescriptorProto): void => {
    field.type = type;
    field.options = create(FieldOptionsSchema);
    setExtension(field.options, FIELD_RULES, create(FieldRulesSchema, rules));
  };
}

const TOO_LONG = ruled(Type.STRING, { type: { case: "string", value: { maxLen: 128n } } });
const ABOVE_FIVE = ruled(Type.INT64, { type: { case: "int64", value: { greaterThan: { case: "gt", value: 5n } } } });

describe("the plugin of the events' schemas", () => {
  it("writes one for each message", () => {
    const { status, stdout, stderr } = generate();
    assert.equal(status, 0, stderr);
    const names = fromBinary(CodeGeneratorResponseSchema, stdout).file.map(({ name }) => basename(name));
    assert.deepEqual(new Set(names), new Set(readdirSync(join(ROOT, "gen/payment/v1/events"))));
  });

  const unsayable: readonly [what: string, change: (field: FieldDescriptorProto) => void, complaint: RegExp][] = [
    ["a rule", TOO_LONG, /order_id.*max_len/],
    ["a bound", ABOVE_FIVE, /order_id.*gt/],
    ["a type", (field) => (field.type = Type.BYTES), /order_id.*its type/],
    ["a list", (field) => (field.label = Label.REPEATED), /order_id.*its type/],
  ];
  for (const [what, change, complaint] of unsayable) {
    it(`ends at ${what} that it cannot say, and names the field`, () => {
      const { status, stderr } = generate(change);
      assert.equal(status, 1);
      assert.match(stderr, complaint);
    });
  }
});
