// What the authorization header carries: a JSON Web Token, or the token of one payment. What is refused is never repeated, since it may be a secret
// that only went to the wrong place.
import { accept, refuse, type Result } from "../../domain/error.ts";

export type Bearer = { readonly jwt: string } | { readonly clientToken: string };

/** Why somebody is not known, for programs. */
export type Problem =
  | "missing"
  | "malformed"
  | "algorithm"
  | "signature"
  | "expired"
  | "not_yet_valid"
  | "issuer"
  | "audience"
  | "claims";

export function refuseUnknown(problem: Problem, message: string): Result<never> {
  return refuse("UNAUTHENTICATED", message, { metadata: { problem } });
}

/** A token with every role of a large company is a quarter of this; all headers of a request together may be twice as long. */
const TOKEN_LENGTH_MAX = 8_192;
/** Three parts: header, claims, signature. Without a signature the last one is empty. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;
/** As src/app/mint.ts makes them. */
const CLIENT_TOKEN = /^[\w-]{32}$/;

const REMEDY = "send the header `authorization: Bearer <token>`, with an access token or the client_token of a payment";

export function readBearer(authorization: string | null): Result<Bearer> {
  if (authorization === null || authorization === "")
    return refuseUnknown("missing", `the call says not who makes it; ${REMEDY}`);
  const token = /^bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token === undefined || token.length > TOKEN_LENGTH_MAX)
    return refuseUnknown("malformed", `the authorization header is not one Bearer token; ${REMEDY}`);
  if (JWT.test(token)) return accept({ jwt: token });
  if (CLIENT_TOKEN.test(token)) return accept({ clientToken: token });
  return refuseUnknown("malformed", `the Bearer token is no JSON Web Token and no client_token; ${REMEDY}`);
}
