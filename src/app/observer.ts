// Who is told what the use cases do, and may stand around them: metrics and traces. Absent, nobody is.
import type { Refusal, Result } from "../domain/error.ts";

export interface Observer {
  /** Stands around a use case; `action` is one of a few words. It answers what `run` answers, and throws what `run` throws. */
  around<T>(action: string, run: () => Promise<Result<T>>): Promise<Result<T>>;
  /** Told of refusals that no use case saw. One that was told of before does not count again. */
  refused(refusal: Refusal): void;
  /** A webhook that no provider's signature is on, or that cannot be read. */
  webhookRefused(): void;
}
