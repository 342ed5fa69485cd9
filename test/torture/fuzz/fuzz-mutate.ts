// Ways to spoil bytes, texts and JSON. All choices are the given chance's, so that the same seed spoils the same way.
import type { Random } from "../frame/random.ts";

const BIT_FLIPS_MAX = 8;
const INSERT_MAX = 48;
const NESTING = [31, 33, 50, 101, 500];
/** Seldom, since it takes long to read. */
const NESTING_DEEP = [5_000, 20_000];
const DEEP_PART = 0.05;
const OVERSIZE = [65_530, 65_537, 70_000, 140_000];
/** Broken UTF-8: a lone continuation, an overlong slash, half of a surrogate pair, what no code point is, a cut sequence. */
const BROKEN_UTF8 = ["80", "c0af", "eda080", "f5808080", "e282"].map((hex) => Buffer.from(hex, "hex"));
/** What fields seldom expect. */
const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  "",
  " ",
  "0",
  "-1",
  "1e400",
  "NaN",
  "9223372036854775808",
  "\u0000",
  "\ud800",
  "\u202e\ufeff",
  "__proto__",
  "x".repeat(300),
  "x".repeat(5_000),
  0,
  -1,
  0.1,
  1e21,
  -0,
  2 ** 53,
  [],
  {},
  [[]],
  [null],
  { "": "" },
];
/** JSON that JavaScript cannot write by itself. */
const ODD_TEXTS = [
  "1e999999",
  "-0.0",
  `1${"0".repeat(400)}`,
  "0x10",
  "NaN",
  "Infinity",
  "'a'",
  "+1",
  "01",
  "1.",
  "\\u0000",
  '"\\ud800"',
  '"\\uZZZZ"',
  '{"__proto__":{"a":1}}',
  '{"constructor":{"prototype":{}}}',
  "/**/1",
  "1,",
  "undefined",
];

export function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let place = 0; place < length; place += 1) bytes[place] = random.below(256);
  return bytes;
}

function splice(body: Buffer, place: number, { drop, insert }: { drop: number; insert: Buffer }): Buffer {
  return Buffer.concat([body.subarray(0, place), insert, body.subarray(Math.min(body.length, place + drop))]);
}

type BytesChange = (body: Buffer, random: Random) => Buffer;

const BYTES_CHANGES: readonly BytesChange[] = [
  function flipBits(body, random) {
    const flipped = Buffer.from(body);
    for (let count = 1 + random.below(BIT_FLIPS_MAX); count > 0 && flipped.length > 0; count -= 1) {
      const place = random.below(flipped.length);
      flipped[place] = (flipped[place] ?? 0) ^ (1 << random.below(8));
    }
    return flipped;
  },
  (body, random) => body.subarray(0, random.below(body.length + 1)),
  (body, random) => body.subarray(random.below(body.length + 1)),
  function repeatPart(body, random) {
    const place = random.below(body.length + 1);
    const part = body.subarray(place, place + random.below(body.length + 1));
    return splice(body, place, { drop: 0, insert: Buffer.concat([part, part]) });
  },
  (body, random) =>
    splice(body, random.below(body.length + 1), {
      drop: random.below(4),
      insert: randomBytes(random, random.below(INSERT_MAX)),
    }),
  (body, random) => splice(body, random.below(body.length + 1), { drop: 1, insert: Buffer.alloc(1 + random.below(4)) }),
  (body, random) => splice(body, random.below(body.length + 1), { drop: 1, insert: random.pick(BROKEN_UTF8) }),
  (body) => Buffer.concat([body, body]),
  (_, random) => randomBytes(random, random.below(200)),
  () => Buffer.alloc(0),
];

export function spoilBytes(body: Buffer, random: Random): Buffer {
  return random.pick(BYTES_CHANGES)(body, random);
}

type JsonChange = (value: Record<string, unknown>, random: Random) => Record<string, unknown>;

function anyKey(value: object, random: Random): string {
  return random.pick(Object.keys(value)) ?? "";
}

/** Some place in it, however deep; nested objects and lists are gone into now and then. */
function change(value: unknown, random: Random, to: (old: unknown) => unknown): unknown {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0 || random.chance(0.15))
    return to(value);
  const key = anyKey(value, random);
  const changed = change((value as Record<string, unknown>)[key], random, to);
  if (Array.isArray(value)) return value.map((each, index) => (String(index) === key ? changed : each));
  return { ...value, [key]: changed };
}

