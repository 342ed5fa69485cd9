// The stand-alone gateway as its users run it (`npm run gateway`): a process of its own on a folder of its own. It keeps its port over a restart,
// and what it did is read from its journal, past its code.
import { type ChildProcess, spawn } from "node:child_process";
import { on, once } from "node:events";
import { mkdtempSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Stripe from "stripe";
import packageFile from "../../package.json" with { type: "json" };
import { type JournalAudit, readJournal } from "./gateway-journal.ts";

const ROOT = join(import.meta.dirname, "../..");
const COMMAND = packageFile.scripts.gateway.split(" ").slice(1);
const READY = /A local Stripe is ready at http:\/\/localhost:(\d+)[\s\S]*protocol:/;
const READY_TIMEOUT_MS = 20_000;
const JOURNAL_TIMEOUT_MS = 30_000;
const WEBHOOK_PATH = "/v1/payments/webhook";
/** Taken by nobody: where webhooks go until there is a service to take them. */
const NOWHERE = `http://127.0.0.1:9${WEBHOOK_PATH}`;
const KEY = "sk_test_hands";

export interface Knobs {
  readonly delay_ms?: number;
  readonly duplicates?: number;
  readonly reorder_ms?: number;
  readonly drop?: "none" | "all" | number | readonly string[];
  readonly hold?: boolean;
}

export interface DeliveryCounts {
  readonly held: number;
  readonly dropped: number;
  readonly delayed: number;
  readonly queued: number;
  readonly sending: number;
  readonly resting: number;
}

/** An endpoint for webhooks at the gateway, and the secret that signs them. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly secret: string;
}

export class GatewayProcess {
  readonly #folder = mkdtempSync(join(tmpdir(), "gateway-process-"));
  #port = 0;
  #child: ChildProcess | undefined;
  #said = "";

  private constructor() {}

  static async start(): Promise<GatewayProcess> {
    const gateway = new GatewayProcess();
    try {
      await gateway.start();
    } catch (error) {
      await gateway.remove();
      throw error;
    }
    return gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The official SDK, as somebody beside the service would use it. */
  get stripe(): Stripe {
    const address = { host: "127.0.0.1", port: this.#port, protocol: "http" } as const;
    return new Stripe(KEY, { ...address, maxNetworkRetries: 0, telemetry: false });
  }

  /** Starts it again, on the same folder and the same port. */
  async start(): Promise<void> {
    const flags = ["--port", String(this.#port), "--data", this.#directory];
    const child = spawn(process.execPath, [...COMMAND, ...flags], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    this.#said = "";
    const deadline = AbortSignal.timeout(READY_TIMEOUT_MS);
    child.stderr.on("data", (text: Buffer) => (this.#said += text.toString()));
    child.stdout.on("data", (text: Buffer) => {
      this.#said += text.toString();
      child.emit("said");
    });
    child.once("close", () => child.emit("said"));
    while (!READY.test(this.#said)) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the gateway ended before it was ready: ${this.#said}`);
      await once(child, "said", { signal: deadline });
    }
    this.#port = Number(READY.exec(this.#said)?.[1]);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  /** An endpoint for all events; it is sent nothing that arrives before `forward` says where. */
  async createEndpoint(): Promise<WebhookEndpoint> {
    const { id, secret } = await this.stripe.webhookEndpoints.create({ url: NOWHERE, enabled_events: ["*"] });
    if (secret === undefined) throw new Error("the gateway told no secret");
    return { id, secret };
  }

  /** Sends an endpoint's webhooks to a service. */
  async forward(endpoint: WebhookEndpoint, service: { readonly http: { readonly port: number } }): Promise<void> {
    await this.stripe.webhookEndpoints.update(endpoint.id, {
      url: `http://127.0.0.1:${service.http.port}${WEBHOOK_PATH}`,
    });
  }

  /** A call of the control API. Fails when it is refused. */
  async control<T>(path: string, body?: object): Promise<T> {
    const answer = await fetch(`${this.url}/_gateway/${path}`, {
      ...(body && { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    const told: unknown = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(told)}`);
    return told as T;
  }

  turn(knobs: Knobs): Promise<unknown> {
    return this.control("webhooks", knobs);
  }

  /** Sends what was held or dropped. */
  release(): Promise<unknown> {
    return this.control("webhooks/release", {});
  }

  async deliveries(): Promise<DeliveryCounts> {
    return (await this.control<{ deliveries: DeliveryCounts }>("webhooks")).deliveries;
  }

  /** The customer pays on the page of a checkout. Gives whether that was still possible. */
  async pay(sessionId: string, paymentMethod = "pm_card_visa"): Promise<boolean> {
    return this.control(`checkout/sessions/${sessionId}/pay`, { payment_method: paymentMethod }).then(
      () => true,
      () => false,
    );
  }

  /** The cardholder's answer to the bank; a refusal is a decline. */
  async authenticate(intentId: string, approve: boolean): Promise<void> {
    await this.control(`payment_intents/${intentId}/authenticate`, { approve }).catch((error: unknown) => {
      if (approve) throw error;
    });
  }

  journal(): Promise<JournalAudit> {
    return readJournal(this.journalPath);
  }

  /** Waits until the journal is as wished. */
  async untilJournal(holds: (audit: JournalAudit) => boolean): Promise<void> {
    const signal = AbortSignal.timeout(JOURNAL_TIMEOUT_MS);
    const watcher = watch(this.journalPath);
    const changes = on(watcher, "change", { signal });
    try {
      while (!holds(await this.journal())) await changes.next();
    } finally {
      watcher.close();
    }
  }

  get #directory(): string {
    return join(this.#folder, "gateway");
  }

  /** For those to whom its journal is too large to be read at once. */
  get journalPath(): string {
    return join(this.#directory, "journal.jsonl");
  }
}
