// T8. Whatever comes in by any door: it is answered, with a status that the door documents, and none that says that the service failed; what is refused has written
// nothing; memory stays within its bound; and the log complains of nothing.
import { residentMbOf } from "../../bench/process-figures.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { nextInput } from "./fuzz/fuzz-inputs.ts";
import { Judge } from "./fuzz/fuzz-judge.ts";
import type { Material } from "./fuzz/fuzz-material.ts";
import { payPromptly, seedVictims } from "./fuzz/fuzz-victims.ts";
import { Wires } from "./fuzz/fuzz-wires.ts";
import { torment } from "./frame/programme.ts";

const WEBHOOK_SECRET = "whsec_fuzz";
const SETTINGS = {
  // Nobody is turned away for coming too often: that is another test's.
  RATE_LIMIT_PER_MINUTE: "0",
  GATEWAY_WEBHOOK_SECRET: WEBHOOK_SECRET,
  // Its own would be counted among those that were made up.
  GATEWAY_WEBHOOKS: "false",
};
/** Inputs that wait for their answers at once. */
const IN_FLIGHT = 256;
/** Of the inputs, those after which the service has made all that it makes once. */
const WARM_UP = 0.1;
/**
 * What it may hold then, and grow by. 256 inputs of 64 KiB are 16 MiB, and what waits at the NATS door is 16 MiB at most; node itself takes some 200, and lets its
 * heap grow by as much again before it collects. The gateway, which lives in the same process, remembers each of some seventy thousand payments: 2 KB each.
 */
const RESIDENT_MB_MAX = 768;
const GROWTH_MB_MAX = 256;
/** A payment in peace. */
const PROMPT_MS = 5_000;
/** Honest answers of a service that has more to do than it can: few, and never a failure. */
const OVERLOAD_PART_MAX = 0.01;

torment(
  { id: "T8", name: "anything, through any door", unit: "inputs", cases: 1_000_000, share: 8_000, caseMs: 4 },
  async (t, { cases, random }) => {
    const service = await ServiceProcess.start(SETTINGS);
    t.after(() => service.remove());
    const victims = await seedVictims(service);
    const material: Material = { random, victims, webhookSecret: WEBHOOK_SECRET, orders: 0 };
    const wires = await Wires.open(service);
    t.after(() => wires.close());
    const judge = await Judge.open(service);

    let warmMb = 0;
    const work = async (): Promise<void> => {
      while (judge.answered < cases && !judge.isFull) {
        const input = nextInput(material);
        const answer = await wires.send(input);
        if (answer !== null) judge.take(input, answer);
        if (warmMb === 0 && judge.answered > cases * WARM_UP) warmMb = residentMbOf(service.pid);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, work));

    const residentMb = residentMbOf(service.pid);
    const violations = await judge.findUnexplained();
    const promptMs = await payPromptly(service);
    if (promptMs > PROMPT_MS) violations.push(`a payment took ${promptMs} ms afterwards`);
    if (residentMb > RESIDENT_MB_MAX) violations.push(`${residentMb} MB are held, of ${RESIDENT_MB_MAX}`);
    if (residentMb - warmMb > GROWTH_MB_MAX) violations.push(`from ${warmMb} MB it grew to ${residentMb} MB`);
    if (judge.overloads > cases * OVERLOAD_PART_MAX + 1) violations.push(`${judge.overloads} were told of overload`);
    return {
      cases: judge.answered,
      violations,
      shown: judge.isVaried,
      residentMb,
      warmMb,
      promptMs,
      ...judge.figures(),
    };
  },
);
