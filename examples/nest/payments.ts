// The caller: a NestJS service that asks the payment service over NATS. Its ClientProxy is the one that any Nest application injects.
//
// PAYMENT_TOKEN is sent as the bearer token, where the payment service asks for one (AUTH_MODE=jwt).
import { type ClientProxy, ClientProxyFactory, NatsRecordBuilder, Transport } from "@nestjs/microservices";
import { headers } from "nats";
import { firstValueFrom, timeout } from "rxjs";
import type { NatsAddress } from "./connection.ts";

const TIMEOUT_MS = 10_000;

export interface Session {
  readonly paymentSessionId: string;
  readonly paymentUrl: string;
  readonly expiresAt: string;
}

export interface Completed {
  readonly orderId: string;
  readonly paymentId: string;
  readonly status: string;
  readonly amount: number;
  readonly currency: string;
}

export interface Refunded extends Completed {
  readonly refundId: string;
}

/** What a refused call throws, as Nest's RpcException arrives. */
export interface PaymentRefusal {
  readonly status: "error";
  readonly statusCode: number;
  readonly message: string;
  readonly reason: string;
  /** Whether money moved. */
  readonly outcome: "NOT_ATTEMPTED" | "DECLINED" | "UNKNOWN" | "APPLIED";
}

export class Payments {
  readonly #client: ClientProxy;

  constructor(address: NatsAddress) {
    this.#client = ClientProxyFactory.create({ transport: Transport.NATS, options: { ...address } });
  }

  /** With an idempotency key a call may be repeated: it takes effect once, and every copy gets the same answer. */
  createSession(order: object, idempotencyKey: string): Promise<Session> {
    return this.#send("create.payment.session", order, idempotencyKey);
  }

  complete(orderId: string, idempotencyKey: string, paymentMethod?: string): Promise<Completed> {
    return this.#send("complete.payment", { orderId, paymentMethod }, idempotencyKey);
  }

  refund(orderId: string, amount: number, idempotencyKey: string): Promise<Refunded> {
    const request = { orderId, amount, reason: "requested_by_customer" };
    return this.#send("process.refund.by.order", request, idempotencyKey);
  }

  /** A command: nobody waits for what becomes of it. Its event tells. */
  async queueRefund(orderId: string, amount: number, requestId: string): Promise<void> {
    await firstValueFrom(this.#client.emit("process.refund.by.order", this.#record({ orderId, amount }, requestId)), {
      defaultValue: undefined,
    });
  }

  close(): Promise<void> {
    return this.#client.close() as Promise<void>;
  }

  #record(data: object, idempotencyKey: string) {
    const fields = headers();
    fields.set("Idempotency-Key", idempotencyKey);
    const token = process.env["PAYMENT_TOKEN"];
    if (token) fields.set("Authorization", `Bearer ${token}`);
    return new NatsRecordBuilder(data).setHeaders(fields).build();
  }

  #send<T>(pattern: string, data: object, idempotencyKey: string): Promise<T> {
    return firstValueFrom(this.#client.send<T>(pattern, this.#record(data, idempotencyKey)).pipe(timeout(TIMEOUT_MS)));
  }
}
