// The parameters of a route as a table: name → reader. Reading a form by its table finds what Stripe finds, in Stripe's words: parameters
// that it does not know, missing ones, and values of the wrong kind. What may be absent is null.
import { type Form, type FormFields, isList, membersOf } from "./form.ts";
import { found, invalidRequest, printable, type Read, refused } from "./refusal.ts";

/** `name` is the parameter's name as a message shows it: `card[number]`. */
export type Reader<T> = (form: Form | undefined, name: string) => Read<T>;
export type Table = Readonly<Record<string, Reader<unknown>>>;
export type ValuesOf<T extends Table> = { readonly [K in keyof T]: T[K] extends Reader<infer V> ? V : never };

const TEXT_MAX = 5000;
const LIST_MAX = 100;

/** Reads all fields by a table. The names that it does not know are refused first, as Stripe does. */
export function readFields<T extends Table>(
  table: T,
  fields: FormFields,
  path: readonly string[] = [],
): Read<ValuesOf<T>> {
  const unknown = Object.keys(fields).filter((name) => !Object.hasOwn(table, name));
  const [first] = unknown;
  if (first !== undefined) {
    const names = unknown.map((name) => printable(nameOf([...path, name])));
    const message = `Received unknown parameter${names.length > 1 ? "s" : ""}: ${names.slice(0, 10).join(", ")}`;
    return refused(invalidRequest(message, { code: "parameter_unknown", param: names[0] ?? "" }));
  }
  const values: Record<string, unknown> = {};
  for (const [name, reader] of Object.entries(table)) {
    const read = reader(Object.hasOwn(fields, name) ? fields[name] : undefined, nameOf([...path, name]));
    if (!read.ok) return read;
    values[name] = read.value;
  }
  return found(values as ValuesOf<T>);
}

function nameOf([first = "", ...rest]: readonly string[]): string {
  return first + rest.map((name) => `[${name}]`).join("");
}

export function required<T>(reader: Reader<T | null>): Reader<T> {
  return (form, name) => {
    if (form === undefined) {
      return refused(invalidRequest(`Missing required param: ${name}.`, { code: "parameter_missing", param: name }));
    }
    const read = reader(form, name);
    if (!read.ok) return read;
    return read.value === null ? refused(cannotBeEmpty(name)) : found(read.value);
  };
}

export function withDefault<T>(reader: Reader<T | null>, value: T): Reader<T> {
  return (form, name) => {
    const read = reader(form, name);
    return read.ok ? found(read.value ?? value) : read;
  };
}

/** Passes what a reader read through one more rule. */
export function refine<T, U>(reader: Reader<T | null>, rule: (value: T, name: string) => Read<U>): Reader<U | null> {
  return (form, name) => {
    const read = reader(form, name);
    if (!read.ok) return read;
    return read.value === null ? found(null) : rule(read.value, name);
  };
}

/** A text that is not empty. */
export function text(lengthMax = TEXT_MAX): Reader<string | null> {
  return (form, name) => {
    const read = clearable(lengthMax)(form, name);
    return read.ok && read.value === "" ? refused(cannotBeEmpty(name)) : read;
  };
}

/** A text that an empty one unsets. */
export function clearable(lengthMax = TEXT_MAX): Reader<string | null> {
  return (form, name) => {
    if (form === undefined) return found(null);
    if (typeof form !== "string") return refused(invalidRequest(`Invalid string: ${name}`, { param: name }));
    if (form.length <= lengthMax) return found(form);
    const message = `Invalid string: must be at most ${lengthMax} characters`;
    return refused(invalidRequest(message, { param: name }));
  };
}

export function flag(): Reader<boolean | null> {
  return refine(text(), (value, name) => {
    if (value === "true" || value === "false") return found(value === "true");
    return refused(invalidRequest(`Invalid boolean: ${printable(value)}`, { param: name }));
  });
}

const INT64_MAX = 2n ** 63n - 1n;

/** A whole number, exact whatever its size. */
export function integer({ min, max = INT64_MAX }: { min: bigint; max?: bigint }): Reader<bigint | null> {
  return refine(text(), (value, name) => {
    const details = { code: "parameter_invalid_integer", param: name };
    if (!/^-?\d{1,40}$/.test(value)) return refused(invalidRequest(`Invalid integer: ${printable(value)}`, details));
    const number = BigInt(value);
    if (number < min) return refused(invalidRequest(`This value must be greater than or equal to ${min}.`, details));
    if (number > max) return refused(invalidRequest(`This value must be less than or equal to ${max}.`, details));
    return found(number);
  });
}

