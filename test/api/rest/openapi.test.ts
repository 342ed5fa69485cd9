import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, suite, test } from "node:test";
import { promisify } from "node:util";
import { shareBrowser } from "../../support/browser.ts";
import { openRest } from "./open-rest.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security?: readonly object[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: object;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, unknown>> }>
  >;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const METHODS = new Set(["get", "post", "put", "patch", "delete"]);
const TYPES = new Set(["object", "array", "string", "number", "integer", "boolean", "null"]);

const COMMITTED = JSON.parse(
  readFileSync(new URL("../../../openapi/payment.json", import.meta.url), "utf8"),
) as Document;
const OPERATIONS = Object.entries(COMMITTED.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation, name: `${method} ${path}` })),
);

/** Every object in a value, and where it is. */
function* walk(value: unknown, at = "#"): Generator<readonly [string, Readonly<Record<string, unknown>>]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [at, value as Readonly<Record<string, unknown>>];
  for (const [key, inner] of Object.entries(value)) yield* walk(inner, `${at}/${key}`);
}

function resolve(reference: string): unknown {
  return reference
    .slice("#/".length)
    .split("/")
    .reduce<unknown>((value, key) => (value as Readonly<Record<string, unknown>> | undefined)?.[key], COMMITTED);
}

suite("the committed document", () => {
  test("is what the routes say", async () => {
    await promisify(execFile)(process.execPath, ["src/openapi.ts", "check"]);
  });

  test("is of OpenAPI 3.1 and has all dialects", () => {
    assert.match(COMMITTED.openapi, /^3\.1\./);
    assert.ok(COMMITTED.info.title && COMMITTED.info.version);
    const names = ["canonical", "orders", "booking", "storefront", "ledger", "health"];
    assert.deepEqual(
      COMMITTED.tags.map(({ name }) => name),
      names,
    );
    assert.deepEqual([...new Set(OPERATIONS.flatMap(({ operation }) => operation.tags))].sort(), names.sort());
  });

  test("names each operation once, and says what it and each of its answers is", () => {
    const ids = OPERATIONS.map(({ operation }) => operation.operationId);
    assert.ok(ids.every((id) => /^[A-Za-z]\w+$/.test(id)));
    assert.deepEqual(ids.length, new Set(ids).size);
    for (const { name, method, operation } of OPERATIONS) {
      assert.ok(METHODS.has(method), name);
      assert.ok(operation.summary, name);
      assert.equal(operation.tags.length, 1, name);
      const answers = Object.entries(operation.responses);
      assert.ok(answers.length > 0, name);
      for (const [status, answer] of answers) {
        assert.match(status, /^[2-5]\d\d$/, name);
        assert.ok(answer.description && answer.description !== "Default Response", `${name} ${status}`);
      }
    }
  });

  test("declares the parameters of each path, and no others", () => {
    for (const { name, path, operation } of OPERATIONS) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter = ""]) => parameter);
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      assert.deepEqual(declared.map((parameter) => parameter.name).sort(), inPath.sort(), name);
      assert.ok(
        declared.every(({ required }) => required === true),
        name,
      );
      assert.doesNotMatch(path, /[:*]/);
      const places = (operation.parameters ?? []).map((parameter) => `${parameter.in} ${parameter.name}`);
      assert.equal(places.length, new Set(places).size, name);
    }
  });

  test("has schemas whose types, references and required properties are there", () => {
    for (const [at, value] of walk(COMMITTED)) {
      if (at.includes("/example")) continue;
      const reference = value["$ref"];
      assert.ok(typeof reference !== "string" || resolve(reference) !== undefined, `${at}: ${String(reference)}`);
      const isSchema = typeof value["type"] === "string" || Array.isArray(value["type"]);
      const types =
        isSchema && !at.endsWith("/properties") && !at.includes("/securitySchemes/") ? [value["type"]].flat() : [];
      assert.ok(
        types.every((type) => TYPES.has(String(type))),
        `${at}: ${types.join()}`,
      );
      assert.equal(value["nullable"], undefined, `${at}: OpenAPI 3.1 has no nullable`);
      const required = Array.isArray(value["required"]) ? value["required"] : [];
      const properties = Object.keys((value["properties"] as object | undefined) ?? {});
      assert.deepEqual(
        required.filter((name) => !properties.includes(name as string)),
        [],
        at,
      );
    }
  });

  test("asks for no token where the contract asks for none", () => {
    const open = OPERATIONS.filter(({ operation }) => operation.security?.length === 0).map(({ path }) => path);
    const closed = OPERATIONS.filter(({ operation }) => operation.security === undefined).map(({ path }) => path);
    const isPublic = /webhook|health|success$|cancel$|payments\/session\/|payment\/methods$|publishable-key$/;
    assert.deepEqual(
      open.filter((path) => !isPublic.test(path)),
      [],
    );
    assert.deepEqual(
      closed.filter((path) => isPublic.test(path)),
      [],
    );
  });
});

suite("a service", () => {
  const open = shareBrowser();
  const opening = openRest({ after });

  test("serves its document, and every route in it", async () => {
    const { ask, openApi } = await opening;
    const { status, text, body } = await ask("GET", "/openapi.json");
    assert.equal(status, 200);
    assert.equal(text, JSON.stringify(openApi));
    for (const [path, methods] of Object.entries((body as Document).paths)) {
      for (const method of Object.keys(methods)) {
        const answer = await ask(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, "x"));
        assert.notEqual(answer.status, 405, path);
        assert.doesNotMatch(answer.text, /Nothing is served/, path);
      }
    }
  });

  test("has a page that loads nothing from elsewhere, is content with its policy, and tries a route", async () => {
    const { url } = await opening;
    const { page, requests, complaints } = await open();
    await page.goto(`${url}/docs`);
    await page.getByRole("heading", { level: 1, name: /Payments/ }).waitFor();
    await page.locator("#operations-canonical-canonicalListPayments").click();
    await page.getByRole("button", { name: "Try it out" }).click();
    const answered = page.waitForResponse((response) => response.url().includes("/v1/payments?"));
    await page.getByRole("button", { name: "Execute" }).click();
    assert.equal((await answered).status(), 200);
    await page.locator(".live-responses-table .response-col_status", { hasText: "200" }).waitFor();
    assert.deepEqual(complaints, []);
    assert.deepEqual(
      requests
        .map((request) => request.url())
        .filter((asked) => !asked.startsWith(`${url}/`) && !asked.startsWith("data:")),
      [],
    );
  });
});
