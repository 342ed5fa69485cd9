// Whether the tests run their servers as containers: when a container engine answers, unless TEST_SERVERS says otherwise.
import { request } from "node:http";

const PING_TIMEOUT_MS = 500;
const DEFAULT_ENGINE = "unix:///var/run/docker.sock";

/** TEST_SERVERS is "containers", "embedded", or unset for whichever is there. */
export async function usesContainers(): Promise<boolean> {
  const choice = process.env["TEST_SERVERS"];
  if (choice === "containers") return true;
  if (choice === "embedded") return false;
  if (choice) throw new Error(`TEST_SERVERS is "${choice}"; set it to containers or embedded, or leave it out`);
  return engineAnswers(process.env["DOCKER_HOST"] ?? DEFAULT_ENGINE);
}

function engineAnswers(engine: string): Promise<boolean> {
  const { protocol, hostname, port, pathname } = new URL(engine);
  const target = protocol === "unix:" ? { socketPath: pathname } : { host: hostname, port };
  return new Promise((resolve) => {
    const ping = request({ ...target, path: "/_ping", timeout: PING_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on("timeout", () => ping.destroy());
    ping.on("error", () => resolve(false));
    ping.end();
  });
}
