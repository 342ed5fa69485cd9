// What main.ts gives to the function that opens a provider. To add a provider: a folder in provider/ that has what provider.ts asks for, a file here
// that opens it, and its line in main.ts.
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { Provider } from "./provider/provider.ts";

export interface ProviderContext {
  readonly config: Config;
  readonly log: Logger;
  /** Where customers come back to: the pages of this service, for payments that name no others. Asked for at each use, since the port may be a free one. */
  readonly returnUrls: { readonly success: string; readonly cancel: string };
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
