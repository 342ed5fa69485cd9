// What facts may speak of besides the payment: its refunds and its disputes. Read after the payment, so that a write in between makes the payment
// stale, and the decision is made anew.
import type { TableColumns } from "../columns.ts";
import type { NamedQuery } from "../named-query.ts";

export function loadRefundsStatement(columns: TableColumns): NamedQuery {
  return {
    name: "load-refunds",
    text: `
      select ${columns.refund.select("r")}
      from json_to_recordset($1::json) as i ("paymentId" uuid) join refund r on r.payment_id = i."paymentId" order by r.id`,
  };
}

export function loadDisputesStatement(columns: TableColumns): NamedQuery {
  return {
    name: "load-disputes",
    text: `
      select ${columns.dispute.select("d")}
      from json_to_recordset($1::json) as i ("paymentId" uuid) join dispute d on d.payment_id = i."paymentId" order by d.id`,
  };
}
