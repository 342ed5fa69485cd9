import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type TableColumns, tableColumns } from "../../src/db/columns.ts";
import { type Database, openDatabase } from "../../src/db/database.ts";
import type { NamedQuery } from "../../src/db/named-query.ts";
import { beginCreateStatement } from "../../src/db/statements/begin-create.ts";
import { beginOperationStatement } from "../../src/db/statements/begin-operation.ts";
import {
  bringWebhooksForwardStatement,
  claimWebhooksStatement,
  replayWebhookStatement,
  settleWebhookStatement,
  storeWebhookStatement,
} from "../../src/db/inbox.ts";
import {
  findCreditAccountStatement,
  listEntriesStatement,
  listOpenedStatement,
  loadTransfersStatement,
  openCreditAccountStatement,
} from "../../src/db/statements/credit-reads.ts";
import { grantCreditsStatement, transferCreditsStatement } from "../../src/db/statements/credit-transfer.ts";
import { findByReferenceStatement, findBySessionStatement } from "../../src/db/statements/find-payment.ts";
import { loadDisputesStatement, loadRefundsStatement } from "../../src/db/statements/load-known.ts";
import { loadPaymentStatement } from "../../src/db/statements/load-payment.ts";
import {
  listLateStatement,
  listWebhooksStatement,
  readHistoryStatement,
} from "../../src/db/statements/operator-reads.ts";
import { recordAnswerStatement } from "../../src/db/statements/record-answer.ts";
import {
  adoptPaymentStatement,
  listPaymentIdsStatement,
  loadOpenOperationsStatement,
  loadPaymentsStatement,
  recordRunStatement,
} from "../../src/db/statements/reconcile.ts";
import {
  bringForwardStatement,
  claimDueStatement,
  findExpiredStatement,
  claimUnsettledRefundsStatement,
  loadOperationStatement,
  markUnknownStatement,
} from "../../src/db/statements/recover.ts";
import { writeMovementStatement } from "../../src/db/statements/write-movement.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let testDatabase: TestDatabase;
let database: Database;
let columns: TableColumns;
before(async () => {
  testDatabase = await createTestDatabase();
  database = await openDatabase({
    url: testDatabase.url,
    poolMax: 2,
    statementTimeoutMs: 5_000,
    connectTimeoutMs: 5_000,
  });
  columns = tableColumns(database.orm);
});
after(async () => {
  await database.close();
  await testDatabase.drop();
});

const statements: Record<string, () => NamedQuery> = {
  "begin-create": () => beginCreateStatement(columns),
  "begin-operation": () => beginOperationStatement(columns),
  "write-movement": () => writeMovementStatement(columns),
  "load-payment": () => loadPaymentStatement(columns),
  "record-answer": () => recordAnswerStatement,
  "claim-due": () => claimDueStatement(columns),
  "mark-unknown": () => markUnknownStatement,
  "bring-forward": () => bringForwardStatement,
  "load-operation": () => loadOperationStatement(columns),
  "load-refunds": () => loadRefundsStatement(columns),
  "load-disputes": () => loadDisputesStatement(columns),
  "find-by-reference": () => findByReferenceStatement(columns),
  "find-by-session": () => findBySessionStatement(columns),
  "find-expired": () => findExpiredStatement(columns),
  "claim-unsettled-refunds": () => claimUnsettledRefundsStatement,
  "store-webhook": () => storeWebhookStatement(columns),
  "settle-webhook": () => settleWebhookStatement,
  "claim-webhooks": () => claimWebhooksStatement(columns),
  "bring-webhooks-forward": () => bringWebhooksForwardStatement,
  "replay-webhook": () => replayWebhookStatement,
  "list-payment-ids": () => listPaymentIdsStatement,
  "load-payments": () => loadPaymentsStatement(columns),
  "load-open-operations": () => loadOpenOperationsStatement(columns),
  "adopt-payment": () => adoptPaymentStatement(columns),
  "record-run": () => recordRunStatement(columns),
  "list-webhooks": () => listWebhooksStatement,
  "read-history": () => readHistoryStatement,
  "list-late": () => listLateStatement(columns),
  "find-credit-account": () => findCreditAccountStatement,
  "open-credit-account": () => openCreditAccountStatement,
  "load-credit-transfers": () => loadTransfersStatement(columns),
  "list-credit-opened": () => listOpenedStatement(columns),
  "list-credit-entries": () => listEntriesStatement,
  "transfer-credits": () => transferCreditsStatement(columns),
  "grant-credits": () => grantCreditsStatement(columns),
};

// A plan that is made while the tables are empty is kept for as long as the connection lives, and must still be good when they are full.
describe("planned on empty tables, a statement looks its rows up by index:", () => {
  for (const [name, statement] of Object.entries(statements)) {
    it(name, async () => {
      const { rows } = await database.pool.query(`explain (generic_plan, costs off) ${statement().text}`);
      const plan = rows.map((row: { "QUERY PLAN": string }) => row["QUERY PLAN"]);
      const scans = plan.filter((line) => /Seq Scan|Bitmap|Index (Only )?Scan/.test(line));
      for (const scan of scans) {
        assert.match(scan, /Index (Only )?Scan/, plan.join("\n"));
        assert.match(plan[plan.indexOf(scan) + 1] ?? "", /Index Cond/, plan.join("\n"));
      }
    });
  }
});
