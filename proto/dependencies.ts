// Writes the .proto files that ours import into .buf/ (not committed), so that buf needs no network. Three of them ship
// as text in npm packages. buf/validate ships only as a descriptor, which is printed here: its messages, enums and
// extensions, without its own options, which matter to the validator alone.
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const target = join(root, ".buf");

const copies: Record<string, string> = {
  "google/rpc/error_details.proto": "google-proto-files/google/rpc/error_details.proto",
  "google/rpc/status.proto": "google-proto-files/google/rpc/status.proto",
  "grpc/health/v1/health.proto": "grpc-health-check/proto/health/v1/health.proto",
  "grpc/reflection/v1/reflection.proto": "@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto",
};

function printType(field: FieldDescriptorProto): string {
  return field.typeName || Type[field.type].toLowerCase();
}

function printField(field: FieldDescriptorProto, proto2: boolean, isMember: boolean): string {
  const repeated = field.label === Label.REPEATED;
  const label = repeated ? "repeated " : isMember ? "" : proto2 || field.proto3Optional ? "optional " : "";
  return `${label}${printType(field)} ${field.name} = ${field.number};`;
}

function printEnum(desc: EnumDescriptorProto): string {
  return `enum ${desc.name} {\n${desc.value.map((v) => `${v.name} = ${v.number};`).join("\n")}\n}`;
}

function printMessage(desc: DescriptorProto, proto2: boolean): string {
  const lines: string[] = [];
  const oneofs = new Map<number, string[]>();
  for (const field of desc.field) {
    const nested = desc.nestedType.find(
      (n) => n.options?.mapEntry && field.typeName.endsWith(`.${desc.name}.${n.name}`),
    );
    if (nested) {
      const [key, value] = nested.field;
      if (!key || !value) throw new Error(`map entry ${nested.name} has no key or no value`);
      lines.push(`map<${printType(key)}, ${printType(value)}> ${field.name} = ${field.number};`);
    } else if (field.oneofIndex !== undefined && Object.hasOwn(field, "oneofIndex") && !field.proto3Optional) {
      const members = oneofs.get(field.oneofIndex) ?? [];
      members.push(printField(field, proto2, true));
      oneofs.set(field.oneofIndex, members);
    } else {
      lines.push(printField(field, proto2, false));
    }
  }
  for (const [index, members] of oneofs) {
    lines.push(`oneof ${desc.oneofDecl[index]?.name} {\n${members.join("\n")}\n}`);
  }
  for (const nested of desc.nestedType) if (!nested.options?.mapEntry) lines.push(printMessage(nested, proto2));
  for (const nested of desc.enumType) lines.push(printEnum(nested));
  for (const range of desc.extensionRange)
    lines.push(`extensions ${range.start} to ${range.end === 536870912 ? "max" : range.end - 1};`);
  return `message ${desc.name} {\n${lines.join("\n")}\n}`;
}

rmSync(target, { recursive: true, force: true });
for (const [path, source] of Object.entries(copies)) {
  mkdirSync(dirname(join(target, path)), { recursive: true });
  cpSync(join(root, "node_modules", source), join(target, path));
}

const { proto } = file_buf_validate_validate;
const proto2 = proto.syntax !== "proto3";
const validate = join(target, `${proto.name}${proto.name.endsWith(".proto") ? "" : ".proto"}`);
mkdirSync(dirname(validate), { recursive: true });
writeFileSync(
  validate,
  [
    `syntax = "${proto2 ? "proto2" : "proto3"}";`,
    `package ${proto.package};`,
    ...proto.dependency.map((dependency) => `import "${dependency}";`),
    ...proto.enumType.map(printEnum),
    ...proto.messageType.map((message) => printMessage(message, proto2)),
    ...proto.extension.map((field) => `extend ${field.extendee} {\n${printField(field, proto2, false)}\n}`),
    "",
  ].join("\n"),
);