/** A whole number that is never an amount. */
export function count({ min, max }: { min: number; max: number }): Reader<number | null> {
  return refine(integer({ min: BigInt(min), max: BigInt(max) }), (value) => found(Number(value)));
}

/** Unix seconds. */
export function time(): Reader<number | null> {
  return refine(text(), (value, name) => {
    if (/^\d{1,11}$/.test(value)) return found(Number(value));
    const message = `Invalid timestamp: must be an integer Unix timestamp in seconds`;
    return refused(invalidRequest(message, { code: "parameter_invalid_integer", param: name }));
  });
}

export function oneOf<const T extends string>(...allowed: readonly [T, ...T[]]): Reader<T | null> {
  return refine(text(), (value, name) => {
    const known = allowed.find((each) => each === value);
    if (known !== undefined) return found(known);
    const list = allowed.length === 1 ? allowed[0] : `one of ${allowed.slice(0, -1).join(", ")}, or ${allowed.at(-1)}`;
    return refused(invalidRequest(`Invalid ${name}: must be ${list}`, { param: name }));
  });
}

/** A map whose members have a table of their own. */
export function fields<T extends Table>(table: T): Reader<ValuesOf<T> | null> {
  return (form, name) => {
    if (form === undefined) return found(null);
    if (typeof form === "string" || isList(form)) return refused(invalidRequest("Invalid object", { param: name }));
    const path = name.split("[").map((part) => part.replace(/\]$/, ""));
    return readFields(table, form, path);
  };
}

export function list<T>(reader: Reader<T | null>): Reader<readonly T[] | null> {
  return (form, name) => {
    if (form === undefined) return found(null);
    const members = membersOf(form);
    if (members === undefined) return refused(invalidRequest("Invalid array", { param: name }));
    if (members.length > LIST_MAX) {
      return refused(invalidRequest(`Invalid array: more than ${LIST_MAX} members`, { param: name }));
    }
    const values: T[] = [];
    for (const [index, member] of members.entries()) {
      const read = required(reader)(member, `${name}[${index}]`);
      if (!read.ok) return read;
      values.push(read.value);
    }
    return found(values);
  };
}

const METADATA_KEYS_MAX = 50;
const METADATA_KEY_MAX = 40;
const METADATA_VALUE_MAX = 500;

/** Pairs of texts. An empty value unsets its key, and `metadata=` all of them: they come as empty texts, and as {} respectively. */
export function metadata(): Reader<Readonly<Record<string, string>> | null> {
  return (form, name) => {
    if (form === undefined) return found(null);
    if (form === "") return found({});
    if (typeof form === "string" || isList(form)) return refused(invalidRequest("Invalid object", { param: name }));
    const pairs = Object.entries(form);
    if (pairs.length > METADATA_KEYS_MAX) {
      return refused(invalidRequest(`Metadata can have up to ${METADATA_KEYS_MAX} keys.`, { param: name }));
    }
    for (const [key, value] of pairs) {
      const problem = metadataProblem(key, value);
      if (problem) return refused(invalidRequest(problem, { param: name }));
    }
    return found(form as Readonly<Record<string, string>>);
  };
}

function metadataProblem(key: string, value: Form): string | undefined {
  if (typeof value !== "string") return `Metadata values must be strings, but for key '${printable(key)}' one was not.`;
  if (key.length > METADATA_KEY_MAX) {
    return `Metadata keys can have up to ${METADATA_KEY_MAX} characters, but you passed in a key that is ${key.length} characters.`;
  }
  if (value.length <= METADATA_VALUE_MAX) return undefined;
  return `Metadata values can have up to ${METADATA_VALUE_MAX} characters, but you passed in a value that is ${value.length} characters.`;
}

/** Takes a parameter that this gateway has no use for, whatever it is. */
export function ignored(): Reader<null> {
  return () => found(null);
}

/** Parameters that Stripe knows and this gateway does not, in names with spaces between them. They are refused, rather than left undone. */
export function unsupported(...names: readonly string[]): Readonly<Record<string, Reader<null>>> {
  const refuseIfSent: Reader<null> = (form, name) => {
    if (form === undefined) return found(null);
    const message = `This gateway does not support the parameter ${name}, which Stripe does.`;
    return refused(invalidRequest(message, { code: "parameter_unknown", param: name }));
  };
  return Object.fromEntries(names.flatMap((some) => some.split(" ").map((name) => [name, refuseIfSent])));
}

function cannotBeEmpty(name: string) {
  return invalidRequest(
    `You passed an empty string for '${name}'. We assume empty values are an attempt to unset a parameter; however '${name}' cannot be unset. You should remove '${name}' from your request or supply a non-empty value.`,
    { code: "parameter_invalid_empty", param: name },
  );
}
