// Refusals: the answers that say no. They are values, never thrown, and each says whether money moved.

/** Whether money moved. `UNKNOWN` means that the service is still finding out. */
export type Outcome = "NOT_ATTEMPTED" | "DECLINED" | "UNKNOWN" | "APPLIED";

/** Why a call was refused; the contract (proto/payment/v1/error.proto) says what each one means. */
export const REASONS = {
  INVALID_ARGUMENT: "NOT_ATTEMPTED",
  INVALID_AMOUNT: "NOT_ATTEMPTED",
  UNSUPPORTED_CURRENCY: "NOT_ATTEMPTED",
  INVALID_URL: "NOT_ATTEMPTED",
  UNAUTHENTICATED: "NOT_ATTEMPTED",
  PERMISSION_DENIED: "NOT_ATTEMPTED",
  PAYMENT_NOT_FOUND: "NOT_ATTEMPTED",
  ORDER_NOT_FOUND: "NOT_ATTEMPTED",
  WEBHOOK_EVENT_NOT_FOUND: "NOT_ATTEMPTED",
  CREDIT_ACCOUNT_NOT_FOUND: "NOT_ATTEMPTED",
  REQUEST_ID_REUSED: "NOT_ATTEMPTED",
  REQUEST_IN_FLIGHT: "UNKNOWN",
  ORDER_HAS_OPEN_PAYMENT: "NOT_ATTEMPTED",
  PAYMENT_ALREADY_COMPLETED: "NOT_ATTEMPTED",
  DUPLICATE_TRANSACTION: "NOT_ATTEMPTED",
  PAYMENT_NOT_CANCELABLE: "NOT_ATTEMPTED",
  PAYMENT_NOT_PAID: "NOT_ATTEMPTED",
  ORDER_NOT_PAYABLE: "NOT_ATTEMPTED",
  REFUND_EXCEEDS_CAPTURED: "NOT_ATTEMPTED",
  REFUND_NOT_ALLOWED: "NOT_ATTEMPTED",
  CARD_DECLINED: "DECLINED",
  INSUFFICIENT_FUNDS: "DECLINED",
  CARD_EXPIRED: "DECLINED",
  INVALID_CARD: "DECLINED",
  AUTHENTICATION_REQUIRED: "DECLINED",
  PROCESSING_ERROR: "DECLINED",
  PROVIDER_ERROR: "NOT_ATTEMPTED",
  PROVIDER_OUTCOME_UNKNOWN: "UNKNOWN",
  RATE_LIMITED: "NOT_ATTEMPTED",
  INTERNAL: "UNKNOWN",
  SERVICE_UNAVAILABLE: "UNKNOWN",
} as const satisfies Record<string, Outcome>;

export type Reason = keyof typeof REASONS;

/** A field that is not as the contract says: its path in the request, what is wrong with its value, and the remedy. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

export interface Refusal {
  readonly reason: Reason;
  /** A sentence for the caller's engineers; every dynamic value in it is in `metadata` as well (AIP-193). */
  readonly message: string;
  readonly outcome: Outcome;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  /** When a retry can help, in milliseconds from now; null where it cannot. */
  readonly retryAfterMs: number | null;
}

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Refusal };

interface RefusalDetails {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly FieldViolation[];
  readonly retryAfterMs?: number;
  /** Where it differs from what the reason says by itself. */
  readonly outcome?: Outcome;
}

export function refusal(reason: Reason, message: string, details: RefusalDetails = {}): Refusal {
  return {
    reason,
    message,
    outcome: details.outcome ?? REASONS[reason],
    metadata: details.metadata ?? {},
    violations: details.violations ?? [],
    retryAfterMs: details.retryAfterMs ?? null,
  };
}

export function refuse(reason: Reason, message: string, details: RefusalDetails = {}): { ok: false; error: Refusal } {
  return { ok: false, error: refusal(reason, message, details) };
}

/** Refuses one field of a request: the sentence names the field, what is wrong with it, and the remedy. */
export function refuseField(reason: Reason, field: string, description: string): { ok: false; error: Refusal } {
  return refuse(reason, `${field}: ${description}`, { metadata: { field }, violations: [{ field, description }] });
}

export function accept<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

/** The end of a switch over a closed union: the compiler proves that it is never reached. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`);
}
