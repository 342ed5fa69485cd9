// JSON as Stripe sends it, where amounts are integers, without losing a digit: amounts are bigint here, and every field that holds
// one begins with "amount".

declare global {
  // In the language since ES2026 (JSON.parse source text access), and not yet in the compiler's library.
  interface JSON {
    rawJSON(text: string): unknown;
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
  }
}

export function printWire(value: unknown): string {
  return JSON.stringify(value, exactAmount);
}

/** Reads what `printWire` printed. Throws SyntaxError on anything else. */
export function parseWire(text: string): unknown {
  return JSON.parse(text, bigAmount);
}

function exactAmount(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? JSON.rawJSON(value.toString()) : value;
}

function bigAmount(key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== "number" || !key.startsWith("amount") || !/^-?\d+$/.test(context.source ?? "")) return value;
  return BigInt(context.source ?? "");
}
