// When the clock next acts on which payment: a heap by time, so that nothing is searched while nothing is due. A payment whose time changed leaves
// its old entry behind; it is skipped when it comes up, and when too many of them have gathered the heap is made anew.

interface Entry {
  readonly base: string;
  readonly time: number;
}

/** Old entries that may gather besides as many as there are payments. */
const STALE_MAX = 1000;

export class DueTimes {
  /** Unix milliseconds, by base. */
  readonly #times = new Map<string, number>();
  #heap: Entry[] = [];

  /** Null takes the payment out. */
  set(base: string, time: number | null): void {
    if (time === null) {
      this.#times.delete(base);
    } else if (this.#times.get(base) !== time) {
      this.#times.set(base, time);
      push(this.#heap, { base, time });
    }
    if (this.#heap.length > 2 * this.#times.size + STALE_MAX) this.#rebuild();
  }

  /** The payment whose time comes first. */
  first(): Entry | undefined {
    for (;;) {
      const entry = this.#heap[0];
      if (entry === undefined || this.#times.get(entry.base) === entry.time) return entry;
      pop(this.#heap);
    }
  }

  #rebuild(): void {
    // Sorted by time is a heap.
    this.#heap = Array.from(this.#times, ([base, time]) => ({ base, time })).sort((a, b) => a.time - b.time);
  }
}

function push(heap: Entry[], entry: Entry): void {
  let place = heap.length;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || above.time <= entry.time) break;
    heap[place] = above;
    place = parent;
  }
  heap[place] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let place = 0;
  for (;;) {
    const left = 2 * place + 1;
    const right = left + 1;
    const child = (heap[right]?.time ?? Infinity) < (heap[left]?.time ?? Infinity) ? right : left;
    const below = heap[child];
    if (below === undefined || below.time >= last.time) break;
    heap[place] = below;
    place = child;
  }
  heap[place] = last;
}
