// Mistakes that somebody could make in this code, each with the tests of which one at least must notice it. A mistake replaces text that stands once in its file;
// a change of the code that takes the text away fails the programme, so that the list cannot fall behind.

export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Run one after the other until one fails. */
  readonly tests: readonly string[];
}

const LOCK = "order by p.id for no key update of p";
const WITHOUT_LOCK = "order by p.id";

export const MUTANTS: readonly Mutant[] = [
  {
    name: "drop the lock of a payment",
    edits: ["src/db/statements/begin-operation.ts", "src/db/statements/write-movement.ts"].map((file) => ({
      file,
      find: LOCK,
      replace: WITHOUT_LOCK,
    })),
    tests: ["test/app/two-processes.test.ts"],
  },
  {
    name: "drop the check of the revision",
    edits: ["src/db/statements/begin-operation.ts", "src/db/statements/write-movement.ts"].map((file) => ({
      file,
      find: file.includes("begin") ? " and l.revision = i.revision" : ' and l.revision = i."expectedRevision"',
      replace: "",
    })),
    tests: ["test/app/two-processes.test.ts", "test/app/change-payment.test.ts"],
  },
  {
    name: "drop the unique index of an order's live payment",
    edits: [
      {
        file: "src/db/migrations/001-payments.ts",
        find: "create unique index payment_live_order",
        replace: "create index payment_live_order",
      },
    ],
    tests: ["test/app/two-processes.test.ts", "test/db/schema.test.ts"],
  },
  {
    name: "drop the unique index of a payment's versions",
    edits: [
      {
        file: "src/db/migrations/001-payments.ts",
        find: "        constraint payment_event_of_payment unique (payment_id, version),\n",
        replace: "",
      },
    ],
    tests: ["test/db/schema.test.ts"],
  },
  {
    name: "publish before the commit: an event is written by a transaction of its own, before the change that it tells",
    edits: [
      {
        file: "src/db/store.ts",
        find: "runNamed<{ paymentId: string }>(pool, statement, inputs.map(writeMovementRow));",
        replace: `await (async () => {
        for (const { movement } of inputs)
          for (const e of movement.events)
            await pool.query(
              "insert into payment_event (id, payment_id, version, type, status, data, created_at) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
              [e.id, movement.payment.id, e.version, e.type, e.status, JSON.stringify(e.data), new Date()],
            );
        return runNamed<{ paymentId: string }>(
          pool,
          statement,
          inputs.map((input) => writeMovementRow({ ...input, movement: { ...input.movement, events: [] } })),
        );
      })();`,
      },
    ],
    tests: ["test/app/two-processes.test.ts"],
  },
  {
    name: "acknowledge a webhook before it is stored",
    edits: [
      {
        file: "src/app/receive-webhook.ts",
        find: 'if ((await parts.inbox.store(event)) === "known") return { received: true };',
        replace: "void parts.inbox.store(event).catch(() => {});",
      },
    ],
    tests: ["test/app/webhooks.test.ts"],
  },
  {
    name: "write a webhook down as done before it is acted on",
    edits: [
      {
        file: "src/app/receive-webhook.ts",
        find: `    state: "RECEIVED",
    note: null,`,
        replace: `    state: "INERT",
    note: null,`,
      },
      {
        file: "src/app/receive-webhook.ts",
        find: "    nextAttemptAt: new Date(now.getTime() + providerTimeoutMs + recoveryDelayMs),",
        replace: "    nextAttemptAt: providerTimeoutMs + recoveryDelayMs > 0 ? null : now,",
      },
    ],
    tests: ["test/app/webhooks.test.ts"],
  },
  {
    name: "poll the outbox by a cursor",
    edits: [
      {
        file: "src/db/outbox.ts",
        find: "const readUnpublishedStatement",
        replace: "const cursors = new WeakMap<Pool, bigint>();\n\nconst readUnpublishedStatement",
      },
      {
        file: "src/db/outbox.ts",
        find: "  return runNamed<OutboxEvent>(pool, readUnpublishedStatement, [page]);",
        replace: `  return runNamed<OutboxEvent>(pool, readUnpublishedStatement, [page]).then((read) => {
    const found = read.filter((event) => BigInt(event.position) > (cursors.get(pool) ?? 0n));
    for (const event of found) cursors.set(pool, BigInt(event.position));
    return found;
  });`,
      },
    ],
    tests: ["test/outbox/relay.test.ts"],
  },
  {
    name: "mark an event as published before the stream has confirmed it",
    edits: [
      {
        file: "src/outbox/drain.ts",
        find: "    const sending = watch?.(event);",
        replace: "    const sending = watch?.(event);\n    void markPublished(this.#options.pool, [event.id]);",
      },
    ],
    tests: ["test/outbox/relay-outage.test.ts", "test/outbox/relay.test.ts", "test/outbox/relay-leader.test.ts"],
  },
  {
    name: "publish without asking whether the lease is held",
    edits: [
      {
        file: "src/outbox/lease.ts",
        find: "    return performance.now() < this.#heldUntil;",
        replace: "    return this.#heldUntil > 0;",
      },
    ],
    tests: ["test/outbox/lease.test.ts", "test/outbox/relay-leader.test.ts"],
  },
  {
    name: "give every attempt a key of its own at the provider",
    edits: [
      {
        file: "src/provider/mock/mock-provider.ts",
        find: "idempotencyKey: call.operation.id, signal",
        replace: "idempotencyKey: `${call.operation.id}-${Math.random()}`, signal",
      },
    ],
    tests: ["test/provider/mock.test.ts", "test/app/recovery.test.ts"],
  },
  {
    name: "give every attempt a key of its own at Stripe",
    edits: [
      {
        file: "src/provider/stripe/operations.ts",
        find: "{ idempotencyKey: call.operation.id }",
        replace: "{ idempotencyKey: `${call.operation.id}-${Math.random()}` }",
      },
    ],
    tests: ["test/provider/stripe.test.ts"],
  },
  {
    name: "take an unknown outcome for a failure",
    edits: [
      {
        file: "src/app/carry-out.ts",
        find: `    case "unknown":
      return null;`,
        replace: `    case "unknown":
      return conclude(work, { outcome: "unavailable", message: answer.message });`,
      },
    ],
    tests: ["test/app/recovery.test.ts"],
  },
  {
    name: "reserve nothing for a refund under way",
    edits: [
      {
        file: "src/db/statements/begin-operation.ts",
        find: 'refund_pending_minor = p.refund_pending_minor + b."reservedMinor"',
        replace: "refund_pending_minor = p.refund_pending_minor",
      },
    ],
    tests: ["test/app/two-processes.test.ts"],
  },
  {
    name: "keep no answer for a request id",
    edits: [
      {
        file: "src/app/carry-out.ts",
        find: "return conclusion.keep ? toStored(told) : null;",
        replace: "return null;",
      },
    ],
    tests: ["test/app/create-payment.test.ts"],
  },
  {
    name: "compare no amount of an authentic webhook",
    edits: [
      {
        file: "src/app/act-on-webhook.ts",
        find: "owed !== null && (owed.minor !== amount.minor || owed.currency !== amount.currency)",
        replace: "owed !== null && owed.minor < 0n && amount.minor < 0n",
      },
    ],
    tests: ["test/app/webhooks.test.ts"],
  },
  {
    name: "take a test event for a live one",
    edits: [
      {
        file: "src/app/act-on-webhook.ts",
        find: "if (message.live !== provider?.live)",
        replace: "if (message.live === undefined)",
      },
    ],
    tests: ["test/app/webhooks.test.ts"],
  },
  {
    name: "let a late failure take back a payment",
    edits: [
      {
        file: "src/domain/decide-fact.ts",
        find: 'const counts = isOpen(payment.status) || payment.status === "PROCESSING";',
        replace: "const counts = !isClosed(payment.status);",
      },
    ],
    tests: ["test/domain/decide-fact.test.ts"],
  },
  {
    name: "read amounts as doubles",
    edits: [
      {
        file: "src/domain/money.ts",
        find: "const unscaled = BigInt(whole + fraction);",
        replace: "const unscaled = BigInt(Number(whole + fraction));",
      },
    ],
    tests: ["test/domain/money.test.ts"],
  },
  {
    name: "show every customer every payment",
    edits: [
      {
        file: "src/app/access.ts",
        find: "return payment.customerId !== null && payment.customerId === identity.customerId;",
        replace: "return true;",
      },
    ],
    tests: ["test/app/access.test.ts"],
  },
];
