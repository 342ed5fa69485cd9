// The database commits, and its answer is lost: the connection ends in between. The service goes on, and whoever called it asks again.
import { createClients } from "../support/clients.ts";
import { grantCredits } from "./load/credit-holders.ts";
import { ACTING_FAULTS } from "./load/lives.ts";
import { Load } from "./load/load.ts";
import { LostCommits } from "./wire/lost-commits.ts";
import { Office } from "./load/office.ts";
import { torment } from "./frame/programme.ts";
import { judge } from "./frame/verdict.ts";
import { Stack } from "./wire/stack.ts";
import { findWritingStatements } from "./wire/writing-statements.ts";

const HOLDERS = 20;
/** Answers that come when nobody waits any more: the outcome is unknown for a while. */
const SLOW_FAULTS = ["create:delay=2500", "confirm:delay=2500", "capture:delay=2500", "refund:delay=2500"];
/** Looked at so often whether there were enough. */
const VERDICTS_BETWEEN = 5;

const PROGRAMME = {
  id: "T2",
  name: "the connection lost after COMMIT, and before its answer",
  unit: "cuts",
  cases: 1_000,
  share: 60,
  caseMs: 3_000,
};

torment(PROGRAMME, async (t, { cases, random }) => {
  const stack = await Stack.open(t);
  const { service, wires } = stack;
  const holders = await grantCredits(service.http, HOLDERS);
  const lost = new LostCommits(findWritingStatements(), { times: cases, random: random.fork() });
  const load = new Load({
    clients: createClients(t, service),
    random: random.fork(),
    faults: [...ACTING_FAULTS, ...SLOW_FAULTS],
    holders,
  });
  const office = new Office(stack, random.fork());
  wires.database.watch = lost.watch;
  load.start();
  office.open();
  let isOver = false;
  void service.exit.then(() => (isOver = true));
  while (!lost.isDone) await load.verdicts(VERDICTS_BETWEEN);
  wires.database.watch = null;
  const wrong = await office.close();
  await load.finish();
  await stack.settled();
  const figures = await judge(stack, load);
  const violations = [...figures.violations, ...wrong, ...(isOver ? ["the service did not go on"] : [])];
  const cuts = Object.fromEntries(lost.counts);
  const shown = lost.untouched.length === 0 && figures.requestsRecovered > 0;
  return { cases: lost.total, ...figures, cuts, violations, shown };
});
