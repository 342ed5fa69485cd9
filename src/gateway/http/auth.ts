// Who may call: anyone with a test key, as in Stripe's test mode; a key is not looked up, only read. Keys that begin with
// sk_test_revoked or sk_test_expired stand for one that was rolled, so that its refusal can be tried.
import { invalidRequest, type Refusal } from "./refusal.ts";

const TEST_KEY = /^(?:sk|rk)_test_\w{1,250}$/;
const ROLLED_KEY = /^(?:sk|rk)_test_(?:revoked|expired)/;

/** What is wrong with the key of a request, or undefined. */
export function keyProblem(authorization: string | undefined): Refusal | undefined {
  const key = keyOf(authorization);
  if (key === undefined) {
    return invalidRequest(
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
      { status: 401 },
    );
  }
  if (!TEST_KEY.test(key)) return invalidRequest(`Invalid API Key provided: ${masked(key)}`, { status: 401 });
  if (!ROLLED_KEY.test(key)) return undefined;
  return invalidRequest(`Expired API Key provided: ${masked(key)}`, { status: 401, code: "api_key_expired" });
}

/** Bearer, or Basic with the key as the user's name. */
function keyOf(authorization: string | undefined): string | undefined {
  const [, scheme = "", value = ""] = /^(bearer|basic)\s+(\S+)\s*$/i.exec(authorization ?? "") ?? [];
  const key = scheme.toLowerCase() === "basic" ? Buffer.from(value, "base64").toString().split(":")[0] : value;
  return key === "" ? undefined : key;
}

/** Shows a key's kind and its last four characters, and nothing of what lies between. */
function masked(key: string): string {
  const [, kind = "", rest = ""] = /^((?:sk|rk|pk)_(?:test|live)_)?(.*)$/s.exec(key) ?? [];
  const hidden = rest.length > 8 ? rest.length - 4 : rest.length;
  const shown = rest.slice(hidden).replace(/[^\w]/g, "*");
  return kind + "*".repeat(Math.min(hidden, 40)) + shown;
}
