// The people who call the REST doors in the tests. Each has their name for a token.
import type { Authenticate } from "../../../src/api/auth.ts";
import type { Identity } from "../../../src/app/access.ts";
import { accept, refuse } from "../../../src/domain/error.ts";

const NOBODY = { customerId: null, clientToken: null };
const PEOPLE: Readonly<Record<string, Identity>> = {
  service: { ...NOBODY, role: "service", principal: "shop" },
  admin: { ...NOBODY, role: "admin", principal: "operations" },
  ada: { ...NOBODY, role: "customer", principal: "ada", customerId: "ada" },
  bob: { ...NOBODY, role: "customer", principal: "bob", customerId: "bob" },
};

/** The holder of a client token says which one: `holder:` and the token. */
export const authenticate: Authenticate = (authorization) => {
  const token = authorization?.replace("Bearer ", "") ?? "";
  const identity = PEOPLE[token];
  if (identity) return accept(identity);
  if (token.startsWith("holder:"))
    return accept({
      role: "holder",
      principal: "holder",
      customerId: null,
      clientToken: token.slice("holder:".length),
    });
  return refuse("UNAUTHENTICATED", "there is no such token");
};

export const as = (person: string): Record<string, string> => ({ authorization: `Bearer ${person}` });
