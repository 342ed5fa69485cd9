// Stands between a client and a server, and can hold back what the server says.
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface SlowProxy {
  /** The server's address, by way of the proxy. */
  readonly url: string;
  holdAnswers(): void;
  releaseAnswers(): void;
  close(): Promise<void>;
}

export async function openSlowProxy(target: URL): Promise<SlowProxy> {
  const sockets = new Set<Socket>();
  const answering = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = connect(Number(target.port), target.hostname);
    answering.add(server);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        server.destroy();
      });
    }
    client.on("data", (data) => server.write(data));
    server.on("data", (data) => client.write(data));
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const url = new URL(target);
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  url.port = String(address.port);
  return {
    url: url.href,
    holdAnswers: () => answering.forEach((socket) => void socket.pause()),
    releaseAnswers: () => answering.forEach((socket) => void socket.resume()),
    async close() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, "close");
    },
  };
}
