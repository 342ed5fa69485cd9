// Refusals as they leave: one translation to a code and google.rpc details, and its two encodings, for Connect and for grpc-js.
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorToJson } from "@connectrpc/connect/protocol-connect";
import { Metadata, type StatusObject } from "@grpc/grpc-js";
import type { Reason, Refusal } from "../domain/error.ts";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";

const DOMAIN = "payment.v1";
/** Errors travel in headers, which have a limit of 16 KiB at most peers. */
const MESSAGE_LENGTH_MAX = 1_024;
const VIOLATIONS_MAX = 16;
const STATUS_DETAILS = "grpc-status-details-bin";

/** The table of proto/payment/v1/error.proto. Connect and gRPC number their codes alike. */
const CODES = {
  INVALID_ARGUMENT: Code.InvalidArgument,
  INVALID_AMOUNT: Code.InvalidArgument,
  UNSUPPORTED_CURRENCY: Code.InvalidArgument,
  INVALID_URL: Code.InvalidArgument,
  UNAUTHENTICATED: Code.Unauthenticated,
  PERMISSION_DENIED: Code.PermissionDenied,
  PAYMENT_NOT_FOUND: Code.NotFound,
  ORDER_NOT_FOUND: Code.NotFound,
  WEBHOOK_EVENT_NOT_FOUND: Code.NotFound,
  CREDIT_ACCOUNT_NOT_FOUND: Code.NotFound,
  REQUEST_ID_REUSED: Code.FailedPrecondition,
  REQUEST_IN_FLIGHT: Code.Aborted,
  ORDER_HAS_OPEN_PAYMENT: Code.FailedPrecondition,
  PAYMENT_ALREADY_COMPLETED: Code.FailedPrecondition,
  DUPLICATE_TRANSACTION: Code.FailedPrecondition,
  PAYMENT_NOT_CANCELABLE: Code.FailedPrecondition,
  PAYMENT_NOT_PAID: Code.FailedPrecondition,
  ORDER_NOT_PAYABLE: Code.FailedPrecondition,
  REFUND_EXCEEDS_CAPTURED: Code.FailedPrecondition,
  REFUND_NOT_ALLOWED: Code.FailedPrecondition,
  CARD_DECLINED: Code.FailedPrecondition,
  INSUFFICIENT_FUNDS: Code.FailedPrecondition,
  CARD_EXPIRED: Code.FailedPrecondition,
  INVALID_CARD: Code.FailedPrecondition,
  AUTHENTICATION_REQUIRED: Code.FailedPrecondition,
  PROCESSING_ERROR: Code.FailedPrecondition,
  PROVIDER_ERROR: Code.Unavailable,
  PROVIDER_OUTCOME_UNKNOWN: Code.Unavailable,
  RATE_LIMITED: Code.ResourceExhausted,
  INTERNAL: Code.Internal,
  SERVICE_UNAVAILABLE: Code.Unavailable,
} as const satisfies Record<Reason, Code>;

interface Detail {
  readonly desc: DescMessage;
  readonly value: MessageInitShape<DescMessage>;
}

interface WireError {
  readonly code: Code;
  readonly message: string;
  readonly details: Detail[];
}

function detail<D extends DescMessage>(desc: D, value: MessageInitShape<D>): Detail {
  return { desc, value: create(desc, value) };
}

/** `code` is given where a protocol asks for another one than the reason's own. */
function describe(refusal: Refusal, code: Code = CODES[refusal.reason]): WireError {
  const { reason, outcome, retryAfterMs } = refusal;
  const details = [detail(ErrorInfoSchema, { domain: DOMAIN, reason, metadata: { ...refusal.metadata, outcome } })];
  if (refusal.violations.length > 0) {
    details.push(
      detail(BadRequestSchema, {
        fieldViolations: refusal.violations.slice(0, VIOLATIONS_MAX).map((each) => ({ ...each })),
      }),
    );
  }
  if (retryAfterMs !== null) details.push(detail(RetryInfoSchema, { retryDelay: durationFromMs(retryAfterMs) }));
  // Half of a surrogate pair would make the frameworks throw when they write the message.
  return { code, message: refusal.message.slice(0, MESSAGE_LENGTH_MAX).toWellFormed(), details };
}

/** The error to throw from a handler of Connect. */
export function toConnectError(refusal: Refusal, code?: Code): ConnectError {
  const error = describe(refusal, code);
  return new ConnectError(error.message, error.code, undefined, error.details);
}

/** The error as Connect writes it in a JSON body. */
export function toErrorJson(refusal: Refusal, code?: Code): string {
  return JSON.stringify(errorToJson(toConnectError(refusal, code), {}));
}

/** Turns an error of Connect's own making, which has no details, into the refusal. */
export function rewriteConnectError(error: ConnectError, refusal: Refusal, code?: Code): void {
  const { message, rawMessage, details, code: newCode } = toConnectError(refusal, code);
  Object.assign(error, { message, rawMessage, details, code: newCode });
}

/** An error that a framework made while it read or wrote a call; ours have details already. */
export function isBareConnectError(error: unknown): error is ConnectError {
  return error instanceof ConnectError && error.details.length === 0;
}

/** The status with which grpc-js ends a call. */
export function toGrpcStatus(refusal: Refusal, code?: Code): StatusObject {
  const error = describe(refusal, code);
  const status = create(StatusSchema, {
    code: error.code,
    message: error.message,
    details: error.details.map(({ desc, value }) => anyPack(desc, create(desc, value))),
  });
  const metadata = new Metadata();
  metadata.set(STATUS_DETAILS, Buffer.from(toBinary(StatusSchema, status)));
  return { code: Number(error.code), details: error.message, metadata };
}

/** The trailers of a gRPC call that never reached a handler. */
export function toGrpcTrailers(refusal: Refusal, code?: Code): Record<string, string> {
  const status = toGrpcStatus(refusal, code);
  const [details] = status.metadata.get(STATUS_DETAILS);
  return {
    "grpc-status": String(status.code),
    "grpc-message": encodeURI(status.details),
    [STATUS_DETAILS]: Buffer.from(details ?? "").toString("base64"),
  };
}
