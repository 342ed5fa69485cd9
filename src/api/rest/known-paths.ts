// Which methods a path has, for a request that asks with another one: fastify calls that not found, HTTP calls it 405 with the methods that there are.
import type { FastifyInstance } from "fastify";
import type { Dialect } from "./dialect.ts";

interface KnownPath {
  readonly segments: readonly string[];
  readonly dialect: Dialect;
  readonly methods: Set<string>;
}

function split(path: string): string[] {
  return path.split("/").filter(Boolean);
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length && pattern.every((part, at) => part.startsWith(":") || part === segments[at])
  );
}

export class KnownPaths {
  readonly #paths = new Map<string, KnownPath>();

  /** Learns the routes that are registered in a scope from now on. */
  learn(app: FastifyInstance, dialect: Dialect): void {
    app.addHook("onRoute", ({ url, method }) => {
      const known = this.#paths.get(url) ?? { segments: split(url), dialect, methods: new Set<string>() };
      for (const each of Array.isArray(method) ? method : [method]) known.methods.add(each);
      this.#paths.set(url, known);
    });
  }

  /** What is known of a path that no route took: the most exact pattern that fits it. */
  find(path: string): Pick<KnownPath, "dialect" | "methods"> | undefined {
    const segments = split(path);
    const fitting = [...this.#paths.values()].filter((known) => matches(known.segments, segments));
    const variables = (known: KnownPath): number => known.segments.filter((part) => part.startsWith(":")).length;
    return fitting.sort((a, b) => variables(a) - variables(b))[0];
  }
}
