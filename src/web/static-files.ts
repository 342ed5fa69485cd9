// The files of the pages, read once at start. Scripts and styles are served under a folder that is named by their content, so that a browser
// may keep them for ever and never runs an old script on a new page; the pages themselves are never kept, since their address is a secret.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";

export interface StaticFile {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const FOLDER = join(import.meta.dirname, "assets");

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join("; ");

/** What every page is served with. The address of a page names a session, which is a capability: it is told to no other site. */
const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
} as const;

/** Scripts and styles, by the path at which a page under `prefix` finds them. */
export interface Bundle {
  readonly folder: string;
  readonly files: ReadonlyMap<string, StaticFile>;
}

export function loadBundle(prefix: string): Bundle {
  const names = readdirSync(FOLDER)
    .filter((name) => extname(name) in TYPES)
    .toSorted();
  const contents = names.map((name) => readFileSync(join(FOLDER, name)));
  const hash = createHash("sha256");
  for (const [index, name] of names.entries()) hash.update(`${name}\0`).update(contents[index] ?? "");
  const folder = `${prefix}/${hash.digest("hex").slice(0, 16)}`;
  const files = names.map((name, index): [string, StaticFile] => [
    `${folder}/${name}`,
    { headers: assetHeaders(name), body: contents[index] ?? new Uint8Array() },
  ]);
  return { folder, files: new Map(files) };
}

function assetHeaders(name: string): Readonly<Record<string, string>> {
  return {
    "content-type": TYPES[extname(name)] ?? "application/octet-stream",
    "x-content-type-options": "nosniff",
    "cache-control": "public, max-age=31536000, immutable",
  };
}

/** Reads what several pages have in common, by name. */
export function loadParts(names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(FOLDER, `${name}.part.html`), "utf8")]));
}

/** Reads a page and fills in its `{{names}}`. */
export function loadPage(name: string, values: Readonly<Record<string, string>>): StaticFile {
  const template = readFileSync(join(FOLDER, name), "utf8");
  const html = template.replace(/\{\{(\w+)\}\}/g, (_whole, key: string) => {
    const value = values[key];
    if (value === undefined) throw new Error(`${name} asks for ${key}, which is not given`);
    return value;
  });
  return { headers: PAGE_HEADERS, body: Buffer.from(html) };
}
