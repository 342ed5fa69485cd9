// A gateway on a journal of its own, with a clock that a test moves.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, Gateway, LOST } from "../../src/gateway/gateway.ts";
import type { CreateIntentParams } from "../../src/gateway/intents.ts";
import type { GatewayError, Life } from "../../src/gateway/objects.ts";
import type { GatewayRequest } from "../../src/gateway/requests.ts";
import type { CreateSessionParams } from "../../src/gateway/sessions.ts";

const START = new Date("2026-03-01T10:00:00.500Z");
export const HOUR_MS = 60 * 60 * 1000;

export class GatewayBench {
  readonly folder: string;
  readonly journalPath: string;
  time = START.getTime();
  gateway: Gateway;

  private constructor(folder: string) {
    this.folder = folder;
    this.journalPath = join(folder, "gateway", "journal.jsonl");
    this.gateway = this.#open();
  }

  static async make(): Promise<GatewayBench> {
    return new GatewayBench(await mkdtemp(join(tmpdir(), "gateway-")));
  }

  #open(): Gateway {
    return new Gateway({ journalPath: this.journalPath, now: () => new Date(this.time) });
  }

  /** The world outside moves on, and the gateway with it. */
  advance(ms: number): void {
    this.time += ms;
  }

  /** Forgets everything but the journal. */
  async restart(): Promise<void> {
    await this.gateway.close();
    this.gateway = this.#open();
  }

  /** Restarts without the journal's last line, as if the process had died before it was written. */
  async cutLastLine(): Promise<void> {
    await this.gateway.close();
    const lines = (await readFile(this.journalPath, "utf8")).trimEnd().split("\n");
    await writeFile(
      this.journalPath,
      lines
        .slice(0, -1)
        .map((line) => `${line}\n`)
        .join(""),
    );
    this.gateway = this.#open();
  }

  async dispose(): Promise<void> {
    await this.gateway.close();
    await rm(this.folder, { recursive: true });
  }

  call(request: GatewayRequest, idempotencyKey: string | null = null): Promise<Answer | typeof LOST> {
    return this.gateway.perform(request, { idempotencyKey, signal: new AbortController().signal });
  }

  /** The payment after a request that succeeds. */
  async life(request: GatewayRequest, idempotencyKey: string | null = null): Promise<Life> {
    const answer = await this.call(request, idempotencyKey);
    if (answer === LOST || !answer.ok) throw new Error(`the gateway refused ${JSON.stringify(answer)}`);
    return answer.life;
  }

  async look(id: string): Promise<Life> {
    const answer = await this.gateway.retrieve(id, new AbortController().signal);
    if (answer === LOST || !answer.ok) throw new Error(`the gateway does not know ${id}`);
    return answer.life;
  }
}

export function intent(params: Partial<CreateIntentParams> = {}): GatewayRequest {
  const defaults = {
    amount: 1000n,
    currency: "eur",
    capture_method: "automatic",
    payment_method: "pm_card_visa",
  } as const;
  return { operation: "create_intent", params: { ...defaults, metadata: { order_id: "order-1" }, ...params } };
}

export function session(params: Partial<CreateSessionParams> = {}): GatewayRequest {
  const defaults = {
    amount: 1000n,
    currency: "eur",
    capture_method: "automatic",
    metadata: {},
    expires_at: null,
  } as const;
  return { operation: "create_session", params: { ...defaults, success_url: null, cancel_url: null, ...params } };
}

export function refund(id: string, amount: bigint): GatewayRequest {
  return { operation: "create_refund", id, params: { amount, reason: null, metadata: {} } };
}

/** The error of an answer that must be one. */
export function errorOf(answer: Answer | typeof LOST): GatewayError {
  if (answer === LOST || answer.ok) throw new Error("the gateway did not refuse");
  return answer.error;
}
