// Ordinary reads, through the entities.
import type { FilterQuery, MikroORM } from "@mikro-orm/postgresql";
import type { EventId, PaymentId } from "../domain/ids.ts";
import type { EventType } from "../domain/event.ts";
import type { Payment, PaymentStatus } from "../domain/payment.ts";
import type { PaymentFilter, PaymentWithHistory } from "../domain/query.ts";
import { DisputeEntity, EventEntity, PaymentEntity, type PaymentRecord, RefundEntity } from "./entities.ts";
import { translateDatabaseError } from "./named-query.ts";
import { disputeFromRecord, paymentFromRecord, refundFromRecord } from "./records.ts";

export interface Reads {
  findPayment(id: PaymentId): Promise<PaymentWithHistory | null>;
  /** Newest first, those after `after` where it is given. */
  listPayments(
    filter: PaymentFilter,
    page: { readonly after: PaymentId | null; readonly limit: number },
  ): Promise<Payment[]>;
}

/** More changes than any payment has: attempts and refunds are bounded far below. */
const HISTORY_MAX = 1_000;

function conditions(filter: PaymentFilter, after: PaymentId | null): FilterQuery<PaymentRecord> {
  return {
    ...(filter.orderId && { orderId: filter.orderId }),
    ...(filter.customerId && { customerId: filter.customerId }),
    ...(filter.statuses.length > 0 && { status: { $in: [...filter.statuses] } }),
    ...((filter.createdFrom || filter.createdTo) && {
      createdAt: {
        ...(filter.createdFrom && { $gte: filter.createdFrom }),
        ...(filter.createdTo && { $lt: filter.createdTo }),
      },
    }),
    ...(after && { id: { $lt: after } }),
  };
}

async function reading<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    // A read changes nothing, so to its caller it makes no difference how far it came.
    throw translateDatabaseError(error, "severity" in (error as object));
  }
}

export function createReads(orm: MikroORM): Reads {
  const options = { disableIdentityMap: true } as const;
  return {
    findPayment: (id) =>
      reading(async () => {
        const em = orm.em.fork();
        const record = await em.findOne(PaymentEntity, { id }, options);
        if (!record) return null;
        const oldestFirst = { ...options, orderBy: { id: "asc" as const }, limit: HISTORY_MAX };
        const [refunds, disputes, events] = await Promise.all([
          em.find(RefundEntity, { paymentId: id }, oldestFirst),
          em.find(DisputeEntity, { paymentId: id }, oldestFirst),
          em.find(EventEntity, { paymentId: id }, { ...options, orderBy: { version: "asc" }, limit: HISTORY_MAX }),
        ]);
        return {
          payment: paymentFromRecord(record),
          refunds: refunds.map(refundFromRecord),
          disputes: disputes.map(disputeFromRecord),
          events: events.map((event) => ({
            ...event,
            id: event.id as EventId,
            paymentId: id,
            type: event.type as EventType,
            status: event.status as PaymentStatus,
          })),
        };
      }),
    listPayments: (filter, { after, limit }) =>
      reading(async () => {
        const records = await orm.em
          .fork()
          .find(PaymentEntity, conditions(filter, after), { ...options, orderBy: { id: "desc" }, limit });
        return records.map(paymentFromRecord);
      }),
  };
}
