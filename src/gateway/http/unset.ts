// The many fields of Stripe's objects that mean nothing here, and that clients expect all the same.

/** Takes names with spaces between them, and answers an object in which all of them are null. */
export function unset(...names: readonly string[]): Readonly<Record<string, null>> {
  return Object.fromEntries(names.flatMap((some) => some.split(" ").map((name) => [name, null])));
}
