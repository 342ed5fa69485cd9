// What the documents print: calls as curl has them, and answers, of which ids and times are put aside.
import assert from "node:assert/strict";
import { type Answer, readAnswer } from "../../api/rest/open-rest.ts";

/** The words of a shell command: bare, or in quotes of either kind. */
function wordsOf(command: string): string[] {
  const oneLine = command.replaceAll("\\\n", " ");
  return [...oneLine.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? "",
  );
}

/** Sends what a printed curl command sends, to another host. */
export async function runCurl(command: string, baseUrl: string): Promise<Answer> {
  const [program, ...words] = wordsOf(command);
  assert.equal(program, "curl");
  const headers = new Headers();
  let [method, body, url]: (string | undefined)[] = [];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "-X") method = words.shift();
    else if (word === "-d") body = words.shift();
    else if (word === "-H") headers.set(...((words.shift() ?? "").split(": ") as [string, string]));
    else url = word;
  }
  const path = (url ?? "").replace(/^https?:\/\/[^/]+/, "");
  return readAnswer(
    await fetch(baseUrl + path, { method: method ?? (body ? "POST" : "GET"), headers, body: body ?? null }),
  );
}

/** Every printed field is there with the printed value; of ids and times, only that they are there. */
export function assertPrinted(
  actual: Record<string, unknown>,
  printed: Record<string, unknown>,
  aside: readonly string[],
): void {
  for (const [field, value] of Object.entries(printed)) {
    assert.ok(field in actual, `${field} is missing`);
    if (aside.includes(field)) assert.equal(typeof actual[field], typeof value, field);
    else assert.deepEqual(actual[field], value, field);
  }
}

/** As assertPrinted, and there is nothing else. */
export function assertPrintedExactly(
  actual: Record<string, unknown>,
  printed: Record<string, unknown>,
  aside: readonly string[],
): void {
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(printed).sort());
  assertPrinted(actual, printed, aside);
}
