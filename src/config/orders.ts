// The order and inventory services that payments are for.
import { MINUTE, SECOND, ConfigError, type Reader } from "./reader.ts";

export interface OrderSettings {
  readonly orderServiceUrl: string;
  /** Null when nothing is reserved anywhere: orders are cancelled without releases. */
  readonly inventoryServiceUrl: string | null;
  /** Sent to both as a bearer token. */
  readonly token: string | null;
  /** Of orders that name none. */
  readonly currency: string;
  /** For one attempt of a call. */
  readonly timeoutMs: number;
  /** `:id` stands for the order's id. */
  readonly paths: { readonly order: string; readonly status: string; readonly release: string };
  /** Whether this process tells the services what became of payments. */
  readonly driver: boolean;
}

function readPath(read: Reader, name: string, fallback: string): string {
  const path = read.text(name) ?? fallback;
  if (path.startsWith("/")) return path;
  throw new ConfigError(`${name} is "${path}"; set a path that begins with /, or leave it out for ${fallback}.`);
}

/** Null when no order service is configured. */
export function readOrders(read: Reader): OrderSettings | null {
  const orderServiceUrl = read.url("ORDER_SERVICE_URL", ["http:", "https:"]);
  const inventoryServiceUrl = read.url("INVENTORY_SERVICE_URL", ["http:", "https:"]);
  const settings = {
    inventoryServiceUrl,
    token: read.text("INTERNAL_SERVICE_TOKEN"),
    currency: (read.text("ORDER_CURRENCY") ?? "USD").toUpperCase(),
    timeoutMs: read.number("ORDER_SERVICE_TIMEOUT_MS", { fallback: 3 * SECOND, min: 100, max: MINUTE }),
    paths: {
      order: readPath(read, "ORDER_PATH", "/orders/:id"),
      status: readPath(read, "ORDER_STATUS_PATH", "/internal/orders/:id/status"),
      release: readPath(read, "INVENTORY_RELEASE_PATH", "/internal/inventory/release"),
    },
    driver: read.flag("ORDER_DRIVER", true),
  };
  if (!/^[A-Z]{3}$/.test(settings.currency))
    throw new ConfigError(
      `ORDER_CURRENCY is "${settings.currency}"; set an ISO 4217 code such as USD, or leave it out for USD.`,
    );
  if (orderServiceUrl !== null) return { ...settings, orderServiceUrl };
  if (inventoryServiceUrl !== null)
    throw new ConfigError("INVENTORY_SERVICE_URL is set without ORDER_SERVICE_URL; set both, or neither.");
  return null;
}
