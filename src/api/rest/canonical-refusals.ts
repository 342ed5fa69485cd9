// The refusals of the canonical dialect, and of whatever belongs to no dialect.
import { renameField } from "../json/canonical-words.ts";
import { renameFields } from "../json/rename-fields.ts";
import { describeRefusal } from "../json-http.ts";
import type { Dialect } from "./dialect.ts";

export const CANONICAL_WORDS: Pick<Dialect, "describeRefusal"> = {
  describeRefusal: ({ refusal, status }) => ({ status, body: describeRefusal(renameFields(refusal, renameField)) }),
};
