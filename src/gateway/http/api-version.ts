// Stripe's API versions: a date, and since 2024-09-30 the name of its release. All that exist get the objects of the latest one.
import { invalidRequest, printable, type Refusal } from "./refusal.ts";

export const API_VERSION = "2026-10-28.endive";

const RELEASES = ["acacia", "basil", "clover", "dahlia", "endive", "preview"];
const OLDEST = "2011-01-01";
const FIRST_NAMED = "2024-09-30";

/** What is wrong with the version that a request asks for, or undefined. */
export function versionProblem(version: string | undefined): Refusal | undefined {
  if (version === undefined || version === API_VERSION) return undefined;
  const [, date = "", release = null] = /^(\d{4}-\d{2}-\d{2})(?:\.([a-z]+))?$/.exec(version) ?? [];
  const named = release !== null && RELEASES.includes(release) && date >= FIRST_NAMED;
  const plain = release === null && date >= OLDEST && date < FIRST_NAMED;
  const exists = !Number.isNaN(Date.parse(date)) && date <= API_VERSION.slice(0, 10);
  if (exists && (named || plain)) return undefined;
  return invalidRequest(`Invalid Stripe API version: ${printable(version)}`, { param: "Stripe-Version" });
}
