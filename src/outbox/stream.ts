// The stream that the events are published to: created when it is not there, and brought to the settings below as far as the server allows.
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import type { Logger } from "pino";

const SUBJECTS = ["payment.>"];
const DAY_MS = 24 * 60 * 60_000;
const MAX_AGE_MS = 30 * DAY_MS;
/** So long the stream remembers an event's id, and drops its repeats. */
export const DUPLICATE_WINDOW_MS = 2 * 60 * 60_000;

export interface StreamOptions {
  readonly streamName: string;
  readonly replicas: number;
}

function describeStream(options: StreamOptions) {
  return {
    subjects: SUBJECTS,
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(MAX_AGE_MS),
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    num_replicas: options.replicas,
    // The history is nobody's to rewrite: neither message by message nor at one stroke.
    deny_delete: true,
    deny_purge: true,
  } satisfies Partial<StreamConfig>;
}

async function find(manager: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw error;
  }
}

/** Changes one setting at a time, so that one that the server refuses to change does not hold the others back. */
async function update(manager: JetStreamManager, found: StreamInfo, wanted: Partial<StreamConfig>, log: Logger) {
  const { name } = found.config;
  const settings = Object.entries(wanted) as [keyof StreamConfig, unknown][];
  for (const [setting, value] of settings) {
    const present = found.config[setting];
    if (JSON.stringify(present) === JSON.stringify(value)) continue;
    try {
      await manager.streams.update(name, { [setting]: value });
      log.info({ stream: name, setting, from: present, to: value }, "stream setting changed");
    } catch (error) {
      if (!(error instanceof JetStreamApiError)) throw error;
      log.warn({ err: error, stream: name, setting, present, wanted: value }, "stream setting cannot be changed");
    }
  }
}

/** Makes sure that the stream is there. Throws when it is not, and cannot be created. */
export async function ensureStream(manager: JetStreamManager, options: StreamOptions, log: Logger): Promise<void> {
  const wanted = describeStream(options);
  const found = await find(manager, options.streamName);
  if (found) return update(manager, found, wanted, log);
  await manager.streams.add({ name: options.streamName, ...wanted });
  log.info({ stream: options.streamName }, "stream created");
}
