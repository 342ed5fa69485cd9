// Who calls. With AUTH_MODE=disabled every caller is the same one.

/** The principal of a call: the scope of its request ids. */
export function authenticate(): string {
  return "anonymous";
}
