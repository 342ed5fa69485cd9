// Reads variables, and says in a sentence what is wrong with one that cannot be used: its name, its value's problem, and the remedy.
import { readFileSync } from "node:fs";

/** A value that cannot be used; its message is for the person who starts the service. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export type Environment = Readonly<Record<string, string | undefined>>;

export class Reader {
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  text(name: string): string | null {
    const value = this.#environment[name]?.trim();
    return value ? value : null;
  }

  number(name: string, range: { readonly fallback: number; readonly min: number; readonly max: number }): number {
    const text = this.text(name);
    if (text === null) return range.fallback;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= range.min && value <= range.max) return value;
    throw new ConfigError(
      `${name} is "${text}"; set a whole number from ${range.min} to ${range.max}, or leave it out for ${range.fallback}.`,
    );
  }

  flag(name: string, fallback: boolean): boolean {
    const text = this.text(name);
    if (text === null) return fallback;
    if (text === "true" || text === "false") return text === "true";
    throw new ConfigError(`${name} is "${text}"; set true or false, or leave it out for ${fallback}.`);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const text = this.text(name);
    if (text === null) return fallback;
    const found = allowed.find((value) => value === text);
    if (found) return found;
    throw new ConfigError(`${name} is "${text}"; set one of ${allowed.join(", ")}, or leave it out for ${fallback}.`);
  }

  url(name: string, protocols: readonly string[]): string | null {
    const text = this.text(name);
    if (text === null) return null;
    const url = URL.parse(text);
    if (url && protocols.includes(url.protocol)) return text;
    // The value may hold a password, so it is not repeated.
    throw new ConfigError(
      `${name} is not a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}.`,
    );
  }

  list(name: string): string[] {
    const texts = (this.text(name) ?? "").split(",").map((text) => text.trim());
    return texts.filter(Boolean);
  }

  origins(name: string): string[] {
    return this.list(name).map((text) => {
      const origin = URL.parse(text)?.origin;
      if (origin === text) return origin;
      throw new ConfigError(
        `${name} holds "${text}"; set origins such as https://shop.example, separated by commas, without a path.`,
      );
    });
  }

  file(name: string): Buffer | null {
    const path = this.text(name);
    if (path === null) return null;
    try {
      return readFileSync(path);
    } catch (error) {
      throw new ConfigError(`${name} names ${path}, which cannot be read; set the path of a PEM file.`, {
        cause: error,
      });
    }
  }
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
