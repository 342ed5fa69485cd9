// The doors through which a refund can be asked for, behind one face: every protocol of the contract, REST and NATS. What a door answers is read in its own words,
// and told in one way, so that answers of different doors can be held against each other.
import type { TestContext } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import type { NatsConnection } from "@nats-io/transport-node";
import { PaymentService } from "../../../gen/payment/v1/payment_service_pb.ts";
import { type Client, createClients, type Outcome } from "../../support/clients.ts";
import type { ServiceProcess } from "../../support/service-process.ts";
import type { Verdict } from "../frame/record.ts";

const { refundPayment } = PaymentService.method;
const CALL_TIMEOUT_MS = 5_000;
const REASON = "customer_request";
/** They ask for another try with the same request id. */
const PASSING = new Set(["REQUEST_IN_FLIGHT", "PROVIDER_ERROR", "PROVIDER_OUTCOME_UNKNOWN", "SERVICE_UNAVAILABLE"]);

export interface Ask {
  readonly orderId: string;
  readonly requestId: string;
  readonly currency: Currency;
  /** In minor units; null asks for all that is left. */
  readonly minor: bigint | null;
}

/** Currencies by their digits after the point. */
export const DIGITS = { EUR: 2, JPY: 0, KWD: 3 } as const;
export type Currency = keyof typeof DIGITS;

/** What every door says of one answer. */
export type Said =
  | { readonly given: string; readonly minor: bigint; readonly status: string }
  /** `left`: what could still be given back at that moment, where the door tells it. */
  | { readonly refused: string; readonly outcome: string; readonly left: bigint | null };

export type Reply =
  /** `told` is the whole answer, for doors of one family to agree on; `verdict` is what a client of the contract records. */
  { readonly said: Said; readonly told: string; readonly verdict: Verdict | null } | { readonly comeBack: string };

export interface Door {
  readonly name: string;
  /** Doors of one family give the same answer word for word. */
  readonly family: "contract" | "document";
  ask(ask: Ask): Promise<Reply>;
}

interface Refusal {
  readonly reason: string;
  readonly outcome: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

function sayRefusal({ reason, outcome, metadata }: Refusal): Said {
  const left = metadata?.["refundableMinor"];
  return { refused: reason, outcome, left: left === undefined ? null : BigInt(left) };
}

/** An answer of the contract's own protocols. */
function readContract({ answer, error }: Outcome): Reply {
  if (error) {
    const info = error.details.find(([type]) => type === "ErrorInfo")?.[1] as
      | { readonly reason: string; readonly metadata: Readonly<Record<string, string>> }
      | undefined;
    // Without an ErrorInfo the error is the transport's: the service said nothing.
    if (!info || PASSING.has(info.reason)) return { comeBack: `${error.code} ${info?.reason ?? error.message}` };
    const said = sayRefusal({ ...info, outcome: info.metadata["outcome"] ?? "" });
    return { said, told: JSON.stringify(error), verdict: { kind: "fail", error } };
  }
  const refund = (answer as JsonObject)["refund"] as {
    readonly refundId: string;
    readonly amount: { readonly minor: string };
    readonly status: string;
  };
  const status = refund.status.replace("REFUND_STATUS_", "");
  return {
    said: { given: refund.refundId, minor: BigInt(refund.amount.minor), status },
    told: JSON.stringify(answer),
    verdict: { kind: "ok", answer: answer as JsonObject },
  };
}

function contractDoor(client: Client): Door {
  return {
    name: client.name,
    family: "contract",
    async ask({ orderId, requestId, currency, minor }) {
      const payment = { case: "orderId", value: orderId } as const;
      const amount = minor === null ? {} : { amount: { currency, minor } };
      const request = { payment, ...amount, reason: REASON, requestId };
      return readContract(await client.call(refundPayment, request, CALL_TIMEOUT_MS));
    },
  };
}

/** `1999` of a currency with two digits is `19.99`. */
function printMajor(minor: bigint, currency: Currency): string {
  const digits = DIGITS[currency];
  const text = minor.toString().padStart(digits + 1, "0");
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** The body that REST and NATS share; the currency is the payment's own. */
function printBody({ orderId, currency, minor }: Ask, more: object): string {
  const amount = minor === null ? {} : { amount: JSON.rawJSON(printMajor(minor, currency)) };
  return JSON.stringify({ orderId, ...amount, reason: REASON, ...more });
}

type DocumentAnswer = { readonly refundId: string; readonly amount: string; readonly status: string };

/** An amount is kept as it was written. */
function parseDocument(text: string): unknown {
  return JSON.parse(text, (key, value, { source }) => (key === "amount" ? source : value));
}

function readRefused(refusal: Refusal, text: string): Reply {
  if (PASSING.has(refusal.reason)) return { comeBack: refusal.reason };
  return { said: sayRefusal(refusal), told: text, verdict: null };
}

/** Amounts are written with all digits of their currency. */
function readGiven({ refundId, amount, status }: DocumentAnswer, text: string): Reply {
  const said = { given: refundId, minor: BigInt(amount.replace(".", "")), status: status.toUpperCase() };
  return { said, told: text, verdict: null };
}

function restDoor(service: ServiceProcess): Door {
  return {
    name: "REST",
    family: "document",
    async ask(ask) {
      try {
        const response = await fetch(`http://127.0.0.1:${service.http.port}/v1/payments/refund/order`, {
          method: "POST",
          headers: { "content-type": "application/json", "idempotency-key": ask.requestId },
          body: printBody(ask, {}),
          signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
        });
        const text = await response.text();
        if (response.ok) return readGiven(parseDocument(text) as DocumentAnswer, text);
        // NATS has the refusal in a field and with a status: what both tell is compared.
        const refusal = JSON.parse(text) as Refusal;
        return readRefused(refusal, JSON.stringify([refusal.reason, refusal.outcome, refusal.metadata]));
      } catch (error) {
        return { comeBack: String(error) };
      }
    },
  };
}

function natsDoor(connection: NatsConnection): Door {
  return {
    name: "NATS",
    family: "document",
    async ask(ask) {
      try {
        const body = printBody(ask, { requestId: ask.requestId });
        const reply = await connection.request("process.refund.by.order", body, { timeout: CALL_TIMEOUT_MS });
        const text = reply.string();
        const answer = parseDocument(text) as DocumentAnswer & { readonly error?: Refusal };
        if (!answer.error) return readGiven(answer, text);
        const { reason, outcome, metadata } = answer.error;
        return readRefused(answer.error, JSON.stringify([reason, outcome, metadata]));
      } catch (error) {
        return { comeBack: String(error) };
      }
    },
  };
}

/** All doors of a service. */
export async function openDoors(t: TestContext, service: ServiceProcess): Promise<Door[]> {
  const connection = await service.connectNats();
  t.after(() => connection.close());
  const contract = createClients(t, service).map(contractDoor);
  // As many of each family, so that they meet in most requests.
  const documents = [restDoor(service), natsDoor(connection)];
  return [...contract, ...documents, ...documents, ...documents];
}
