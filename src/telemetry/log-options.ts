// How the log is written. What is secret is kept out where lines are written; this is the net below: fields by these names are blotted out wherever they
// are, and errors are written without what databases and clients hang on them, which may be what somebody sent.
import type { LoggerOptions } from "pino";

const SECRET_FIELDS: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "set-cookie",
  "stripe-signature",
  "password",
  "secret",
  "secretKey",
  "token",
  "client_secret",
  "clientSecret",
  "client_token",
  "clientToken",
  "card",
  "card_number",
  "cardNumber",
  "cvc",
  "cvv",
  "payment_method",
  "paymentMethod",
  "body",
  "rawBody",
]);
/** How deep fields are looked for. Lines are flat, or nearly. */
const DEPTH_MAX = 4;
const CENSOR = "[redacted]";
const CAUSES_MAX = 3;

/** What a secret looks like, where it stands in a text: keys and secrets of Stripe, bearers, JSON Web Tokens, card numbers. */
const SECRET_TEXTS = [
  /\b(?:sk|rk|pk)_(?:test|live)_\w+/g,
  /\bwhsec_\w+/g,
  /\b\w+_secret_\w+/g,
  /\bBearer\s+[\w.~+/=-]+/gi,
  /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g,
  /\b\d(?:[ -]?\d){12,18}\b/g,
];

export function blot(text: string): string {
  return SECRET_TEXTS.reduce((blotted, pattern) => blotted.replace(pattern, CENSOR), text);
}

interface WrittenError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  readonly constraint?: string;
  readonly cause?: WrittenError;
}

/** Of an error, what programs and people look for: its kind, its sentence, where it came from, and its causes. */
export function writeError(error: unknown, causesMax = CAUSES_MAX): WrittenError {
  if (!(error instanceof Error)) return { type: typeof error, message: blot(String(error)) };
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  return {
    type: error.name,
    message: blot(error.message),
    ...(error.stack !== undefined && { stack: blot(error.stack) }),
    ...((typeof code === "string" || typeof code === "number") && { code: String(code) }),
    ...(typeof constraint === "string" && { constraint }),
    ...(error.cause !== undefined && causesMax > 0 && { cause: writeError(error.cause, causesMax - 1) }),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !(value instanceof Error);
}

/** The same object where it has nothing to hide, which is nearly always; pino's own redaction costs more than the rest of a line. */
function blotFields(fields: Readonly<Record<string, unknown>>, depth: number): Readonly<Record<string, unknown>> {
  let blotted: Record<string, unknown> | undefined;
  for (const name in fields) {
    const value = fields[name];
    if (SECRET_FIELDS.has(name)) {
      blotted ??= { ...fields };
      blotted[name] = CENSOR;
    } else if (isRecord(value)) {
      const inner = depth < DEPTH_MAX ? blotInner(value, depth + 1) : CENSOR;
      if (inner === value) continue;
      blotted ??= { ...fields };
      blotted[name] = inner;
    }
  }
  return blotted ?? fields;
}

function blotInner(value: Readonly<Record<string, unknown>>, depth: number): unknown {
  if (value instanceof Date) return value;
  if (!Array.isArray(value)) return blotFields(value, depth);
  return value.map((each: unknown) => (isRecord(each) ? blotInner(each, depth) : each));
}

/** For pino: `pino(logOptions(level))`. */
export function logOptions(level: string): LoggerOptions {
  return {
    level,
    base: null,
    formatters: { log: (fields) => blotFields(fields, 0) },
    serializers: { err: (error: unknown) => writeError(error) },
  };
}
