// The two formats of a message, told apart by shape. Plain: the payload is the JSON object itself. Nest: the payload is the `data` of a packet with a
// `pattern`, and with an `id` when an answer is awaited (NestJS microservices, transport NATS). An answer has the format of its question.
import { accept, type Refusal, type Result, refuse } from "../../domain/error.ts";
import { renameField } from "../json/canonical-words.ts";
import type { Fields } from "../json/fields.ts";
import { JsonNumber, type JsonObject, type JsonValue, parseJson } from "../json/json-body.ts";
import { renameFields } from "../json/rename-fields.ts";
import { STATUSES } from "../json/statuses.ts";

/** What every HTTP door takes as well. */
const MESSAGE_BYTES_MAX = 64 * 1_024;
const TEXT_LENGTH_MAX = 1_024;
const VIOLATIONS_MAX = 16;
/** A client makes its ids of a few dozen characters. */
const PACKET_ID_LENGTH_MAX = 255;

export type Format = { readonly name: "plain" } | { readonly name: "nest"; readonly id: string | undefined };

export interface Packet {
  readonly format: Format;
  readonly payload: Result<Fields>;
}

const PLAIN: Format = { name: "plain" };

const decoder = new TextDecoder("utf-8", { fatal: true });

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
}

function decode(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** Reads a message's JSON, its numbers as they were written, within the bound. */
export function readJsonBytes(bytes: Uint8Array): Result<JsonValue | undefined> {
  if (bytes.length > MESSAGE_BYTES_MAX) {
    return refuse("INVALID_ARGUMENT", `the message has ${bytes.length} bytes; at most ${MESSAGE_BYTES_MAX} are read`, {
      metadata: { bytes: String(bytes.length), bytesMax: String(MESSAGE_BYTES_MAX) },
    });
  }
  const text = decode(bytes);
  return text === null ? refuse("INVALID_ARGUMENT", "the message is not UTF-8; send JSON in UTF-8") : parseJson(text);
}

function readPayload(value: JsonValue | undefined, name: string): Result<Fields> {
  if (isJsonObject(value)) return accept({ values: value, path: "" });
  return refuse("INVALID_ARGUMENT", `the ${name} must be a JSON object, with the fields of the subject's payload`);
}

/** A text, or a number as it was written; whatever else a packet has there answers to nobody. */
function readPacketId(id: JsonValue | undefined): string | undefined {
  const text = id instanceof JsonNumber ? id.text : id;
  return typeof text === "string" && text.length <= PACKET_ID_LENGTH_MAX ? text : undefined;
}

function readNest(packet: JsonObject, subject: string): Packet {
  const format: Format = { name: "nest", id: readPacketId(packet["id"]) };
  if (packet["pattern"] === subject) return { format, payload: readPayload(packet["data"], "data") };
  const payload = refuse("INVALID_ARGUMENT", `pattern: is not the subject that the packet came by; send "${subject}"`, {
    metadata: { field: "pattern", subject },
    violations: [{ field: "pattern", description: `is not the subject that the packet came by; send "${subject}"` }],
  });
  return { format, payload };
}

/** Reads any bytes. What cannot be read far enough to tell its format is taken for plain. */
export function readPacket(bytes: Uint8Array, subject: string): Packet {
  const json = readJsonBytes(bytes);
  if (!json.ok) return { format: PLAIN, payload: json };
  const { value } = json;
  if (isJsonObject(value) && Object.hasOwn(value, "pattern")) return readNest(value, subject);
  return { format: PLAIN, payload: readPayload(value, "message") };
}

/** In the payload's own names, and within bounds, whatever the caller sent. */
function describeRefusal(refusal: Refusal) {
  const { message, reason, outcome, metadata, violations, retryAfterMs } = renameFields(refusal, renameField);
  return {
    message: message.slice(0, TEXT_LENGTH_MAX).toWellFormed(),
    reason,
    outcome,
    metadata,
    violations: violations.slice(0, VIOLATIONS_MAX),
    ...(retryAfterMs !== null && { retryAfterMs }),
  };
}

/** Writes an answer in the format of its question. */
export function printAnswer(format: Format, answer: Result<object>): string {
  if (format.name === "plain") {
    if (answer.ok) return JSON.stringify(answer.value);
    const { message, reason, outcome, ...rest } = describeRefusal(answer.error);
    return JSON.stringify({ error: { status: STATUSES[reason], message, reason, outcome, ...rest } });
  }
  const { id } = format;
  if (answer.ok) return JSON.stringify({ response: answer.value, isDisposed: true, id });
  const error = describeRefusal(answer.error);
  // As Nest's own RpcException arrives, and more.
  return JSON.stringify({
    err: { status: "error", statusCode: STATUSES[error.reason], ...error },
    isDisposed: true,
    id,
  });
}
