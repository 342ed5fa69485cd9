// One caller of the service, who does not give up: a request is repeated under its own id, through any door, until there is a verdict.
import { setTimeout as delay } from "node:timers/promises";
import type { DescMethodUnary, JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { type CallError, type Client, saidOf } from "../../support/clients.ts";
import type { Random } from "../frame/random.ts";
import type { ClientRecord, RequestRecord, Verdict } from "../frame/record.ts";

const CALL_TIMEOUT_MS = 3_000;
const PAUSE_MIN_MS = 20;
const PAUSE_SPREAD_MS = 100;
/** Past this a request is given up, and the record holds it without a verdict. */
const PATIENCE_MS = 30_000;
/** Codes that ask for another try with the same request id. */
const PASSING = new Set(["unavailable", "aborted", "deadline_exceeded"]);
const COPIES_CHANCE = 0.08;
/** What is kept of a request that is repeated for long. */
const HISTORY_MAX = 200;

export interface CallerOptions {
  readonly clients: readonly Client[];
  readonly random: Random;
  readonly record: ClientRecord;
  readonly onVerdict: () => void;
}

function isVerdict(error: CallError): boolean {
  // Without an ErrorInfo the error is the transport's: the service said nothing.
  return saidOf(error) !== undefined && !PASSING.has(error.code);
}

function note({ history }: RequestRecord, what: string): void {
  if (history.length < HISTORY_MAX) history.push(`${new Date().toISOString()} ${what}`);
}

export class Caller {
  readonly #options: CallerOptions;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** Gives the verdict; undefined when patience ran out. Now and then the request is sent twice at once. */
  async call<M extends DescMethodUnary>(
    method: M,
    named: { readonly orderId: string; readonly requestId: string },
    request: MessageInitShape<M["input"]>,
  ): Promise<Verdict | undefined> {
    const { record, random } = this.#options;
    const repeat = (): Promise<unknown> => this.#insist(method, request, recorded);
    const recorded: RequestRecord = record.invoke({ ...named, method: method.name, repeat });
    const copies = random.chance(COPIES_CHANCE) ? 2 : 1;
    const insistent = Array.from({ length: copies }, () => this.#insist(method, request, recorded));
    const [verdict] = await Promise.all(insistent);
    return verdict;
  }

  async #insist<M extends DescMethodUnary>(
    method: M,
    request: MessageInitShape<M["input"]>,
    recorded: RequestRecord,
  ): Promise<Verdict | undefined> {
    const { clients, random, onVerdict } = this.#options;
    const deadline = performance.now() + PATIENCE_MS;
    while (performance.now() < deadline) {
      recorded.calls += 1;
      const client = random.pick(clients);
      note(recorded, `invoke by ${client.name}`);
      const { answer, error } = await client.call(method, request, CALL_TIMEOUT_MS);
      note(recorded, error ? `${isVerdict(error) ? "fail" : "unknown"}: ${error.code} ${error.message}` : "ok");
      if (!error || isVerdict(error)) {
        const verdict: Verdict = error ? { kind: "fail", error } : { kind: "ok", answer: answer as JsonObject };
        recorded.verdicts.push(verdict);
        onVerdict();
        return verdict;
      }
      recorded.unanswered += 1;
      if (saidOf(error)?.outcome !== "NOT_ATTEMPTED") recorded.wasUnknown = true;
      await delay(PAUSE_MIN_MS + random.below(PAUSE_SPREAD_MS));
    }
    return undefined;
  }
}
