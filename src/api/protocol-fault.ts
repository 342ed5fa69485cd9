// What is wrong with a call before a handler sees it: bytes that are no message, a body that is too large, a deadline that has passed.
// Frameworks say it in words of their own, with snippets of the body, which may hold a card number; none of them is repeated here.
import type { DescMessage } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { type Outcome, type Refusal, refusal } from "../domain/error.ts";

/** The largest message that is read, also after decompression. */
export const MESSAGE_BYTES_MAX = 64 * 1024;
const RETRY_AFTER_MS = 1_000;

export interface ProtocolFault {
  readonly refusal: Refusal;
  readonly code: Code;
}

const UNKNOWN_KEY = /^cannot decode message ([\w.]+) from JSON: key "([A-Za-z_]\w{0,63})" is unknown$/;
const BAD_FIELD = /^cannot decode field ([\w.]+)\.(\w+) from JSON: /;
const BAD_ENUM = /^cannot decode enum ([\w.]+) from JSON: /;

function refuseBody(field: string, description: string): Refusal {
  const message = field ? `${field}: ${description}` : `The request ${description}.`;
  return refusal("INVALID_ARGUMENT", message, { metadata: { field }, violations: [{ field, description }] });
}

/** Refuses bytes from which no message could be read. `error` is what the parser of protobuf or of JSON threw. */
export function refuseMalformed(desc: DescMessage, error: unknown): Refusal {
  const text = error instanceof Error ? error.message : "";
  const [, owner, key] = UNKNOWN_KEY.exec(text) ?? [];
  if (key !== undefined) return refuseBody(key, `is not a field of ${owner}; remove it, or correct its name`);
  const [, message, field] = BAD_FIELD.exec(text) ?? [];
  if (field !== undefined)
    return refuseBody(field, `has a value that is not of its type in ${message}; see the contract`);
  const [, enumeration] = BAD_ENUM.exec(text) ?? [];
  if (enumeration !== undefined)
    return refuseBody("", `holds a name that ${enumeration} does not have; see the contract`);
  return refuseBody("", `is not a ${desc.typeName} in the format that its content type names`);
}

export function deadlineExceeded(outcome: Outcome): ProtocolFault {
  const message = "The deadline passed before there was an answer; repeat the call with the same request_id.";
  return {
    code: Code.DeadlineExceeded,
    refusal: refusal("SERVICE_UNAVAILABLE", message, { outcome, retryAfterMs: RETRY_AFTER_MS }),
  };
}

/** Says what a framework's own error means, or null where nobody is left to hear it. */
export function explainFrameworkError(code: Code, desc: DescMessage, cause: unknown): ProtocolFault | null {
  switch (code) {
    case Code.Canceled:
    case Code.Aborted:
      return null;
    case Code.DeadlineExceeded:
      return deadlineExceeded("UNKNOWN");
    case Code.Unimplemented:
      return {
        code,
        refusal: refuseBody("", "is compressed in a way that is not offered, or is not exactly one message"),
      };
    case Code.ResourceExhausted:
      return {
        code: Code.InvalidArgument,
        refusal: refuseBody("", `is larger than ${MESSAGE_BYTES_MAX} bytes; send less`),
      };
    case Code.Unknown:
    case Code.InvalidArgument:
    case Code.NotFound:
    case Code.AlreadyExists:
    case Code.PermissionDenied:
    case Code.FailedPrecondition:
    case Code.OutOfRange:
    case Code.Internal:
    case Code.Unavailable:
    case Code.DataLoss:
    case Code.Unauthenticated:
      return { code: Code.InvalidArgument, refusal: refuseMalformed(desc, cause) };
  }
}
