// Whether the service may be called: one state for both ports, and the checks of what it depends on.
import type { Logger } from "pino";

const CHECK_TIMEOUT_MS = 1_000;

export interface HealthCheck {
  readonly name: string;
  /** Whether the service is of no use without the part. The others are reported alone. */
  readonly required: boolean;
  /** Rejects when the part is away. */
  readonly check: () => Promise<void>;
  /** For how long a result is told again instead of checking anew; 0 when absent. */
  readonly keepMs?: number;
}

interface CheckReport {
  readonly status: "ok" | "failing";
  readonly latencyMs: number;
}

export interface HealthReport {
  readonly status: "ready" | "failing" | "not_serving";
  readonly checks: Readonly<Record<string, CheckReport>>;
}

export interface Health {
  isServing(): boolean;
  /** False until the start is over, and again from the moment that the service begins to stop. */
  setServing(serving: boolean): void;
  /** Runs the checks, at most once at a time however many ask. */
  report(): Promise<HealthReport>;
  /** The present state and each later one, until the signal is aborted. */
  states(signal: AbortSignal): AsyncIterable<boolean>;
  onChange(listener: (serving: boolean) => void): void;
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

export function createHealth({
  checks,
  log,
}: {
  readonly checks: readonly HealthCheck[];
  readonly log: Logger;
}): Health {
  let serving = false;
  let running: Promise<HealthReport> | null = null;
  const listeners = new Set<(serving: boolean) => void>();

  const required = new Set(checks.filter((check) => check.required).map(({ name }) => name));

  const kept = new Map<string, { readonly until: number; readonly report: CheckReport }>();

  async function runCheck(check: HealthCheck): Promise<[string, CheckReport]> {
    const { name, keepMs = 0 } = check;
    const known = kept.get(name);
    if (known && known.until > performance.now()) return [name, known.report];
    const report = await checkNow(check);
    kept.set(name, { until: performance.now() + keepMs, report });
    return [name, report];
  }

  async function checkNow({ name, check }: HealthCheck): Promise<CheckReport> {
    const begin = performance.now();
    const latency = (): number => Math.round((performance.now() - begin) * 1000) / 1000;
    try {
      await within(CHECK_TIMEOUT_MS, check());
      return { status: "ok", latencyMs: latency() };
    } catch (error) {
      log.warn({ err: error, check: name }, "health check failed");
      return { status: "failing", latencyMs: latency() };
    }
  }

  async function runChecks(): Promise<HealthReport> {
    const results = await Promise.all(checks.map(runCheck));
    running = null;
    const status = results.every(([name, check]) => check.status === "ok" || !required.has(name)) ? "ready" : "failing";
    return { status: serving ? status : "not_serving", checks: Object.fromEntries(results) };
  }

  function changed(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = (): void => {
      listeners.delete(end);
      signal.removeEventListener("abort", end);
      resolve();
    };
    listeners.add(end);
    signal.addEventListener("abort", end);
    return promise;
  }

  return {
    isServing: () => serving,
    setServing(next) {
      if (next === serving) return;
      serving = next;
      for (const listener of listeners) listener(serving);
    },
    report() {
      running ??= runChecks();
      return running;
    },
    async *states(signal) {
      let known: boolean | null = null;
      for (;;) {
        if (known !== serving) {
          known = serving;
          yield known;
        } else if (signal.aborted) {
          return;
        } else {
          await changed(signal);
        }
      }
    },
    onChange(listener) {
      listeners.add(listener);
    },
  };
}
