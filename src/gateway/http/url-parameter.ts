// Addresses to which a browser is sent: absolute, with a scheme that browsers follow or that an app registered.
import { type Reader, refine, text } from "./parameters.ts";
import { found, invalidRequest, refused } from "./refusal.ts";

const SCRIPTS = ["javascript:", "data:", "vbscript:", "blob:", "file:"];

export function url(): Reader<string | null> {
  return refine(text(), (value, name) => {
    // {CHECKOUT_SESSION_ID} may stand anywhere in it.
    const parsed = URL.parse(value.replaceAll(/[{}]/g, ""));
    if (parsed !== null && !SCRIPTS.includes(parsed.protocol) && /^[a-z][\w.+-]*:\/\//i.test(value))
      return found(value);
    return refused(invalidRequest("Not a valid URL", { code: "url_invalid", param: name }));
  });
}
