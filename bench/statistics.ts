// Exact statistics over recorded samples: nothing is estimated from buckets.

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/** The nearest-rank percentile: the smallest sample that `share` of all samples do not exceed. Throws when there is none. */
function percentile(sorted: Float64Array, share: number): number {
  const rank = Math.max(Math.ceil(share * sorted.length), 1);
  const value = sorted[rank - 1];
  if (value === undefined) throw new Error("there are no samples");
  return value;
}

export function percentilesOf(samples: readonly number[]): Percentiles {
  const sorted = Float64Array.from(samples).sort();
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}

/** The middle value; of an even number of values the mean of the two in the middle. Throws when there is none. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1);
  if (middle.length === 0) throw new Error("there are no values");
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}
