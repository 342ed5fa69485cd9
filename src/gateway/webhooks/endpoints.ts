// Webhook endpoints: where events are sent, which, and signed with what. They are kept in a file of JSON, `endpoints.json`, that only its owner
// can read, since the secrets are in it.
import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { mintBase, type Metadata, unixSeconds } from "../objects.ts";

interface Secret {
  readonly value: string;
  /** Unix seconds after which it signs no more; null for never. */
  readonly until: number | null;
}

export interface WebhookEndpoint {
  readonly id: string;
  readonly object: "webhook_endpoint";
  readonly url: string;
  /** Types of events, or `*` alone for all. */
  readonly enabled_events: readonly string[];
  readonly status: "enabled" | "disabled";
  readonly description: string | null;
  readonly api_version: string | null;
  readonly metadata: Metadata;
  readonly livemode: false;
  readonly created: number;
  /** The latest last. Stripe tells the secret once, to whoever made the endpoint. */
  readonly secrets: readonly Secret[];
}

export interface CreateEndpointParams {
  readonly url: string;
  readonly enabled_events: readonly string[];
  readonly description?: string | null;
  readonly api_version?: string | null;
  readonly metadata?: Metadata;
  /** Made up when absent. */
  readonly secret?: string;
}

/** What is absent stays as it is. */
export interface UpdateEndpointParams {
  readonly url?: string;
  readonly enabled_events?: readonly string[];
  readonly description?: string | null;
  readonly disabled?: boolean;
  readonly metadata?: Metadata;
}

export class Endpoints {
  readonly #path: string;
  #endpoints: readonly WebhookEndpoint[];

  /** Throws when the file is there and cannot be read. */
  constructor(path: string) {
    this.#path = path;
    this.#endpoints = readEndpoints(path);
  }

  /** The oldest first. */
  list(): readonly WebhookEndpoint[] {
    return this.#endpoints;
  }

  find(id: string): WebhookEndpoint | undefined {
    return this.#endpoints.find((each) => each.id === id);
  }

  create(params: CreateEndpointParams, now: Date): WebhookEndpoint {
    const endpoint: WebhookEndpoint = {
      id: `we_${mintBase(now)}`,
      object: "webhook_endpoint",
      url: params.url,
      enabled_events: params.enabled_events,
      status: "enabled",
      description: params.description ?? null,
      api_version: params.api_version ?? null,
      metadata: params.metadata ?? {},
      livemode: false,
      created: unixSeconds(now),
      secrets: [{ value: params.secret ?? mintSecret(), until: null }],
    };
    this.#keep([...this.#endpoints, endpoint]);
    return endpoint;
  }

  update(id: string, { disabled, ...changes }: UpdateEndpointParams): WebhookEndpoint | undefined {
    const status = disabled === undefined ? {} : { status: disabled ? ("disabled" as const) : ("enabled" as const) };
    return this.#change(id, (endpoint) => ({ ...endpoint, ...changes, ...status }));
  }

  /** Signs with another secret from now on, and with the old ones as well until a time. */
  rollSecret(
    id: string,
    { secret, until }: { readonly secret?: string; readonly until: Date },
  ): WebhookEndpoint | undefined {
    const end = unixSeconds(until);
    return this.#change(id, (endpoint) => {
      const old = endpoint.secrets.map((each) => ({ ...each, until: Math.min(each.until ?? end, end) }));
      return { ...endpoint, secrets: [...old, { value: secret ?? mintSecret(), until: null }] };
    });
  }

  /** Answers whether there was one. */
  remove(id: string): boolean {
    if (this.find(id) === undefined) return false;
    this.#keep(this.#endpoints.filter((each) => each.id !== id));
    return true;
  }

  #change(id: string, change: (endpoint: WebhookEndpoint) => WebhookEndpoint): WebhookEndpoint | undefined {
    this.#keep(this.#endpoints.map((each) => (each.id === id ? change(each) : each)));
    return this.find(id);
  }

  #keep(endpoints: readonly WebhookEndpoint[]): void {
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(endpoints)}\n`, { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
    this.#endpoints = endpoints;
  }
}

/** The secrets that sign at a time. */
export function activeSecrets({ secrets }: WebhookEndpoint, at: Date): string[] {
  const seconds = unixSeconds(at);
  return secrets.filter(({ until }) => until === null || seconds < until).map(({ value }) => value);
}

export function wants({ status, enabled_events: types }: WebhookEndpoint, type: string): boolean {
  return status === "enabled" && (types.includes("*") || types.includes(type));
}

function mintSecret(): string {
  return `whsec_${randomBytes(24).toString("base64url").replace(/[-_]/g, "0")}`;
}

function readEndpoints(path: string): readonly WebhookEndpoint[] {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as WebhookEndpoint[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new Error("the gateway's webhook endpoints cannot be read: restore their file, or move it away", {
      cause: error,
    });
  }
}
