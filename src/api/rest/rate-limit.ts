// How often one client may call by REST. Other services of the house are not limited; everybody else is told apart by address, IPv6 ones by their network
// of 64 bits.
import rateLimit, { normalizeIP } from "@fastify/rate-limit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { BURST_MS, MINUTE_MS, tooManyCalls } from "../rate-limits.ts";
import { identityOf } from "./context.ts";
import { RequestFault } from "./faults.ts";
import type { RestOptions } from "./rest.ts";

type Limiter = ReturnType<FastifyInstance["createRateLimit"]>;
type Count = Extract<Awaited<ReturnType<Limiter>>, { isAllowed: false }>;

/** Of the two counts the one that allows less now. */
function tighter(a: Count, b: Count): Count {
  if (a.isExceeded !== b.isExceeded) return a.isExceeded ? a : b;
  if (a.isExceeded) return a.ttl > b.ttl ? a : b;
  return a.remaining <= b.remaining ? a : b;
}

function report(reply: FastifyReply, count: Count): void {
  void reply.headers({
    "x-ratelimit-limit": String(count.max),
    "x-ratelimit-remaining": String(count.remaining),
    "x-ratelimit-reset": String(count.ttlInSeconds),
  });
  if (!count.isExceeded) return;
  throw new RequestFault(tooManyCalls({ max: count.max, windowMs: count.timeWindow, retryAfterMs: count.ttl }));
}

async function isExempt(request: FastifyRequest, options: RestOptions): Promise<boolean> {
  if (request.routeOptions.config.unlimited === true) return true;
  if (request.headers.authorization === undefined) return false;
  const identity = await identityOf(request, options);
  return identity.ok && identity.value.role === "service";
}

/** Some proxies write the port as well, of which a client has as many as it likes. */
function withoutPort(address: string): string {
  const [, v6, v4] = /^(?:\[(.*)\](?::\d+)?|([\d.]+):\d+)$/.exec(address) ?? [];
  return v6 ?? v4 ?? address;
}

async function count(limiter: Limiter, request: FastifyRequest): Promise<Count> {
  const counted = await limiter(request);
  if (counted.isAllowed) throw new Error("nobody is on the list of those who are not counted");
  return counted;
}

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/**
 * Gives the hook that limits the routes of a scope, save those that say `config: { unlimited: true }`. All scopes share its counts, which are of the
 * last few thousand clients.
 */
export async function createRateLimit(app: FastifyInstance, options: RestOptions): Promise<Hook | null> {
  if (options.rateLimit === null) return null;
  const { perMinute, burstPer10s } = options.rateLimit;
  await app.register(rateLimit, { global: false, keyGenerator: ({ ip }) => normalizeIP(withoutPort(ip)) });
  const minute = app.createRateLimit({ max: perMinute, timeWindow: MINUTE_MS });
  const burst = app.createRateLimit({ max: burstPer10s, timeWindow: BURST_MS });
  return async (request, reply) => {
    if (await isExempt(request, options)) return;
    const counts = await Promise.all([count(minute, request), count(burst, request)]);
    report(reply, tighter(...counts));
  };
}
