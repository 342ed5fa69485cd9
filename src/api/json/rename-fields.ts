// Refusals name fields as the contract does, such as items[0].unit_price. A dialect's callers know them by their own names.
import type { Refusal } from "../../domain/error.ts";

/** The refusal with every field renamed, in its violations, its metadata and its sentence. */
export function renameFields(refusal: Refusal, rename: (field: string) => string): Refusal {
  const { violations, metadata } = refusal;
  if (violations.length === 0) return refusal;
  let { message } = refusal;
  for (const { field, description } of violations) {
    message = message.replace(`${field}: ${description}`, () => `${rename(field)}: ${description}`);
  }
  return {
    ...refusal,
    message,
    metadata: metadata["field"] === undefined ? metadata : { ...metadata, field: rename(metadata["field"]) },
    violations: violations.map(({ field, description }) => ({ field: rename(field), description })),
  };
}

/** `create_time.from_day` → `createTime.fromDay`. */
export function toCamelCase(field: string): string {
  return field.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
