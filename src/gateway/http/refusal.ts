// What the API answers in place of an object: Stripe's error bodies. The core's own errors (GatewayError) become the same.
// https://docs.stripe.com/api/errors
import type { GatewayError } from "../objects.ts";

export interface Refusal {
  readonly status: number;
  readonly type: GatewayError["type"];
  readonly code: string | null;
  readonly decline_code: string | null;
  readonly message: string;
  readonly param: string | null;
  /** The charge that failed. */
  readonly charge?: string | null;
}

export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

export function found<T>(value: T): Read<T> {
  return { ok: true, value };
}

export function refused(refusal: Refusal): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal };
}

export interface Details {
  readonly code?: string;
  readonly param?: string;
  readonly status?: number;
}

export function invalidRequest(message: string, { code, param, status = 400 }: Details = {}): Refusal {
  return {
    status,
    type: "invalid_request_error",
    code: code ?? null,
    decline_code: null,
    message,
    param: param ?? null,
  };
}

/** Something that a path names is not there. */
export function notFound(kind: string, id: string, param = "id"): Refusal {
  return invalidRequest(`No such ${kind}: '${printable(id)}'`, { code: "resource_missing", param, status: 404 });
}

/** Something that a parameter names is not there. */
export function noSuch(kind: string, { id, param }: { id: string; param: string }): Refusal {
  return invalidRequest(`No such ${kind}: '${printable(id)}'`, { code: "resource_missing", param });
}

/** What a caller sent, fit for a message. What may be a card's number never comes back in one. */
export function printable(text: string): string {
  const short = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return /\d{12}/.test(short.replace(/[ -]/g, "")) && !/^[a-z]+_/.test(short) ? "(a number)" : short;
}

/** The members of an error body that say what is wrong; those that are unset are left out, as Stripe does. */
export function errorFields(refusal: Refusal): Readonly<Record<string, string>> {
  const { type, charge, code, decline_code, message, param } = refusal;
  const docUrl = code === null ? null : `https://stripe.com/docs/error-codes/${code.replaceAll("_", "-")}`;
  const fields = { charge, code, decline_code, doc_url: docUrl, message, param, type };
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string] => typeof field[1] === "string"),
  );
}
