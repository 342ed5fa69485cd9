// An endpoint that keeps what it is sent, and answers as a test says.
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly id: string;
  readonly type: string;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

export class WebhookReceiver {
  readonly received: Received[] = [];
  /** The status of each answer to come; null for none, and the connection stays open. */
  status: (received: Received) => number | null = () => 200;
  /** How many requests were open at the same time. */
  openMax = 0;
  #open = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async make(): Promise<WebhookReceiver> {
    const server = createServer();
    const receiver = new WebhookReceiver(server);
    server.on("request", (request, response) => {
      receiver.#open += 1;
      receiver.openMax = Math.max(receiver.openMax, receiver.#open);
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks).toString();
        const { id, type } = JSON.parse(body) as { id: string; type: string };
        const received = { id, type, body, headers: request.headers };
        receiver.received.push(received);
        const status = receiver.status(received);
        if (status === null) return;
        response.writeHead(status, { location: "/elsewhere" }).end(() => (receiver.#open -= 1));
      });
    });
    const listening = Promise.withResolvers<void>();
    server.listen(0, "127.0.0.1", () => listening.resolve());
    await listening.promise;
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/webhook`;
  }

  types(): string[] {
    return this.received.map(({ type }) => type);
  }

  dispose(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
