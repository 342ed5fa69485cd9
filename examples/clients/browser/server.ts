// Serves the page of this folder, for trying it. There is no bundler here: the browser loads the modules as they are, and this server strips the types
// from the generated client and finds the packages. In a project of your own a bundler does both.
//
//   CORS_ORIGINS=http://localhost:8090 npm start          # the payment service, which lets this page call it
//   node examples/clients/browser/server.ts               # then open http://localhost:8090
//
// PORT and PAYMENT_URL say otherwise.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, sep } from "node:path";
import { stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";

const ROOT = join(import.meta.dirname, "../../..");
const { PORT: port = "8090", PAYMENT_URL: paymentUrl = "http://localhost:8080" } = process.env;

/** What may be read: this folder, the generated client, and the packages that it and the page import. */
const FOLDERS = [
  "examples/clients/browser",
  "gen",
  "node_modules/@bufbuild/protobuf",
  "node_modules/@bufbuild/protovalidate",
  "node_modules/@connectrpc/connect",
  "node_modules/@connectrpc/connect-web",
].map((folder) => join(ROOT, folder) + sep);

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".ts": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};

/** Where a package's module is, as a path of this server. */
function findPackage(name: string): string {
  return fileURLToPath(import.meta.resolve(name))
    .slice(ROOT.length)
    .replaceAll(sep, "/");
}

/** Browsers know paths alone, and no packages. */
function namePaths(module: string): string {
  return module.replace(
    /(\b(?:from|import)\s*)"(@(?:bufbuild|connectrpc)\/[^"]+)"/g,
    (_whole, keyword: string, name: string) => `${keyword}"${findPackage(name)}"`,
  );
}

function readModule(file: string): string {
  const text = readFileSync(file, "utf8");
  if (extname(file) === ".html") return text.replaceAll("%PAYMENT_URL%", paymentUrl);
  if (extname(file) === ".css") return text;
  return namePaths(extname(file) === ".ts" ? stripTypeScriptTypes(text) : text);
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const path = pathname === "/" ? "/examples/clients/browser/page.html" : decodeURIComponent(pathname);
  const file = join(ROOT, normalize(path));
  const type = TYPES[extname(file)];
  if (type === undefined || !FOLDERS.some((folder) => file.startsWith(folder)) || !existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(readModule(file));
});
server.listen(Number(port), "127.0.0.1", () => {
  process.stdout.write(`http://localhost:${(server.address() as AddressInfo).port}\n`);
});
