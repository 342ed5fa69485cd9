// The tables of the credits; domain/credit.ts says what they hold.
import { defineEntity, type InferEntity, p } from "@mikro-orm/core";
import type { TransferEffect, TransferKind } from "../domain/credit.ts";

export const CreditAccountEntity = defineEntity({
  name: "CreditAccount",
  tableName: "credit_account",
  properties: {
    id: p.uuid().primary(),
    kind: p.text().$type<"CUSTOMER" | "ISSUED" | "HELD" | "SALES">(),
    customerId: p.text().nullable().unique("credit_account_of_customer"),
    // The sum of its entries.
    balance: p.bigint("bigint"),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
  checks: [
    { name: "credit_account_kind", expression: "kind in ('CUSTOMER', 'ISSUED', 'HELD', 'SALES')" },
    { name: "credit_account_owner", expression: "(kind = 'CUSTOMER') = (customer_id is not null)" },
    // Nobody pays with credits that they do not have, nor is more released or given back than is held or was paid.
    {
      name: "credit_account_balance",
      expression: "case kind when 'ISSUED' then balance <= 0 else balance >= 0 end",
    },
  ],
  uniques: [
    {
      name: "credit_account_of_house",
      expression: "create unique index credit_account_of_house on credit_account (kind) where kind <> 'CUSTOMER'",
    },
  ],
});

export const CreditTransferEntity = defineEntity({
  name: "CreditTransfer",
  tableName: "credit_transfer",
  properties: {
    id: p.uuid().primary(),
    kind: p.text().$type<TransferKind>(),
    effect: p.text().$type<TransferEffect>(),
    accountId: () => p.manyToOne(CreditAccountEntity).mapToPk().fieldName("account_id"),
    credits: p.bigint("bigint"),
    // Not a reference: to the credits, payments are of another system.
    paymentId: p.uuid().nullable(),
    sequence: p.integer().nullable(),
    orderId: p.text().nullable(),
    refundId: p.uuid().nullable(),
    reason: p.text().nullable(),
    createdAt: p.datetime(3),
  },
  checks: [
    {
      name: "credit_transfer_kind",
      expression: "kind in ('CREATE', 'CONFIRM', 'CAPTURE', 'CANCEL', 'REFUND', 'GRANT')",
    },
    {
      name: "credit_transfer_effect",
      expression: "effect in ('OPENED', 'DECLINED', 'HELD', 'CAPTURED', 'CANCELED', 'REFUNDED', 'GRANTED')",
    },
    { name: "credit_transfer_credits", expression: "credits > 0 or kind = 'CANCEL' and credits = 0" },
    {
      name: "credit_transfer_payment",
      expression: "(kind = 'GRANT') = (payment_id is null) and (payment_id is null) = (sequence is null)",
    },
    { name: "credit_transfer_refund", expression: "(kind = 'REFUND') = (refund_id is not null)" },
    {
      name: "credit_transfer_first",
      expression: "(kind = 'CREATE') = (order_id is not null) and (sequence = 1) = (kind = 'CREATE')",
    },
  ],
  indexes: [
    {
      name: "credit_transfer_opened",
      expression:
        "create index credit_transfer_opened on credit_transfer (created_at, payment_id) where kind = 'CREATE'",
    },
  ],
  uniques: [{ name: "credit_transfer_of_payment", properties: ["paymentId", "sequence"] }],
});

export const CreditEntryEntity = defineEntity({
  name: "CreditEntry",
  tableName: "credit_entry",
  properties: {
    transferId: () =>
      p
        .manyToOne(CreditTransferEntity)
        .mapToPk()
        .fieldName("transfer_id")
        .primary()
        .deleteRule("no action")
        .updateRule("no action"),
    accountId: () =>
      p
        .manyToOne(CreditAccountEntity)
        .mapToPk()
        .fieldName("account_id")
        .primary()
        .deleteRule("no action")
        .updateRule("no action"),
    // Below zero it took from the account, above zero it gave.
    credits: p.bigint("bigint"),
    // The account's, after it.
    balance: p.bigint("bigint"),
    // Grows within an account, since its entries are written under the account's lock.
    position: p.bigint("bigint").autoincrement().generated("identity"),
    createdAt: p.datetime(3),
  },
  checks: [{ name: "credit_entry_credits", expression: "credits <> 0" }],
  uniques: [{ name: "credit_entry_of_account", properties: ["accountId", "position"] }],
});

export type CreditTransferRecord = InferEntity<typeof CreditTransferEntity>;
