// Form-encoded parameters as Stripe reads them: `metadata[order]=1`, `expand[]=a`, `expand[0]=a`, `line_items[0][quantity]=2`. What comes
// out is texts, lists and maps of them; what each must be is said by the parameters of its route (parameters.ts).
import qs from "qs";

export type Form = string | readonly Form[] | { readonly [name: string]: Form };
export type FormFields = Readonly<Record<string, Form>>;

const FIELDS_MAX = 1000;
const DEPTH_MAX = 8;

/** Reads a body or a query. */
export function parseForm(text: string): FormFields {
  const parsed = qs.parse(text, {
    depth: DEPTH_MAX,
    parameterLimit: FIELDS_MAX,
    // Lists are made below: qs makes one of `metadata[0]`, too, whose name is a text like any other.
    parseArrays: false,
    plainObjects: true,
  });
  return copyFields(parsed);
}

/** The members of a list, in the order of their indices or in which they were sent; undefined when the form holds no list. */
export function membersOf(form: Form): readonly Form[] | undefined {
  if (typeof form === "string") return undefined;
  if (isList(form)) return form;
  const names = Object.keys(form);
  // All that was sent as `expand[]` comes as one list under the first index.
  return names.every((name) => /^\d{1,4}$/.test(name)) ? names.flatMap((name) => form[name] ?? "") : undefined;
}

export function isList(form: Form): form is readonly Form[] {
  return Array.isArray(form);
}

function copyFields(value: object): FormFields {
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, copyForm(field)]));
}

function copyForm(value: unknown): Form {
  if (Array.isArray(value)) return value.map(copyForm);
  if (typeof value === "object" && value !== null) return copyFields(value);
  return typeof value === "string" ? value : "";
}
