// What a consumer without the .proto files fetches: the schemas of the events, from the service itself.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, describe, it } from "node:test";
import { EVENT_SUBJECTS } from "../../support/event-schemas.ts";
import { openRest } from "./open-rest.ts";

const opening = openRest({ after });

describe("/schemas/events", () => {
  it("lists where the schema of each subject is", async () => {
    const { ask } = await opening;
    const { status, body } = await ask("GET", "/schemas/events");
    assert.equal(status, 200);
    assert.deepEqual(
      body,
      Object.fromEntries(EVENT_SUBJECTS.map((subject) => [subject, `/schemas/events/${subject}.json`])),
    );
  });

  it("serves each as it was made of the contract, to be kept for an hour", async () => {
    const { ask } = await opening;
    for (const subject of EVENT_SUBJECTS) {
      const { status, headers, text } = await ask("GET", `/schemas/events/${subject}.json`);
      assert.equal(status, 200);
      assert.match(headers.get("content-type") ?? "", /^application\/schema\+json/);
      assert.equal(headers.get("cache-control"), "public, max-age=3600");
      const made = new URL(`../../../gen/payment/v1/events/${subject}.json`, import.meta.url);
      assert.equal(text, await readFile(made, "utf8"));
    }
  });

  it("has none for what is no subject", async () => {
    const { ask } = await opening;
    for (const name of ["payment.paid.json", "..%2fpayment_event_pb.ts", "payment.created"])
      assert.equal((await ask("GET", `/schemas/events/${name}`)).status, 404, name);
  });
});
