// What the pages for people are served from: the service's own success and cancel pages, and the assets of the gateway's checkout page. The
// pages know nothing of the code around them: they talk to it by HTTP alone, as any other client does.
import { type Bundle, loadBundle, loadPage, loadParts, type StaticFile } from "./static-files.ts";

/** What the requests of HTTP/1.1 and HTTP/2 have in common, as far as a page is concerned. */
export interface PageRequest {
  readonly method?: string | undefined;
}

export interface PageResponse {
  writeHead(status: number, headers?: Record<string, string | number | string[] | undefined>): unknown;
  end(chunk?: string | Uint8Array): unknown;
}

export type PageHandler = (request: PageRequest, response: PageResponse) => void;

/** What the gateway's checkout routes are given. */
export interface CheckoutAssets {
  readonly checkout: StaticFile;
  /** The bank's question to whoever pays without the checkout page. */
  readonly authenticate: StaticFile;
  /** Scripts and styles by path, all under `/c/`. */
  readonly files: ReadonlyMap<string, StaticFile>;
}

export function loadCheckoutAssets(): CheckoutAssets {
  const { folder, files } = loadBundle("/c/assets");
  const values = { assets: folder, ...loadParts(["top", "notice", "challenge"]) };
  return { checkout: loadPage("checkout.html", values), authenticate: loadPage("authenticate.html", values), files };
}

/**
 * The handlers by path: `/v1/payments/success`, `/v1/payments/cancel`, and what the two load. They read the state of the payment from
 * `GET /v1/payments/session/:sessionId` of the same origin.
 */
export function createResultPages(): ReadonlyMap<string, PageHandler> {
  const bundle = loadBundle("/v1/payments/assets");
  const pages: [string, StaticFile][] = [
    ["/v1/payments/success", loadResultPage(bundle, "success")],
    ["/v1/payments/cancel", loadResultPage(bundle, "cancel")],
  ];
  return new Map([...pages, ...bundle.files].map(([path, file]) => [path, serveFile(file)]));
}

function loadResultPage({ folder }: Bundle, page: "success" | "cancel"): StaticFile {
  return loadPage("result.html", { assets: folder, page });
}

function serveFile(file: StaticFile): PageHandler {
  return ({ method }, response) => {
    if (method !== "GET" && method !== "HEAD") {
      response.writeHead(405, { allow: "GET, HEAD", "content-length": 0 });
      response.end();
      return;
    }
    response.writeHead(200, { ...file.headers, "content-length": file.body.length });
    response.end(method === "GET" ? file.body : undefined);
  };
}
