// Writes the OpenAPI document of all REST routes to openapi/payment.json (`generate`), or fails when that file is another one (`check`). It needs no
// database: registering a route touches nothing that the route will work with.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import pino from "pino";
import { openToAll } from "./api/auth.ts";
import { createRest } from "./api/rest/rest.ts";
import type { Parts } from "./app/parts.ts";
import { DIALECTS, openDialects } from "./open-dialects.ts";
import type { Provider } from "./provider/provider.ts";

const FILE = new URL("../openapi/payment.json", import.meta.url);

/** Something of which no more is there than `known`: whoever asks for anything else is told so. */
function absent<T extends object>(known: Partial<T> = {}): T {
  return new Proxy(known as T, {
    get(target, name, receiver) {
      if (name in target) return Reflect.get(target, name, receiver) as unknown;
      throw new Error(`${String(name)} is not there while the document is written`);
    },
  });
}

async function writeDocument(): Promise<string> {
  const rest = await createRest({
    parts: absent<Parts>({ providers: new Map([["mock", absent<Provider>()]]) }),
    log: pino({ level: "silent" }),
    authenticate: openToAll(),
    provider: "mock",
    dialects: openDialects(DIALECTS, {
      booking: { currency: "USD" },
      storefront: {
        publishableKey: null,
        live: false,
        successUrl: null,
        cancelUrl: null,
        version: "",
        health: absent(),
        accounts: absent(),
      },
      ledger: { reconciliation: absent() },
    }),
    rateLimit: null,
    trustedHops: 0,
  });
  const document = rest.openApi();
  await rest.close();
  return `${JSON.stringify(document, null, 2)}\n`;
}

const [command] = process.argv.slice(2);
const document = await writeDocument();
if (command === "generate") {
  mkdirSync(new URL(".", FILE), { recursive: true });
  writeFileSync(FILE, document);
} else if (command !== "check" || document !== readFileSync(FILE, "utf8")) {
  process.stderr.write(
    "openapi/payment.json is not what the routes say; run npm run openapi:generate and look at the difference.\n",
  );
  process.exit(1);
}
