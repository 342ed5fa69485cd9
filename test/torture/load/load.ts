// A load of payments on the service: workers that live one payment after the other, until they are told that it is enough.
import { EventEmitter, once } from "node:events";
import type { Client } from "../../support/clients.ts";
import { Caller } from "./caller.ts";
import { live } from "./lives.ts";
import type { Random } from "../frame/random.ts";
import { ClientRecord } from "../frame/record.ts";

const WORKERS = 12;
const VERDICT_TIMEOUT_MS = 30_000;

export interface LoadOptions {
  readonly clients: readonly Client[];
  /** The choices follow from it; which of them meet in time does not. */
  readonly random: Random;
  /** Faults of the gateway that a part of the lives meets. */
  readonly faults: readonly string[];
  /** Customers who have credits, and pay with them now and then. */
  readonly holders?: readonly string[];
}

export class Load {
  readonly record = new ClientRecord();
  lives = 0;
  readonly #options: LoadOptions;
  readonly #events = new EventEmitter();
  #enough = false;
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#events.setMaxListeners(0);
  }

  start(): void {
    this.#work = Promise.all(Array.from({ length: WORKERS }, () => this.#keepWorking(this.#options.random.fork())));
  }

  /** Waits for as many verdicts from now on: the service works again. */
  async verdicts(count: number): Promise<void> {
    const signal = AbortSignal.timeout(VERDICT_TIMEOUT_MS);
    for (let seen = 0; seen < count; seen += 1) await once(this.#events, "verdict", { signal });
  }

  /** Begins no more lives, and waits for those under way. */
  async finish(): Promise<void> {
    this.#enough = true;
    await this.#work;
  }

  async #keepWorking(random: Random): Promise<void> {
    const onVerdict = (): void => void this.#events.emit("verdict");
    const { clients, faults, holders = [] } = this.#options;
    const caller = new Caller({ clients, random, record: this.record, onVerdict });
    while (!this.#enough) {
      this.lives += 1;
      await live({ caller, random, faults, holders }, `order-${this.lives}`);
    }
  }
}
