// Puts concurrent calls of one statement together: what arrives while the statement is busy goes out as the next set. One transaction then
// carries many payments, and a call that comes alone goes at once.
//
// Two calls that share a key, which names what both would change, never share a set: the second sees what the first did. When a set
// fails because of a row, its calls are run one by one, so that a bad one does not fail its neighbours.
import { isRowError } from "./named-query.ts";
import { type Place, rememberPlace, runFor } from "./statement-channel.ts";

interface Call<In, Out> {
  readonly input: In;
  readonly keys: readonly string[];
  readonly place: Place | null;
  resolve(output: Out): void;
  reject(error: unknown): void;
}

export interface BatchOptions<In> {
  /** What a call changes. */
  keysOf(input: In): readonly string[];
  /** Calls in one set at most. */
  readonly sizeMax: number;
  /** Sets under way at once at most. */
  readonly concurrencyMax: number;
}

/** Gives a function that runs `runSet` over sets of the inputs of concurrent calls. `runSet` answers in the order of its inputs. */
export function batched<In, Out>(
  runSet: (inputs: readonly In[]) => Promise<Out[]>,
  options: BatchOptions<In>,
): (input: In) => Promise<Out> {
  let waiting: Call<In, Out>[] = [];
  let running = 0;
  let scheduled = false;

  function takeSet(): Call<In, Out>[] {
    const set: Call<In, Out>[] = [];
    const later: Call<In, Out>[] = [];
    const taken = new Set<string>();
    for (const call of waiting) {
      // A call that waits for an earlier one holds its keys too, so that calls on one payment stay in their order.
      const free = set.length < options.sizeMax && !call.keys.some((key) => taken.has(key));
      (free ? set : later).push(call);
      for (const key of call.keys) taken.add(key);
    }
    waiting = later;
    return set;
  }

  async function runOne(call: Call<In, Out>): Promise<void> {
    try {
      const [output] = await runFor([call.place], () => runSet([call.input]));
      call.resolve(output as Out);
    } catch (error) {
      call.reject(error);
    }
  }

  async function run(set: readonly Call<In, Out>[]): Promise<void> {
    try {
      const inputs = set.map((call) => call.input);
      const outputs = await runFor(
        set.map((call) => call.place),
        () => runSet(inputs),
      );
      for (const [index, call] of set.entries()) call.resolve(outputs[index] as Out);
    } catch (error) {
      if (set.length > 1 && isRowError(error)) for (const call of set) await runOne(call);
      else for (const call of set) call.reject(error);
    } finally {
      running -= 1;
      schedule();
    }
  }

  function start(): void {
    scheduled = false;
    while (running < options.concurrencyMax && waiting.length > 0) {
      running += 1;
      void run(takeSet());
    }
  }

  function schedule(): void {
    if (scheduled || running >= options.concurrencyMax || waiting.length === 0) return;
    scheduled = true;
    setImmediate(start);
  }

  return (input) =>
    new Promise<Out>((resolve, reject) => {
      waiting.push({ input, keys: options.keysOf(input), place: rememberPlace(), resolve, reject });
      schedule();
    });
}
