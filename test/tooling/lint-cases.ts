// What the lint rules must refuse and what they must let through; lint.test.ts runs each case.

const roomsRule = "eslint(no-restricted-imports)";

export interface LintCase {
  name: string;
  file: string;
  source: string;
  /** The rule that must be reported for the file; without one the file must be clean. */
  rule?: string;
}

const reExport = (path: string) => `export { x } from "${path}";\n`;

/** One row per direction: the file, and what it imports. */
const allowedImports = [
  ["src/domain/payment.ts", "./money.ts"],
  ["src/db/store.ts", "../domain/payment.ts"],
  ["src/db/migrations/first.ts", "../store.ts"],
  ["src/db/store.ts", "@mikro-orm/core"],
  ["src/provider/stripe/calls.ts", "../provider.ts"],
  ["src/provider/stripe/calls.ts", "../../domain/money.ts"],
  ["src/provider/mock/mock.ts", "../../gateway/direct.ts"],
  ["src/gateway/core.ts", "../domain/money.ts"],
  ["src/app/create.ts", "../db/store.ts"],
  ["src/app/create.ts", "../provider/provider.ts"],
  ["src/outbox/relay.ts", "../db/store.ts"],
  ["src/outbox/relay.ts", "../../gen/payment/v1/payment_pb.ts"],
  ["src/api/handlers.ts", "../app/create.ts"],
  ["src/api/rest/stripe.ts", "../../app/create.ts"],
  ["src/api/rest/stripe.ts", "../../../gen/payment/v1/payment_pb.ts"],
  ["src/orders/consumer.ts", "../../gen/payment/v1/payment_pb.ts"],
  ["src/main.ts", "./outbox/relay.ts"],
] as const;

const forbiddenImports = [
  ["src/domain/payment.ts", "../db/store.ts"],
  ["src/domain/payment.ts", "../../gen/payment/v1/payment_pb.ts"],
  ["src/domain/payment.ts", "node:fs"],
  ["src/domain/payment.ts", "pino"],
  ["src/db/store.ts", "../app/create.ts"],
  ["src/db/migrations/first.ts", "../../app/create.ts"],
  ["src/db/store.ts", "../../gen/payment/v1/payment_pb.ts"],
  ["src/provider/provider.ts", "../db/store.ts"],
  ["src/provider/stripe/calls.ts", "../../app/create.ts"],
  ["src/provider/stripe/calls.ts", "../../gateway/direct.ts"],
  ["src/provider/provider.ts", "../gateway/direct.ts"],
  ["src/provider/mock/mock.ts", "../../gateway/core.ts"],
  ["src/gateway/core.ts", "../provider/provider.ts"],
  ["src/gateway/core.ts", "../db/store.ts"],
  ["src/app/create.ts", "../provider/mock/mock.ts"],
  ["src/app/create.ts", "../provider/stripe/calls.ts"],
  ["src/app/create.ts", "../gateway/direct.ts"],
  ["src/app/create.ts", "../api/handlers.ts"],
  ["src/app/create.ts", "../outbox/relay.ts"],
  ["src/app/create.ts", "../../gen/payment/v1/payment_pb.ts"],
  ["src/app/create.ts", "../config.ts"],
  ["src/app/create.ts", "../main.ts"],
  ["src/app/create.ts", "./../api/handlers.ts"],
  ["src/outbox/relay.ts", "../app/create.ts"],
  ["src/api/handlers.ts", "../db/store.ts"],
  ["src/api/rest/stripe.ts", "../../db/store.ts"],
  ["src/api/handlers.ts", "../outbox/relay.ts"],
  ["src/api/handlers.ts", "../provider/provider.ts"],
  ["src/api/errors.ts", "../db/store.ts"],
  ["src/web/page.ts", "../app/create.ts"],
  ["src/orders/consumer.ts", "../app/create.ts"],
  ["src/embedded/postgres.ts", "../domain/payment.ts"],
  ["src/config.ts", "./main.ts"],
  ["src/a-new-room/first.ts", "../domain/payment.ts"],
] as const;

const statusSwitch = (end: string) =>
  `type Status = "open" | "closed";\nexport function print(status: Status): string {\n  switch (status) {\n    case "open":\n      return "o";\n${end}  }\n}\n`;