const JSON_CHANGES: readonly JsonChange[] = [
  (value, random) => change(value, random, () => random.pick(ODD_VALUES)) as Record<string, unknown>,
  (value, random) => ({ ...value, [anyKey(value, random)]: random.pick(ODD_VALUES) }),
  (value, random) => ({
    ...value,
    [random.pick(["surprise", "", "__proto__", "toString", "a.b", "\u0000"])]: random.pick(ODD_VALUES),
  }),
  function leaveOut(value, random) {
    const left = { ...value };
    delete left[anyKey(value, random)];
    return left;
  },
  (value, random) => change(value, random, (old) => [old, old]) as Record<string, unknown>,
  (value, random) => change(value, random, (old) => ({ value: old })) as Record<string, unknown>,
  (value, random) =>
    change(value, random, (old) => (typeof old === "string" ? Number(old) : String(old))) as Record<string, unknown>,
];

function nested(random: Random): string {
  const depth = random.pick(random.chance(DEEP_PART) ? NESTING_DEEP : NESTING);
  const [open, close] = random.pick([
    ["[", "]"],
    ['{"a":', "}"],
    ['{"items":[', "]}"],
  ] as const);
  return `${open.repeat(depth)}${random.chance(0.5) ? "1" : ""}${random.chance(0.8) ? close.repeat(depth) : ""}`;
}

/** JSON whose values are not what they should be; now and then it is no JSON any more. */
export function spoilJson(value: Record<string, unknown>, random: Random): Buffer {
  const kind = random.below(20);
  const text = JSON.stringify(kind < 13 ? random.pick(JSON_CHANGES)(value, random) : value) ?? "null";
  switch (kind) {
    case 13:
      return Buffer.from(text.replace(/("[^"]*")(?=[,}\]])|\d+/, () => random.pick(ODD_TEXTS)));
    case 14:
      return Buffer.from(text.replace(/^\{/, `{"${anyKey(value, random)}":1,`));
    case 15:
      return Buffer.from(random.chance(0.5) ? nested(random) : `{"${anyKey(value, random)}":${nested(random)}}`);
    case 16:
      return random.chance(0.1) ? oversized(random) : Buffer.from(text, "utf16le");
    case 17:
      return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]);
    case 18:
    case 19:
      return spoilBytes(Buffer.from(text), random);
    default:
      return Buffer.from(text);
  }
}

export function oversized(random: Random): Buffer {
  return Buffer.alloc(random.pick(OVERSIZE), random.pick([0x20, 0x7b, 0x00, 0x0a]));
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, value);
  do {
    bytes.push(Number(left & 0x7fn) | (left > 0x7fn ? 0x80 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Buffer.from(bytes);
}

function field(number: number, wireType: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(BigInt(number * 8 + wireType)), bytes]);
}

function lengthDelimited(bytes: Buffer): Buffer {
  return Buffer.concat([varint(BigInt(bytes.length)), bytes]);
}

/** One field as protobuf writes it, of any number and any type, right or wrong. */
function oddField(random: Random): Buffer {
  const number = random.pick([1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 99, 19_000, 536_870_911, 0]);
  switch (random.below(6)) {
    case 0:
      return field(number, 0, varint(random.pick([0n, 1n, -1n, 2n ** 63n, 2n ** 62n, 77n])));
    case 1:
      return field(number, 0, Buffer.alloc(12, 0xff));
    case 2:
      return field(number, 2, lengthDelimited(randomBytes(random, random.below(40))));
    case 3:
      return field(number, 2, Buffer.concat([varint(random.pick([2n ** 31n, 2n ** 40n, 200n])), Buffer.from("short")]));
    case 4:
      return field(number, random.pick([1, 3, 4, 5, 6, 7]), randomBytes(random, random.below(9)));
    default: {
      let bytes = Buffer.from("deep");
      for (let depth = random.pick([10, 99, 101, 1_000]); depth > 0; depth -= 1)
        bytes = field(number || 1, 2, lengthDelimited(bytes)) as typeof bytes;
      return bytes;
    }
  }
}

/** Bytes of a message that are none any more, or another one. */
export function spoilProto(body: Buffer, random: Random): Buffer {
  const kind = random.below(10);
  if (kind < 4) return spoilBytes(body, random);
  if (kind < 5 && random.chance(0.05)) return oversized(random);
  const odd = oddField(random);
  if (kind < 8) return Buffer.concat([body, odd]);
  return kind < 9 ? Buffer.concat([odd, body]) : Buffer.concat([body, odd, body, oddField(random)]);
}

/** A text for a header, a path or a query. */
export function spoilText(text: string, random: Random): string {
  const place = random.below(text.length + 1);
  const insert = random.pick([
    "%00",
    "%",
    "%zz",
    "..",
    "/",
    "//",
    "\\",
    "%2e%2e%2f",
    "%ff",
    "é",
    "?",
    "#",
    "&",
    "=",
    ";",
    "'",
    '"',
    "<",
    " ",
    "x".repeat(300),
    "x".repeat(3_000),
  ]);
  switch (random.below(4)) {
    case 0:
      return text.slice(0, place);
    case 1:
      return text + insert;
    case 2:
      return text.slice(place);
    default:
      return text.slice(0, place) + insert + text.slice(place + random.below(3));
  }
}
