// The books of the credits. Everything that moves credits is one statement, one transaction and one round trip, shared by the calls that come at the
// same time; two calls on one account or one payment never share one, so that the second sees what the first did.
import { randomUUID } from "node:crypto";
import type { CreditEntry, Leg, OpenedPlace, Transfer, TransferEffect, TransferId } from "../domain/credit.ts";
import { type CreditAccountId, mintId, type PaymentId } from "../domain/ids.ts";
import type { RequestKey } from "../domain/operation.ts";
import { batched } from "./batch.ts";
import { type TableColumns, tableColumns } from "./columns.ts";
import type { CreditTransferRecord } from "./credit-entities.ts";
import type { Database } from "./database.ts";
import { runNamed } from "./named-query.ts";
import * as reads from "./statements/credit-reads.ts";
import { grantCreditsStatement, legRows, transferCreditsStatement, transferRow } from "./statements/credit-transfer.ts";

export interface Grant {
  readonly request: RequestKey;
  readonly fingerprint: string;
  readonly transfer: Transfer;
  readonly legs: readonly Leg[];
  /** What is kept as the answer, beside the balance. */
  readonly answer: unknown;
}

/** What is kept of a request that grants: `response` has the answer as `grant` and the `balance`, when a grant wrote it. */
export interface KeptGrant {
  readonly fingerprint: string;
  readonly response: unknown;
  /** False where an earlier call wrote it. */
  readonly granted: boolean;
}

export interface Credits {
  /** The account of a customer, which is opened when there is none. */
  openAccount(customerId: string): Promise<CreditAccountId>;
  /** Zero where there is no account. */
  balanceOf(customerId: string): Promise<bigint>;
  /** Newest first, those before `after` where it is given. */
  listEntries(
    customerId: string,
    page: { readonly after: bigint | null; readonly limit: number },
  ): Promise<CreditEntry[]>;
  grant(grant: Grant): Promise<KeptGrant>;
  /** The transfers of some payments, in their order. */
  loadTransfers(paymentIds: readonly PaymentId[]): Promise<Transfer[]>;
  /**
   * Writes a transfer, its entries and the new balances, all or nothing. Where the customer has too few credits it is written as DECLINED and moves
   * nothing. `moved`: there is such a transfer, or the payment has another of this sequence; nothing was written.
   */
  transfer(transfer: Transfer, legs: readonly Leg[]): Promise<TransferEffect | "moved">;
  /** The payments that were opened within a span of time, oldest first, those after `after` where it is given. */
  listOpened(
    range: { readonly from: Date; readonly to: Date },
    page: { readonly after: OpenedPlace | null; readonly limit: number },
  ): Promise<Transfer[]>;
}

/** Transfers of one set, and sets under way, at most. They all lock an account of the house, so more sets would only wait for each other. */
const SETS = { sizeMax: 32, concurrencyMax: 2 };
/** Times that a grant, or the opening of an account, meets another call that is just writing the same and is looked at again. */
const LOOKS_MAX = 5;
const POSITION_MAX = 2n ** 63n - 1n;
const ID_FLOOR = "00000000-0000-0000-0000-000000000000";

interface Wanted {
  readonly transfer: Transfer;
  readonly legs: readonly Leg[];
}

function fromRecord(record: CreditTransferRecord): Transfer {
  // The entity types its ids as text; the rows were written from a Transfer.
  return record as Transfer;
}

/** Throws when credits would be made of nothing, or lost: a fault of ours, that nothing may be written of. */
function assertBalanced(legs: readonly Leg[]): void {
  const total = legs.reduce((sum, { credits }) => sum + credits, 0n);
  if (total !== 0n) throw new Error(`the legs of a transfer sum to ${total}`);
}

function createTransfer(database: Database, columns: TableColumns): Credits["transfer"] {
  const statement = transferCreditsStatement(columns);
  const run = batched<Wanted, TransferEffect | "moved">(
    async (set) => {
      const rows = await runNamed<{ id: TransferId; effect: TransferEffect }>(
        database.pool,
        statement,
        set.map(({ transfer, legs }) => ({ id: transfer.id, transfer: transferRow(transfer), legs: legRows(legs) })),
      );
      const effects = new Map(rows.map(({ id, effect }) => [id, effect]));
      return set.map(({ transfer }) => effects.get(transfer.id) ?? "moved");
    },
    { keysOf: ({ transfer }) => [transfer.id, transfer.accountId, `payment ${transfer.paymentId}`], ...SETS },
  );
  return (transfer, legs) => {
    assertBalanced(legs);
    return run({ transfer, legs });
  };
}

/** `now` is the clock of this process; the system's when absent. */
export function createCredits(database: Database, now = (): Date => new Date()): Credits {
  const { pool } = database;
  const columns = tableColumns(database.orm);
  const loadTransfers = reads.loadTransfersStatement(columns);
  const listOpened = reads.listOpenedStatement(columns);
  const grantCredits = grantCreditsStatement(columns);

  async function findAccount(customerId: string) {
    const [row] = await runNamed<{ id: CreditAccountId; balance: bigint }>(pool, reads.findCreditAccountStatement, [
      { customerId },
    ]);
    return row ?? null;
  }

  return {
    async openAccount(customerId) {
      for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
        const account = await findAccount(customerId);
        if (account) return account.id;
        const at = now();
        const id = mintId<CreditAccountId>(at, randomUUID());
        await runNamed(pool, reads.openCreditAccountStatement, [{ id, customerId, now: at }]);
      }
      throw new Error("the account of a customer is not there after it was opened");
    },

    async balanceOf(customerId) {
      return (await findAccount(customerId))?.balance ?? 0n;
    },

    listEntries: (customerId, { after, limit }) =>
      runNamed<CreditEntry & { [column: string]: unknown }>(pool, reads.listEntriesStatement, [
        { customerId, before: (after ?? POSITION_MAX).toString(), limit },
      ]),

    async grant({ request, fingerprint, transfer, legs, answer }) {
      assertBalanced(legs);
      const { id, accountId, createdAt } = transfer;
      const credits = transfer.credits.toString();
      const row = { id, accountId, credits, transfer: transferRow(transfer), legs: legRows(legs), at: createdAt };
      const input = { ...row, ...request, fingerprint, answer };
      for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
        const [kept] = await runNamed<KeptGrant & { [column: string]: unknown }>(pool, grantCredits, [input]);
        if (kept) return kept;
      }
      throw new Error("a request id is taken, and what was written under it is not there");
    },

    async loadTransfers(paymentIds) {
      const ids = paymentIds.map((paymentId) => ({ paymentId }));
      return (await runNamed<CreditTransferRecord>(pool, loadTransfers, ids)).map(fromRecord);
    },

    transfer: createTransfer(database, columns),

    async listOpened({ from, to }, { after, limit }) {
      const place = { afterTime: after?.createdAt ?? "-infinity", afterPayment: after?.paymentId ?? ID_FLOOR };
      const rows = await runNamed<CreditTransferRecord>(pool, listOpened, [{ from, to, ...place, limit }]);
      return rows.map(fromRecord);
    },
  };
}