export const cases: LintCase[] = [
  ...allowedImports.map(([file, path]) => ({ name: `${file} may import ${path}`, file, source: reExport(path) })),
  ...forbiddenImports.map(([file, path]) => ({
    name: `${file} may not import ${path}`,
    file,
    source: reExport(path),
    rule: roomsRule,
  })),
  {
    name: "a type import counts as an import",
    file: "src/app/create.ts",
    source: 'import type { X } from "../outbox/relay.ts";\nexport type Y = X;\n',
    rule: roomsRule,
  },
  {
    name: "a dynamic import counts as an import",
    file: "src/app/create.ts",
    source: 'export const x: unknown = await import("../outbox/relay.ts");\n',
    rule: roomsRule,
  },
  {
    name: "import() in a type is refused",
    file: "src/app/create.ts",
    source: 'export type X = import("../outbox/relay.ts").X;\n',
    rule: "typescript(consistent-type-imports)",
  },
  {
    name: "ConnectError is for src/api/errors.ts",
    file: "src/api/errors.ts",
    source: 'export { ConnectError } from "@connectrpc/connect";\n',
  },
  {
    name: "ConnectError is refused beside src/api/errors.ts",
    file: "src/api/handlers.ts",
    source: 'export { ConnectError } from "@connectrpc/connect";\n',
    rule: roomsRule,
  },
  {
    name: "ConnectError is refused in main.ts",
    file: "src/main.ts",
    source: 'export { ConnectError } from "@connectrpc/connect";\n',
    rule: roomsRule,
  },
  {
    name: "src/config.ts reads process.env",
    file: "src/config.ts",
    source: 'export const port = process.env["PORT"];\n',
  },
  {
    name: "process.env is refused outside src/config.ts",
    file: "src/main.ts",
    source: 'export const port = process.env["PORT"];\n',
    rule: "node(no-process-env)",
  },
  {
    name: "env of node:process is refused outside src/config.ts",
    file: "src/api/handlers.ts",
    source: 'import { env } from "node:process";\nexport const port = env["PORT"];\n',
    rule: roomsRule,
  },
  {
    name: "console is refused in src",
    file: "src/app/create.ts",
    source: 'console.log("created");\n',
    rule: "eslint(no-console)",
  },
  {
    name: "parseFloat is refused in src",
    file: "src/app/create.ts",
    source: 'export const amount = parseFloat("19.99");\n',
    rule: "eslint(no-restricted-globals)",
  },
  {
    name: "Number.parseFloat is refused in src",
    file: "src/app/create.ts",
    source: 'export const amount = Number.parseFloat("19.99");\n',
    rule: "eslint(no-restricted-properties)",
  },
  {
    name: "toFixed is refused in src",
    file: "src/app/create.ts",
    source: "export const amount = (19.99).toFixed(2);\n",
    rule: "eslint(no-restricted-properties)",
  },
  {
    name: "a file of 401 lines is refused in src",
    file: "src/app/create.ts",
    source: `export const x = [\n${"  1,\n".repeat(399)}];\n`,
    rule: "eslint(max-lines)",
  },
  {
    name: "a file of 400 lines passes",
    file: "src/app/create.ts",
    source: `export const x = [\n${"  1,\n".repeat(398)}];\n`,
  },
  {
    name: "a promise that nobody awaits is refused",
    file: "src/app/create.ts",
    source: "async function send(): Promise<void> {}\nsend();\n",
    rule: "typescript(no-floating-promises)",
  },
  {
    name: "a promise as a condition is refused",
    file: "src/app/create.ts",
    source: "async function paid(): Promise<boolean> {\n  return true;\n}\nexport const x = paid() ? 1 : 2;\n",
    rule: "typescript(no-misused-promises)",
  },
  {
    name: "an async function where nobody awaits it is refused",
    file: "src/app/create.ts",
    source: 'process.once("SIGTERM", async () => {\n  await Promise.resolve();\n});\n',
    rule: "typescript(no-misused-promises)",
  },
  {
    name: "a switch that misses a case is refused",
    file: "src/app/create.ts",
    source: statusSwitch(""),
    rule: "typescript(switch-exhaustiveness-check)",
  },
  {
    name: "a default does not stand in for a missing case",
    file: "src/app/create.ts",
    source: statusSwitch('    default:\n      return "?";\n'),
    rule: "typescript(switch-exhaustiveness-check)",
  },
  {
    name: "a switch over every case passes",
    file: "src/app/create.ts",
    source: statusSwitch('    case "closed":\n      return "c";\n    default:\n      return status satisfies never;\n'),
  },
  {
    name: "an error that drops its cause is refused",
    file: "src/app/create.ts",
    source: "try {\n  JSON.parse('');\n} catch (error) {\n  throw new Error(String(error));\n}\n",
    rule: "eslint(preserve-caught-error)",
  },
  {
    name: "any is refused",
    file: "src/app/create.ts",
    source: "export const x: any = 1;\n",
    rule: "typescript(no-explicit-any)",
  },
  {
    name: "node:test's own promises may float",
    file: "test/app/create.test.ts",
    source: 'import { test } from "node:test";\ntest("a behaviour", () => {});\n',
  },
];
