// The page of a bank that asks the cardholder to approve a payment intent (3-D Secure), for integrations without the hosted checkout: it is what
// `next_action` leads to, and it sends the customer back to the intent's `return_url`, as Stripe does.
//
//   GET  /_gateway/challenge/:intent?client_secret=…          the page
//   POST /_gateway/challenge/:intent?client_secret=…          approve=true or approve=false, by the page's buttons
import { LOST } from "../gateway.ts";
import type { Life } from "../objects.ts";
import { parseForm } from "./form.ts";
import type { Face } from "./route.ts";
import type { ApiAnswer, ApiRequest } from "./stripe-api.ts";

const PATH = /^\/_gateway\/challenge\/(pi_\w{1,100})$/;

export function isChallenge(path: string): boolean {
  return PATH.test(path);
}

/** Undefined where a fault loses the answer. */
export async function answerChallenge(face: Face, request: ApiRequest): Promise<ApiAnswer | undefined> {
  const id = PATH.exec(request.path)?.[1] ?? "";
  const answer = await face.gateway.retrieve(id, request.signal);
  if (answer === LOST) return undefined;
  const secret = parseForm(request.query)["client_secret"];
  // The secret is the capability: whoever does not have it sees nothing.
  if (!answer.ok || answer.life.intent.client_secret !== secret)
    return page(404, "<p>There is nothing to approve here.</p>");
  if (request.method !== "POST") return showChallenge(answer.life);
  const approve = parseForm(request.body)["approve"] === "true";
  const options = { idempotencyKey: null, signal: request.signal };
  const settled = await face.gateway.perform({ operation: "authenticate", id, approve }, options);
  return settled === LOST ? undefined : sendBack(settled.life ?? answer.life);
}

function showChallenge(life: Life): ApiAnswer {
  if (life.intent.status !== "requires_action") return sendBack(life);
  return page(
    200,
    `<h1>Your bank asks</h1><p>Do you approve this test payment?</p>
<form method="post"><button name="approve" value="true" autofocus>Approve</button> <button name="approve" value="false">Refuse</button></form>`,
  );
}

function sendBack({ intent }: Life): ApiAnswer {
  const url = URL.parse(intent.details?.["return_url"] ?? "");
  if (url === null) return page(200, `<h1>Done</h1><p>The payment's status is ${intent.status}.</p>`);
  const paid = intent.status === "succeeded" || intent.status === "requires_capture";
  url.searchParams.set("payment_intent", intent.id);
  url.searchParams.set("payment_intent_client_secret", intent.client_secret);
  url.searchParams.set("redirect_status", paid ? "succeeded" : "failed");
  return { status: 303, headers: { ...HEADERS, location: url.href }, body: "" };
}

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
};

/** `content` is HTML. */
function page(status: number, content: string): ApiAnswer {
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Test bank</title>
<style>:root{color-scheme:light dark}body{font:1.1rem system-ui;max-width:30rem;margin:4rem auto;padding:0 1rem}button{font:inherit;padding:.6rem 1.2rem}</style>
${content}</html>`;
  return { status, headers: { ...HEADERS, "content-type": "text/html; charset=utf-8" }, body };
}
