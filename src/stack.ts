// What has been started, so that it is stopped.
import type { Logger } from "pino";
import type { EmbeddedServer } from "./embedded/server-process.ts";

/** What has been started, newest last; it is stopped in the opposite order. */
export class Stack {
  readonly #stops: (() => Promise<unknown> | void)[] = [];
  readonly #embedded: EmbeddedServer[] = [];

  onStop(stop: () => Promise<unknown> | void): void {
    this.#stops.push(stop);
  }

  addEmbedded(server: EmbeddedServer): void {
    this.#embedded.push(server);
    this.onStop(() => server.stop());
  }

  async stop(log: Logger): Promise<void> {
    for (let stop = this.#stops.pop(); stop; stop = this.#stops.pop()) {
      try {
        await stop();
      } catch (error) {
        log.error({ err: error }, "a part did not stop as it should");
      }
    }
  }

  /** Leaves no embedded server behind, without waiting for anything. */
  killNow(): void {
    for (const server of this.#embedded) server.killNow();
  }
}
