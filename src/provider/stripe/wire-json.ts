// JSON as Stripe sends it, read without losing a digit: amounts are integers, every field that holds one of them begins with "amount", and here
// they are bigint.

declare global {
  // In the language since ES2026 (JSON.parse source text access), and not yet in the compiler's library.
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
  }
}

/** Throws SyntaxError when the text is not JSON, or is nested deeper than JSON can be read. */
export function parseStripeJson(text: string): unknown {
  try {
    return JSON.parse(text, exactAmount);
  } catch (error) {
    if (error instanceof RangeError) throw new SyntaxError("it is nested too deeply", { cause: error });
    throw error;
  }
}

function exactAmount(key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== "number" || !key.startsWith("amount") || !/^-?\d+$/.test(context.source ?? "")) return value;
  return BigInt(context.source ?? "");
}
