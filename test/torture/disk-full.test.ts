// The disk on which the events are is full for a while, again and again, under load. A change that cannot have its event does not happen, its caller is told
// to come back, and whoever does gets the answer once there is room again.
import { EventEmitter, once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, createClients, saidOf } from "../support/clients.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { OtlpReceiver } from "../telemetry/otlp-receiver.ts";
import { grantCredits } from "./load/credit-holders.ts";
import { ACTING_FAULTS, IDLE_FAULTS } from "./load/lives.ts";
import { Load } from "./load/load.ts";
import { NaiveCustomer } from "./load/naive-customer.ts";
import { torment } from "./frame/programme.ts";
import { openSmallDisk } from "./processes/small-disk.ts";
import { hearing, judge, QUICK } from "./frame/verdict.ts";

/** How far the load gets in between, at most. */
const VERDICTS_MAX = 40;
/** How many callers are refused at least while the disk is full. */
const REFUSED_MIN = 3;
const REFUSED_TIMEOUT_MS = 20_000;
const FULL_MAX_MS = 400;
const HOLDERS = 5;

const PROGRAMME = {
  id: "T11",
  name: "the disk of the events is full under load",
  unit: "times",
  cases: 50,
  share: 5,
  caseMs: 20_000,
};

/** Counts what callers are refused with. */
class Refusals {
  readonly byReason = new Map<string, number>();
  readonly #events = new EventEmitter();

  /** The same client, heard. */
  heard(client: Client): Client {
    return {
      name: client.name,
      call: async (method, request, timeoutMs) => {
        const outcome = await client.call(method, request, timeoutMs);
        const reason = outcome.error && (saidOf(outcome.error)?.reason ?? "none");
        if (reason !== undefined) this.byReason.set(reason, this.count(reason) + 1);
        this.#events.emit("answer");
        return outcome;
      },
    };
  }

  count(reason: string): number {
    return this.byReason.get(reason) ?? 0;
  }

  /**
   * How many met the full disk, or wait for what met it: while nothing can be written, whoever asked for what is under way is told that it is.
   */
  get met(): number {
    const reasons = ["SERVICE_UNAVAILABLE", "INTERNAL", "PROVIDER_OUTCOME_UNKNOWN", "REQUEST_IN_FLIGHT"];
    return reasons.reduce((sum, reason) => sum + this.count(reason), 0);
  }

  /** Waits until so many more have met it. */
  async more(count: number): Promise<void> {
    const signal = AbortSignal.timeout(REFUSED_TIMEOUT_MS);
    const wanted = this.met + count;
    while (this.met < wanted) await once(this.#events, "answer", { signal });
  }
}

torment(PROGRAMME, async (t, { cases, random }) => {
  const traces = new OtlpReceiver();
  const endpoint = await traces.listen();
  const service = await ServiceProcess.start({ ...QUICK, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
  t.after(() => service.remove());
  const disk = await openSmallDisk(service);
  // The disk is let go of once its server is gone.
  t.after(() => disk.remove());
  t.after(() => traces.close());
  const refusals = new Refusals();
  const load = new Load({
    clients: createClients(t, service).map((client) => refusals.heard(client)),
    random: random.fork(),
    faults: [...ACTING_FAULTS, ...IDLE_FAULTS],
    holders: await grantCredits(service.http, HOLDERS),
  });
  const customer = new NaiveCustomer(service.http.port, random.fork());
  load.start();
  customer.start();
  for (let done = 0; done < cases; done += 1) {
    await load.verdicts(1 + random.below(VERDICTS_MAX));
    const refused = refusals.more(REFUSED_MIN);
    await disk.fill();
    await refused;
    await delay(random.below(FULL_MAX_MS));
    await disk.clear();
  }
  await customer.finish();
  const scene = hearing(service, () => [...customer.overheard(), ["the traces", traces.text]]);
  const figures = await judge(scene, load);
  // It would say that something is wrong in the service; and nothing is.
  const faults = refusals.count("INTERNAL");
  const violations = [...(faults > 0 ? [`${faults} calls were answered INTERNAL`] : []), ...figures.violations];
  const shown = refusals.count("SERVICE_UNAVAILABLE") >= cases / 5 && traces.spans.length > 0;
  return { cases, disk: disk.kind, bookings: customer.answers, ...figures, violations, shown };
});
