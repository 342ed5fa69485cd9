// The instruments of the hot path. prom-client hashes the labels at every observation, which costs more than all else about it; these look their labels up
// in a tree, and put Prometheus' shape on only when somebody asks. Bounded: a metric has so many series at most, and what is beyond them counts as
// "other".
import type { Metric, Registry } from "prom-client";

/** Of one metric. Labels are words of our own, so that this is met by mistakes alone. */
const SERIES_MAX = 1_000;
const OTHER = "other";

interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export interface Description {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

type Labels = readonly string[];

/** The series of one metric by the values of its labels. */
class LabelTree<Series> {
  readonly #root = new Map<string, unknown>();
  readonly #make: (labels: Labels) => Series;
  readonly all: Series[] = [];

  constructor(make: (labels: Labels) => Series) {
    this.#make = make;
  }

  find(labels: Labels): Series {
    let node = this.#root;
    const last = labels.length - 1;
    for (let depth = 0; depth < last; depth += 1) {
      const label = labels[depth] ?? OTHER;
      let next = node.get(label) as Map<string, unknown> | undefined;
      if (next === undefined) {
        if (this.all.length >= SERIES_MAX) return this.#rest(labels);
        next = new Map();
        node.set(label, next);
      }
      node = next;
    }
    const label = labels[last] ?? OTHER;
    const known = node.get(label) as Series | undefined;
    if (known !== undefined) return known;
    if (this.all.length >= SERIES_MAX && labels.some((each) => each !== OTHER)) return this.#rest(labels);
    const made = this.#make(labels);
    node.set(label, made);
    this.all.push(made);
    return made;
  }

  #rest(labels: Labels): Series {
    const rest = labels.map(() => OTHER);
    const known = this.all.find((series) => (series as { labels: Labels }).labels.every((label) => label === OTHER));
    if (known !== undefined) return known;
    const made = this.#make(rest);
    this.all.push(made);
    return made;
  }
}

function nameLabels(names: Labels, values: Labels): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? OTHER]));
}

/** prom-client asks a metric for no more than this. */
function register(registry: Registry, metric: { readonly name: string; get(): Promise<unknown> }): void {
  registry.registerMetric(metric as unknown as Metric);
}

/** Counts. Amounts are added as bigints, so that the sum is exact; a scrape rounds what is beyond 2^53, which is Prometheus' own limit. */
export class Count {
  readonly name: string;
  readonly #description: Description;
  readonly #series = new LabelTree((labels) => ({ labels, count: 0, sum: 0n }));

  constructor(registry: Registry, description: Description) {
    this.name = description.name;
    this.#description = description;
    register(registry, this);
  }

  add(labels: Labels): void {
    this.#series.find(labels).count += 1;
  }

  addAmount(labels: Labels, amount: bigint): void {
    this.#series.find(labels).sum += amount;
  }

  /** How often its last label had this value, whatever the others were. */
  total(lastLabel: string): number {
    return this.#series.all.reduce((sum, { labels, count }) => (labels.at(-1) === lastLabel ? sum + count : sum), 0);
  }

  get(): Promise<unknown> {
    const { name, help, labels: names } = this.#description;
    const values: Sample[] = this.#series.all.map(({ labels, count, sum }) => ({
      labels: nameLabels(names, labels),
      value: count + Number(sum),
    }));
    return Promise.resolve({ name, help, type: "counter", values, aggregator: "sum" });
  }
}

/** A histogram of times, in seconds as Prometheus wants them. */
export class Times {
  readonly name: string;
  readonly #description: Description;
  readonly #boundsMs: readonly number[];
  readonly #series: LabelTree<{ readonly labels: Labels; readonly counts: number[]; sumMs: number }>;

  constructor(registry: Registry, description: Description, boundsMs: readonly number[]) {
    this.name = description.name;
    this.#description = description;
    this.#boundsMs = boundsMs;
    // One count for each bound, and one for what is beyond the last.
    this.#series = new LabelTree((labels) => ({
      labels,
      counts: Array.from({ length: boundsMs.length + 1 }, () => 0),
      sumMs: 0,
    }));
    register(registry, this);
  }

  observe(labels: Labels, elapsedMs: number): void {
    const bounds = this.#boundsMs;
    const series = this.#series.find(labels);
    let index = 0;
    while (index < bounds.length && elapsedMs > (bounds[index] ?? 0)) index += 1;
    series.counts[index] = (series.counts[index] ?? 0) + 1;
    series.sumMs += elapsedMs;
  }

  get(): Promise<unknown> {
    const { name, help, labels: names } = this.#description;
    const values: Sample[] = [];
    for (const { labels: labelValues, counts, sumMs } of this.#series.all) {
      const labels = nameLabels(names, labelValues);
      let count = 0;
      for (const [index, inBucket] of counts.entries()) {
        count += inBucket;
        const boundMs = this.#boundsMs[index];
        const le = boundMs === undefined ? "+Inf" : boundMs / 1_000;
        values.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count });
      }
      values.push({ metricName: `${name}_sum`, labels, value: sumMs / 1_000 });
      values.push({ metricName: `${name}_count`, labels, value: count });
    }
    return Promise.resolve({ name, help, type: "histogram", values, aggregator: "sum" });
  }
}
