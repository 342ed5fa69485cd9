// A whole Stripe in one folder: the gateway with its journal, its webhooks, and the server of its wire face.
import { join } from "node:path";
import { Gateway } from "../gateway.ts";
import { Webhooks } from "../webhooks/webhooks.ts";
import { printWebhook } from "./render-event.ts";
import { type GatewayServer, type GatewayServerOptions, type Pages, startGatewayServer } from "./server.ts";

export interface LocalStripeOptions extends Omit<GatewayServerOptions, "gateway" | "webhooks" | "pages"> {
  /** What it keeps; it is made when it is not there. Only one process may use it at a time. */
  readonly directory: string;
  readonly now: () => Date;
  /** Makes the pages that are served beside the API. */
  readonly pages?: (gateway: Gateway) => Pages;
}

export interface LocalStripe extends GatewayServer {
  readonly gateway: Gateway;
  readonly webhooks: Webhooks;
}

/** Throws when what is kept cannot be read, or the port is taken. */
export async function startLocalStripe(options: LocalStripeOptions): Promise<LocalStripe> {
  const { directory, now, pages, ...rest } = options;
  const gateway = new Gateway({ journalPath: join(directory, "journal.jsonl"), now });
  // Known once the server listens, which is before the first webhook is printed: that takes a turn of the event loop.
  const site = { publicUrl: options.publicUrl ?? "" };
  const webhooks = new Webhooks({ gateway, directory, print: (record) => printWebhook(record, site) });
  try {
    const server = await startGatewayServer({ ...rest, gateway, webhooks, ...(pages && { pages: pages(gateway) }) });
    site.publicUrl = options.publicUrl ?? server.url;
    const stop = async (): Promise<void> => {
      await server.stop();
      await webhooks.close();
      await gateway.close();
    };
    return { ...server, gateway, webhooks, stop };
  } catch (error) {
    await webhooks.close();
    await gateway.close();
    throw error;
  }
}
