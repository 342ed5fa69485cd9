// What the headers of a message say: who calls, under which request id, and how long the caller waits.
import { Match, type Msg } from "@nats-io/transport-node";
import { accept, type Result, refuseField } from "../../domain/error.ts";
import { type Fields, readTextOrNull } from "../json/fields.ts";
import { parseRequestId } from "../json/request-id.ts";

const TIMEOUT_HEADER = "timeout-ms";
const TIMEOUT_MAX_MS = 300_000;

/** Header names are compared without regard to case, since clients write them as they like. */
function valuesOf(msg: Pick<Msg, "headers">, name: string): string[] {
  return msg.headers?.values(name, Match.IgnoreCase) ?? [];
}

/** As HTTP joins a repeated header: two of them are none that anybody accepts. */
export function readAuthorization(msg: Pick<Msg, "headers">): string | null {
  const values = valuesOf(msg, "authorization");
  return values.length > 0 ? values.join(", ") : null;
}

/** The header Idempotency-Key, or the payload's `requestId`; for a command that nobody waits for also Nats-Msg-Id, since it may come again. */
export function readRequestId(msg: Pick<Msg, "headers">, fields: Fields, isAwaited: boolean): Result<string> {
  const keys = valuesOf(msg, "idempotency-key");
  if (keys.length > 0) return parseRequestId(keys.length === 1 ? keys[0] : keys);
  const inPayload = readTextOrNull(fields, "requestId");
  if (!inPayload.ok || inPayload.value !== null) return inPayload as Result<string>;
  const [messageId] = isAwaited ? [] : valuesOf(msg, "nats-msg-id");
  return messageId === undefined ? accept("") : parseRequestId(messageId);
}

/** How long the caller waits; null where it does not say. */
export function readTimeout(msg: Pick<Msg, "headers">): Result<number | null> {
  const [text] = valuesOf(msg, TIMEOUT_HEADER);
  if (text === undefined) return accept(null);
  const timeoutMs = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (timeoutMs > 0 && timeoutMs <= TIMEOUT_MAX_MS) return accept(timeoutMs);
  return refuseField(
    "INVALID_ARGUMENT",
    TIMEOUT_HEADER,
    `must be how long you wait, a whole number of milliseconds from 1 to ${TIMEOUT_MAX_MS}`,
  );
}

/** The trace that the message belongs to (W3C), as it was sent. */
export function readTraceparent(msg: Pick<Msg, "headers">): string | null {
  return valuesOf(msg, "traceparent")[0] ?? null;
}
