// Sends a webhook over HTTP as Stripe does: one POST, redirects are not followed, and only the status of the answer counts.
import { request as requestHttp, Agent as HttpAgent, type IncomingMessage } from "node:http";
import { request as requestHttps, Agent as HttpsAgent } from "node:https";

const TIMEOUT_MS = 10_000;
/** More of an answer is not waited for. */
const ANSWER_BYTES_MAX = 64 * 1024;

export interface Post {
  readonly url: string;
  readonly body: string;
  readonly signature: string;
}

/** Connections are kept, since a storm of webhooks would use up the ports of a machine otherwise. */
export class Sender {
  readonly #http = new HttpAgent({ keepAlive: true, maxFreeSockets: 32 });
  readonly #https = new HttpsAgent({ keepAlive: true, maxFreeSockets: 32 });
  readonly #closing = new AbortController();

  /** Whether the answer's status was a 2xx, and came in time. */
  async send(post: Post): Promise<boolean> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const first = await this.#try(post, signal);
    // A connection that was kept may have been closed at the other end just when it was used.
    const last = first === "stale" ? await this.#try(post, signal) : first;
    return typeof last === "number" && last >= 200 && last < 300;
  }

  /** Breaks off what is under way. */
  close(): void {
    this.#closing.abort();
    this.#http.destroy();
    this.#https.destroy();
  }

  #try({ url, body, signature }: Post, signal: AbortSignal): Promise<number | "stale" | "failed"> {
    const { promise, resolve } = Promise.withResolvers<number | "stale" | "failed">();
    const secure = url.startsWith("https:");
    const headers = {
      "content-type": "application/json; charset=utf-8",
      "content-length": Buffer.byteLength(body),
      "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
      accept: "*/*; q=0.5, application/xml",
      "cache-control": "no-cache",
      "stripe-signature": signature,
    };
    const options = { method: "POST", headers, signal, agent: secure ? this.#https : this.#http };
    const sent = (secure ? requestHttps : requestHttp)(url, options, (answer) => drain(answer, resolve));
    sent.on("error", (error: NodeJS.ErrnoException) =>
      resolve(sent.reusedSocket && error.code === "ECONNRESET" ? "stale" : "failed"),
    );
    sent.end(body);
    return promise;
  }
}

function drain(answer: IncomingMessage, resolve: (status: number | "failed") => void): void {
  let bytes = 0;
  answer.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) answer.destroy();
  });
  answer.on("error", () => resolve("failed"));
  answer.on("close", () => resolve(answer.statusCode ?? "failed"));
}
