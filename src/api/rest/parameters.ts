// The parameters of paths and queries, which are texts whatever they mean.
import type { FastifyRequest } from "fastify";
import { accept, type Result, refuseField } from "../../domain/error.ts";

type Parameters = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A parameter of the path. */
export function textParameter(request: FastifyRequest, name: string): string {
  const value = (request.params as Parameters)[name];
  return typeof value === "string" ? value : "";
}

/** The values of a query's parameter, which may be repeated. */
export function queryList(request: FastifyRequest, name: string): readonly string[] {
  const query = request.query as Parameters;
  const value = Object.hasOwn(query, name) ? query[name] : undefined;
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}

/** A query's parameter; empty when it is absent. Refuses a repeated one. */
export function queryText(request: FastifyRequest, name: string): Result<string> {
  const [value = "", ...others] = queryList(request, name);
  if (others.length === 0) return accept(value);
  return refuseField("INVALID_ARGUMENT", name, "is given more than once; give it once");
}

/** A query's whole number; 0 when it is absent. */
export function queryInteger(request: FastifyRequest, name: string): Result<number> {
  const text = queryText(request, name);
  if (!text.ok) return text;
  if (text.value === "") return accept(0);
  if (/^-?\d{1,9}$/.test(text.value)) return accept(Number(text.value));
  return refuseField("INVALID_ARGUMENT", name, "must be a whole number");
}

/** A time in ISO 8601 with its offset, or a date. */
export function parseTime(text: string, name: string): Result<Date> {
  const isTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const time = new Date(isTime ? text : Number.NaN);
  if (!Number.isNaN(time.getTime())) return accept(time);
  return refuseField("INVALID_ARGUMENT", name, "must be a time such as 2025-05-01T10:00:00Z, or a date");
}

/** A query's time, as parseTime reads it; null when it is absent. */
export function queryTime(request: FastifyRequest, name: string): Result<Date | null> {
  const text = queryText(request, name);
  if (!text.ok) return text;
  return text.value === "" ? accept(null) : parseTime(text.value, name);
}
