// The JSON Schemas of the events' bodies, which buf makes of payment_event.proto: /schemas/events lists them by subject.
import { readdirSync, readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";

const FOLDER = new URL("../../../gen/payment/v1/events/", import.meta.url);
const PATH = "/schemas/events";
/** Consumers may keep a schema for an hour; fields are only ever added. */
const CACHE_CONTROL = "public, max-age=3600";

export function serveEventSchemas(app: FastifyInstance): void {
  const files = readdirSync(FOLDER).toSorted();
  const paths = Object.fromEntries(files.map((file) => [file.replace(/\.json$/, ""), `${PATH}/${file}`]));
  app.get(PATH, { schema: { hide: true } }, () => paths);
  for (const file of files) {
    const schema = readFileSync(new URL(file, FOLDER), "utf8");
    app.get(`${PATH}/${file}`, { schema: { hide: true } }, (_request, reply) =>
      reply.header("cache-control", CACHE_CONTROL).type("application/schema+json").send(schema),
    );
  }
}
