// Makes payments on a journal that soon cannot grow any more, and prints what became of each: a line "yes" or "no", and whether the
// gateway then still answers questions and repeated requests.
import { Gateway } from "../../src/gateway/gateway.ts";
import { intent } from "./open-gateway.ts";

const [, , journalPath = ""] = process.argv;
const gateway = new Gateway({ journalPath, now: () => new Date() });
const { signal } = new AbortController();
const tell = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "yes",
    () => "no",
  );

const answers: string[] = [];
for (const key of ["1", "2", "3", "4", "5", "6"]) {
  answers.push(await tell(gateway.perform(intent(), { idempotencyKey: key, signal })));
}
const repeated = await tell(gateway.perform(intent(), { idempotencyKey: "6", signal }));
const asked = await tell(gateway.retrieve("pi_any", signal));
process.stdout.write(JSON.stringify({ answers, repeated, asked }));
