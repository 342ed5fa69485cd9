// The consumer: a NestJS microservice that hears the payment service's events. In an application that is compiled the decorators stand where they are
// usually seen; here they are called as the functions that they are, so that node runs the file as it is.
//
// Nest's transport hears what is published while it is connected, and an event can come twice, so ids are remembered. A service that must miss nothing
// reads the stream PAYMENTS through a durable consumer instead, and remembers the ids in its own transaction.
import "reflect-metadata";
import { Controller, type INestMicroservice, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { EventPattern, type MicroserviceOptions, Transport } from "@nestjs/microservices";
import type { NatsAddress } from "./connection.ts";

export interface PaymentEvent {
  readonly eventId: string;
  readonly version: number;
  readonly orderId: string;
  readonly paymentId: string;
  readonly occurredAt: string;
  readonly amount: number;
  readonly currency: string;
  readonly paidAt?: string;
  readonly failureReason?: string;
  readonly refundId?: string;
}

type Hear = (subject: string, event: PaymentEvent) => void;

const SUBJECTS = ["payment.succeeded", "payment.failed", "payment.cancelled", "payment.refunded"] as const;
const SEEN_MAX = 10_000;

/** One handler for each subject, as `@EventPattern(subject)` on methods of a class with `@Controller()`. */
function createController(hear: Hear): new () => object {
  const seen = new Set<string>();
  class PaymentEvents {}
  for (const subject of SUBJECTS) {
    const descriptor: TypedPropertyDescriptor<(event: PaymentEvent) => void> = {
      value(event) {
        if (seen.has(event.eventId)) return;
        if (seen.size >= SEEN_MAX) seen.clear();
        seen.add(event.eventId);
        hear(subject, event);
      },
    };
    Object.defineProperty(PaymentEvents.prototype, subject, descriptor);
    EventPattern(subject)(PaymentEvents.prototype, subject, descriptor);
  }
  Controller()(PaymentEvents);
  return PaymentEvents;
}

/** Starts the microservice; `hear` gets each event once. */
export async function startConsumer(address: NatsAddress, hear: Hear): Promise<INestMicroservice> {
  class ShopModule {}
  Module({ controllers: [createController(hear)] })(ShopModule);
  const consumer = await NestFactory.createMicroservice<MicroserviceOptions>(ShopModule, {
    transport: Transport.NATS,
    // In a queue group, so that of several shops one hears each event.
    options: { ...address, queue: "shop" },
    logger: ["error", "warn"],
  });
  await consumer.listen();
  return consumer;
}
