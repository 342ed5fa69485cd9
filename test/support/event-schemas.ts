// The published JSON Schemas of the events, as a consumer who has nothing else would use them.
import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

const FOLDER = new URL("../../gen/payment/v1/events/", import.meta.url);

const ajv = new Ajv2020({
  strict: true,
  allErrors: true,
  formats: { "date-time": (text: string) => !Number.isNaN(Date.parse(text)) },
});

function compile(file: string): [string, ValidateFunction] {
  const schema = JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")) as object;
  return [file.replace(/\.json$/, ""), ajv.compile(schema)];
}

const VALIDATORS: ReadonlyMap<string, ValidateFunction> = new Map(readdirSync(FOLDER).map(compile));

/** By the events' subjects. */
export const EVENT_SUBJECTS: readonly string[] = [...VALIDATORS.keys()];

/** What is wrong with a body by the schema of its subject; empty: nothing. */
export function complaintsOf(subject: string, body: unknown): string[] {
  const validate = VALIDATORS.get(subject);
  if (!validate) return [`there is no schema for ${subject}`];
  return validate(body) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}
