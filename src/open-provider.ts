// What main.ts gives to the function that opens a provider. To add a provider: a folder in provider/ that has what provider.ts asks for, a file here
// that opens it, and its line in main.ts.
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { Database } from "./db/database.ts";
import type { Provider } from "./provider/provider.ts";
import type { Stack } from "./stack.ts";

export interface ProviderContext {
  readonly config: Config;
  readonly database: Database;
  readonly log: Logger;
  /** The service's clock. */
  readonly now: () => Date;
  /** Where customers come back to: the pages of this service, for payments that name no others. Asked for at each use, since the port may be a free one. */
  readonly returnUrls: { readonly success: string; readonly cancel: string };
  /** To be told when a provider that was away is there again. */
  readonly onBack: (name: string) => void;
  readonly onStop: (stop: () => Promise<unknown> | void) => void;
  /** Once the doors are open. `url` is where this process reaches itself. */
  readonly onOpen: (open: (url: string) => void) => void;
}

export interface OpenedProvider {
  readonly provider: Provider;
  /** For the person who starts the service. */
  readonly description: string;
}

export type OpenProvider = (context: ProviderContext) => Promise<OpenedProvider>;

/** Tells those who wait for it that the doors are open. */
export class Opening {
  readonly #waiting: ((url: string) => void)[] = [];
  /** Where this process reaches itself. */
  url: string;

  constructor(url: string) {
    this.url = url;
  }

  wait(open: (url: string) => void): void {
    this.#waiting.push(open);
  }

  announce(url: string): void {
    this.url = url;
    for (const open of this.#waiting) open(url);
  }
}

/** Opens those of the configuration, by name. */
export async function openProviders(
  known: Readonly<Record<string, OpenProvider>>,
  {
    stack,
    opening,
    ...given
  }: Pick<ProviderContext, "config" | "database" | "log" | "now" | "onBack"> & {
    readonly stack: Stack;
    readonly opening: Opening;
  },
): Promise<OpenedProvider[]> {
  const { config } = given;
  const page = (name: string): string => `${config.publicUrl ?? opening.url}/v1/payments/${name}`;
  const context: ProviderContext = {
    ...given,
    returnUrls: {
      get success() {
        return page("success");
      },
      get cancel() {
        return page("cancel");
      },
    },
    onStop: (stop) => stack.onStop(stop),
    onOpen: (open) => opening.wait(open),
  };
  const opened: OpenedProvider[] = [];
  for (const name of config.providers) {
    const open = known[name];
    if (open) opened.push(await open(context));
  }
  return opened;
}
