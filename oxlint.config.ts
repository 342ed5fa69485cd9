import { defineConfig, type DummyRuleMap, type OxlintOverride } from "oxlint";

// The rooms of src/ and what each may import besides itself. A room that is not listed may import nothing but itself and
// packages. The files of src/ itself (main.ts and its like) compose everything, so the rule does not hold for them.
// `direct` is the one face of the mock gateway that other code may call without going through HTTP.
const rooms = {
  domain: [],
  db: ["src/domain/**"],
  provider: ["src/domain/**"],
  gateway: ["src/domain/**"],
  app: ["src/domain/**", "src/db/**", "src/provider/provider.ts"],
  outbox: ["src/domain/**", "src/db/**", "gen/**"],
  api: ["src/app/**", "src/domain/**", "gen/**"],
  orders: ["src/domain/**", "gen/**"],
  web: [],
  embedded: [],
  config: [],
} as const satisfies Record<string, readonly string[]>;
const mockProviderImports = ["src/domain/**", "src/gateway/direct.ts"];

const connectError = {
  name: "@connectrpc/connect",
  importNames: ["ConnectError"],
  message: "A refusal becomes a ConnectError in src/api/errors.ts alone.",
};
const processEnv = {
  name: "node:process",
  importNames: ["env"],
  message: "src/config.ts is the only reader of the environment.",
};

interface RoomRule {
  room: string;
  imports: readonly string[];
  /** The folders between src/ and the file: 1 for src/app/x.ts, 2 for src/provider/mock/x.ts. */
  depth: 1 | 2;
  paths?: (typeof connectError)[];
}

function restrictedImports({ room, imports, depth, paths = [connectError, processEnv] }: RoomRule): DummyRuleMap {
  const toSource = "../".repeat(depth);
  const allowed = imports.map((path) => (path.startsWith("src/") ? toSource + path.slice(4) : `${toSource}../${path}`));
  const leavesTheRoom = {
    group: [`${toSource}**`, "./../**", ...allowed.map((path) => `!${path}`)],
    message: `src/${room} may import ${imports.join(", ") || "nothing outside itself"}.`,
  };
  const isNotRelative = { regex: "^[^.]", message: "src/domain is pure: it imports no package and no node: module." };
  const patterns = room === "domain" ? [leavesTheRoom, isNotRelative] : [leavesTheRoom];
  return { "no-restricted-imports": ["error", { paths, patterns }] };
}

function roomOverrides(room: string, imports: readonly string[]): OxlintOverride[] {
  return [
    { files: [`src/${room}/*.ts`], rules: restrictedImports({ room, imports, depth: 1 }) },
    { files: [`src/${room}/*/**/*.ts`], rules: restrictedImports({ room, imports, depth: 2 }) },
  ];
}

export default defineConfig({
  plugins: ["eslint", "typescript", "unicorn", "oxc", "import", "node", "promise"],
  ignorePatterns: ["gen/**", ".buf/**", ".data/**", "coverage/**"],
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: "error" },
  categories: { correctness: "error" },
  rules: {
    eqeqeq: "error",
    "preserve-caught-error": "error",
    "import/no-cycle": "error",
    "typescript/consistent-type-imports": "error",
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": [
      "error",
      {
        allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: ["test", "suite", "describe", "it"] }],
      },
    ],
    "typescript/no-misused-promises": "error",
    "typescript/only-throw-error": "error",
    "typescript/switch-exhaustiveness-check": ["error", { requireDefaultForNonUnion: true }],
    "unicorn/no-new-array": "off",
    "unicorn/prefer-node-protocol": "error",
  },
  overrides: [
    {
      files: ["test/**/*.ts", "bench/**/*.ts", "examples/**/*.ts"],
      rules: { "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }] },
    },
    {
      files: ["src/**/*.{ts,js}"],
      rules: {
        "max-lines": ["error", { max: 400 }],
        "no-console": "error",
        "no-restricted-globals": ["error", { name: "parseFloat", message: "Money is bigint minor units." }],
        "no-restricted-properties": [
          "error",
          { object: "Number", property: "parseFloat", message: "Money is bigint minor units." },
          { property: "toFixed", message: "Money is bigint minor units." },
        ],
        "node/no-process-env": "error",
        "no-restricted-imports": ["error", { paths: [connectError, processEnv] }],
      },
    },
    ...roomOverrides("*", []),
    ...Object.entries(rooms).flatMap(([room, imports]) => roomOverrides(room, imports)),
    {
      files: ["src/provider/mock/**"],
      rules: restrictedImports({ room: "provider/mock", imports: mockProviderImports, depth: 2 }),
    },
    {
      files: ["src/api/errors.ts"],
      rules: restrictedImports({ room: "api", imports: rooms.api, depth: 1, paths: [processEnv] }),
    },
    {
      files: ["src/config.ts"],
      rules: {
        "node/no-process-env": "off",
        "no-restricted-imports": [
          "error",
          { patterns: [{ group: ["./**", "!./config/**"], message: "src/config.ts may import src/config." }] },
        ],
      },
    },
  ],
});
