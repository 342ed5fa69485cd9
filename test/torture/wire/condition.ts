// What a wire is like: everything on it at once, unlike the acts at single points (point.ts).

export type Condition =
  | { readonly kind: "clear" }
  /** Every piece takes its time, more or less, and pieces stay in their order. */
  | { readonly kind: "latency"; readonly ms: number; readonly jitterMs: number }
  /** New connections are reset at once. Those that there are go on; reset() ends them. */
  | { readonly kind: "refuse" }
  /** Bytes vanish both ways. Connections stay open; new ones are accepted, and silent. */
  | { readonly kind: "blackhole" }
  /** What the service sends arrives; answers and the ends of connections vanish. */
  | { readonly kind: "half-open" }
  /** So many bytes at a time, with a pause after each portion; without one (0) each portion is still a write of its own. */
  | { readonly kind: "trickle"; readonly bytes: number; readonly everyMs: number };

export const CLEAR: Condition = { kind: "clear" };
