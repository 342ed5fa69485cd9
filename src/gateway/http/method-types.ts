// Which types of payment methods a payment takes. Since 2026-09-30 a caller allows types (`allowed_payment_method_types`) and Stripe chooses among
// them; before, a caller could name them (`payment_method_types`). This gateway has cards.
import { list, type Reader, refine, text } from "./parameters.ts";
import { found, invalidRequest, printable, type Refusal, refused } from "./refusal.ts";

const FIRST_WITHOUT_NAMING = "2026-09-30";

const TYPE: Reader<string | null> = refine(text(100), (value, param) => {
  if (/^[a-z][a-z0-9_]*$/.test(value)) return found(value);
  return refused(invalidRequest(`Invalid ${param}: ${printable(value)} is not a type of payment methods`, { param }));
});

export const METHOD_TYPES = { allowed_payment_method_types: list(TYPE), payment_method_types: list(TYPE) };

export interface MethodTypes {
  readonly allowed_payment_method_types: readonly string[] | null;
  readonly payment_method_types: readonly string[] | null;
}

/** `version` is that of the request. */
export function methodTypesProblem(
  { allowed_payment_method_types: allowed, payment_method_types: named }: MethodTypes,
  version: string,
): Refusal | undefined {
  if (named !== null && version >= FIRST_WITHOUT_NAMING) {
    const message = "Received unknown parameter: payment_method_types. Did you mean allowed_payment_method_types?";
    return invalidRequest(message, { code: "parameter_unknown", param: "payment_method_types" });
  }
  if ((allowed ?? named)?.includes("card") !== false) return undefined;
  const param = allowed === null ? "payment_method_types" : "allowed_payment_method_types";
  return invalidRequest("This gateway has no payment methods but card, which is not among these types.", { param });
}

/** What the core keeps of them; the answers have it in the fields of these names. */
export function methodTypesDetails({
  allowed_payment_method_types: allowed,
  payment_method_types: named,
}: MethodTypes) {
  return { payment_method_types: named?.join(",") ?? "card", allowed_payment_method_types: allowed?.join(",") ?? null };
}

/** True where none of the types would send the customer elsewhere. */
export function stayOnThePage({
  allowed_payment_method_types: allowed,
  payment_method_types: named,
}: MethodTypes): boolean {
  return named !== null || allowed?.every((type) => type === "card") === true;
}
