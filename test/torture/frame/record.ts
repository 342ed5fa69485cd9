// The client's own record: what was asked, how often, and what was answered. It is kept outside the service, and is one of the truths against which
// the service is judged.
import type { JsonObject } from "@bufbuild/protobuf";
import type { CallError } from "../../support/clients.ts";

export interface RequestRecord {
  readonly requestId: string;
  readonly method: string;
  readonly orderId: string;
  /** Calls made, retries and copies included. */
  calls: number;
  /** Calls that ended without a verdict: no connection, or an answer that says to come back. */
  unanswered: number;
  /** Whether a call was told, by the service or by a broken connection, that something may have happened. */
  wasUnknown: boolean;
  /** What was invoked and what came back, in words, oldest first. */
  readonly history: string[];
  /** Every verdict, in the order of its arrival; a request has one, however often it is given. */
  readonly verdicts: Verdict[];
  /** Makes the same request again, and records what comes of it. */
  readonly repeat: () => Promise<unknown>;
}

export type Verdict =
  | { readonly kind: "ok"; readonly answer: JsonObject }
  | { readonly kind: "fail"; readonly error: CallError };

/** Requests that are asked once more at the end, and how many at once. */
const AGAIN_MAX = 500;
const AGAIN_ABREAST = 12;

export class ClientRecord {
  readonly #requests = new Map<string, RequestRecord>();

  invoke(request: Pick<RequestRecord, "requestId" | "method" | "orderId" | "repeat">): RequestRecord {
    const record = { ...request, calls: 0, unanswered: 0, wasUnknown: false, history: [], verdicts: [] };
    this.#requests.set(request.requestId, record);
    return record;
  }

  get requests(): readonly RequestRecord[] {
    return [...this.#requests.values()];
  }

  /**
   * Makes requests of the whole run once more, all that got no answer among them: the answers must be what they were, and nobody goes without one once faults have
   * stopped.
   */
  async askAgain(): Promise<void> {
    const { requests } = this;
    const step = Math.max(1, Math.ceil(requests.length / AGAIN_MAX));
    const chosen = requests.filter(({ verdicts }, index) => verdicts.length === 0 || index % step === 0);
    for (let from = 0; from < chosen.length; from += AGAIN_ABREAST)
      await Promise.all(chosen.slice(from, from + AGAIN_ABREAST).map(({ repeat }) => repeat()));
  }
}
