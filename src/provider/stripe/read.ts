// Reads what a provider sent, field by field, and believes none of it: a good signature or a known address says who wrote a body, and not that
// it makes sense.

export type Fields = Readonly<Record<string, unknown>>;

/** What was sent is not what it should be. The message names the field, and never its value. */
export class BodyProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = "BodyProblem";
  }
}

/** Takes a value for an object; `name` is what a problem calls it. */
export function asFields(value: unknown, name: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new BodyProblem(`there is no object "${name}"`);
}

export function readFields(source: Fields, key: string): Fields {
  return asFields(source[key], key);
}

/** The object under a key; null where there is none, or where only its id is. */
export function readExpanded(source: Fields, key: string): Fields | null {
  const value = source[key];
  return typeof value === "object" && value !== null ? asFields(value, key) : null;
}

/** The id of the object under a key, whether it is expanded or not; null where there is none. */
export function readIdOf(source: Fields, key: string): string | null {
  const expanded = readExpanded(source, key);
  return expanded === null ? readTextOrNull(source, key) : readText(expanded, "id");
}

export function readText(source: Fields, key: string): string {
  const value = source[key];
  if (typeof value !== "string" || value === "") throw new BodyProblem(`there is no text "${key}"`);
  if (value.isWellFormed() && !value.includes("\0")) return value;
  throw new BodyProblem(`the text "${key}" holds what no database can`);
}

export function readTextOrNull(source: Fields, key: string): string | null {
  const value = source[key];
  return value === null || value === undefined || value === "" ? null : readText(source, key);
}

export function readFlag(source: Fields, key: string): boolean {
  const value = source[key];
  if (typeof value === "boolean") return value;
  throw new BodyProblem(`there is no flag "${key}"`);
}

/** An amount as it was sent, in whatever units. */
export function readAmount(source: Fields, key: string): bigint {
  const value = source[key];
  if (typeof value === "bigint" && value >= 0n) return value;
  throw new BodyProblem(`there is no amount "${key}"`);
}

/** Unix seconds. */
export function readSeconds(source: Fields, key: string): number {
  const value = source[key];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= SECONDS_MAX) return value;
  throw new BodyProblem(`there is no time "${key}"`);
}

export function readSecondsOrNull(source: Fields, key: string): number | null {
  return source[key] === null || source[key] === undefined ? null : readSeconds(source, key);
}

export function readOneOf<const T extends string>(source: Fields, key: string, known: readonly T[]): T {
  const found = known.find((each) => each === source[key]);
  if (found !== undefined) return found;
  throw new BodyProblem(`there is no known "${key}"`);
}

/** The year 9999: what a Date and a database can hold. */
const SECONDS_MAX = 253_402_300_799;
