// The request id of an HTTP call: its Idempotency-Key header, plain or as the quoted string of a structured header (RFC 8941), so that
// `Idempotency-Key: "a1"` and `Idempotency-Key: a1` are the same request.
import { accept, type Result, refuseField } from "../../domain/error.ts";

const HEADER = "Idempotency-Key";
const LENGTH_MAX = 255;

function unquote(text: string): string {
  const [, quoted] = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text) ?? [];
  return quoted === undefined ? text : quoted.replaceAll(/\\(["\\])/g, "$1");
}

/** Empty when there is no such header. What no request_id can be is refused with INVALID_ARGUMENT. */
export function parseRequestId(header: string | readonly string[] | undefined): Result<string> {
  if (header === undefined) return accept("");
  const id = typeof header === "string" ? unquote(header.trim()) : "";
  if (/^[\x21-\x7e]+$/.test(id) && id.length <= LENGTH_MAX) return accept(id);
  return refuseField(
    "INVALID_ARGUMENT",
    HEADER,
    `must be one value of 1 to ${LENGTH_MAX} printable ASCII characters without spaces; a UUID is best`,
  );
}
