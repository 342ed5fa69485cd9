// JSON whose numbers keep their text, because an amount that has been a double is no longer the amount that was sent.
import { accept, type Result, refuse } from "../../domain/error.ts";

/** A number as it was written: `25.990` stays that. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject;

/** Its keys are the sender's, `__proto__` and `constructor` among them: look only for own ones. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Far more than any request has, and little enough for every later walk through a value. */
const DEPTH_MAX = 32;

/** Counts brackets outside of strings, before anything recursive touches the text. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"?|[[\]{}]/gs)) {
    if (token === "[" || token === "{") depth += 1;
    else if (token === "]" || token === "}") depth -= 1;
    if (depth > DEPTH_MAX) return true;
  }
  return false;
}

function keepNumber(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  return typeof value === "number" && context.source !== undefined ? new JsonNumber(context.source) : value;
}

/** Reads a JSON text. An empty one is undefined: the request has no body. Refuses broken JSON and deep nesting with INVALID_ARGUMENT. */
export function parseJson(text: string): Result<JsonValue | undefined> {
  if (text.trim() === "") return accept(undefined);
  if (isTooDeep(text)) return refuse("INVALID_ARGUMENT", `The body is nested more than ${DEPTH_MAX} levels deep.`);
  try {
    return accept(JSON.parse(text, keepNumber) as JsonValue);
  } catch {
    return refuse("INVALID_ARGUMENT", "The body is not valid JSON.");
  }
}
