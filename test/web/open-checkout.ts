// The gateway with its checkout page on a port of its own, and a shop whose pages customers come back to.
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createCheckoutRoutes } from "../../src/gateway/http/checkout-routes.ts";
import type { Life } from "../../src/gateway/objects.ts";
import type { CreateSessionParams } from "../../src/gateway/sessions.ts";
import { loadCheckoutAssets } from "../../src/web/pages.ts";
import { GatewayBench, session } from "../gateway/open-gateway.ts";

export const MERCHANT = "Northwind Books";

export interface Site {
  readonly origin: string;
  close(): Promise<void>;
}

export async function openSite(listener: RequestListener): Promise<Site> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, close: () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

export interface Checkout {
  readonly bench: GatewayBench;
  readonly gateway: Site;
  readonly shop: Site;
  /** Makes a session, and gives its id and where its page is. */
  create(params?: Partial<CreateSessionParams>): Promise<{ readonly id: string; readonly url: string }>;
  look(id: string): Promise<Life>;
  close(): Promise<void>;
}

export async function openCheckout(): Promise<Checkout> {
  const bench = await GatewayBench.make();
  const routes = createCheckoutRoutes({
    gateway: bench.gateway,
    assets: loadCheckoutAssets(),
    merchantName: MERCHANT,
  });
  const gateway = await openSite(routes);
  const shop = await openSite((_request, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Shop</title><h1>Shop</h1>");
  });
  return {
    bench,
    gateway,
    shop,
    async create(params = {}) {
      const urls = {
        success_url: `${shop.origin}/thanks?session_id={CHECKOUT_SESSION_ID}`,
        cancel_url: `${shop.origin}/basket`,
      };
      const life = await bench.life(session({ amount: 1999n, description: "A book", ...urls, ...params }));
      const id = life.session?.id ?? "";
      return { id, url: `${gateway.origin}/c/pay/${id}` };
    },
    look: (id) => bench.look(id),
    async close() {
      await Promise.all([gateway.close(), shop.close()]);
      await bench.dispose();
    },
  };
}
