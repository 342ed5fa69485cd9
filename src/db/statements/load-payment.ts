// What a call needs to know before it decides: the payment, by its id or as the newest of its order, and what is known of the request.
import type { RequestKey } from "../../domain/operation.ts";
import type { PaymentKey } from "../../domain/query.ts";
import type { TableColumns } from "../columns.ts";
import type { NamedQuery } from "../named-query.ts";

export interface LoadPayment {
  readonly find: PaymentKey;
  /** Null for reads, which have no request id. */
  readonly request: RequestKey | null;
}

export function loadPaymentStatement(columns: TableColumns): NamedQuery {
  return {
    name: "load-payment",
    text: `
      select i.ordinal, q.fingerprint as "requestFingerprint", q.response as "requestResponse", ${columns.payment.select("p")}
      from json_to_recordset($1::json) as i (ordinal int, "paymentId" uuid, "orderId" text, principal text, "requestId" text)
      left join request q on q.principal = i.principal and q.request_id = i."requestId"
      left join lateral (
        select * from payment where id = i."paymentId"
        union all
        (select * from payment where order_id = i."orderId" order by live desc, id desc limit 1)
      ) p on true`,
  };
}

export function loadPaymentRow(input: LoadPayment, ordinal: number): unknown {
  return { ordinal, ...input.find, ...input.request };
}
