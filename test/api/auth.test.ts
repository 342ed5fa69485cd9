import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import pino from "pino";
import { openToAll } from "../../src/api/auth.ts";
import { publishedKeys, type PublishedKeysOptions, sharedSecret } from "../../src/api/auth/keys.ts";
import { VerifiedTokens } from "../../src/api/auth/verified-tokens.ts";
import { authenticateByJwt, type JwtOptions } from "../../src/api/jwt.ts";
import type { Identity } from "../../src/app/access.ts";
import { accept, type Result } from "../../src/domain/error.ts";
import { AUDIENCE, breakTokens, Issuer, ISSUER } from "../security/issuer.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const log = pino({ level: "silent" });

let issuer: Issuer;
let now: Date;
before(async () => {
  issuer = await Issuer.open();
});
after(() => issuer.close());
beforeEach(() => {
  issuer.status = 200;
  now = new Date();
});

function open(change: Partial<JwtOptions> = {}, keys: Partial<PublishedKeysOptions> = {}) {
  const authenticate = authenticateByJwt({
    keys: publishedKeys({ url: issuer.url, log, ...keys }),
    issuer: ISSUER,
    audience: AUDIENCE,
    log,
    now: () => now,
    ...change,
  });
  return async (token: string): Promise<Result<Identity>> => authenticate(`Bearer ${token}`);
}

function whoOf(result: Result<Identity>): unknown {
  if (!result.ok) return result.error.metadata["problem"] ?? result.error.reason;
  const { role, principal, customerId } = result.value;
  return customerId === null ? `${role} ${principal}` : `${role} ${principal} ${customerId}`;
}

describe("a token's claims say who calls", () => {
  const cases: (readonly [name: string, claims: Record<string, unknown>, who: string])[] = [
    ["no role: a customer, by sub", {}, "customer customer:ada ada"],
    ["a role of nobody's here", { realm_access: { roles: ["offline_access"] } }, "customer customer:ada ada"],
    ["a realm role of Keycloak", { realm_access: { roles: ["payment-admin"] } }, "admin admin:ada"],
    ["a client role of Keycloak", { resource_access: { [AUDIENCE]: { roles: ["admin"] } } }, "admin admin:ada"],
    ["a role for another client", { resource_access: { account: { roles: ["admin"] } } }, "customer customer:ada ada"],
    ["a scope", { scope: "openid payment-service", azp: "shop" }, "service service:shop"],
    ["a scope that only holds the word", { scope: "payment-service-reader xadmin" }, "customer customer:ada ada"],
    ["a plain list", { roles: ["service"], client_id: "shop" }, "service service:shop"],
    ["a service by its sub", { roles: ["service"] }, "service service:ada"],
    ["the greater of two roles", { roles: ["service", "admin"], azp: "shop" }, "admin admin:ada"],
    ["roles of no kind", { roles: "admin", realm_access: ["admin"], scope: ["admin"] }, "customer customer:ada ada"],
    ["roles that are not texts", { roles: [{ toString: "admin" }, 1, null] }, "customer customer:ada ada"],
    ["several audiences", { aud: ["shop", AUDIENCE] }, "customer customer:ada ada"],
    ["Keycloak's type of access tokens", { typ: "Bearer" }, "customer customer:ada ada"],
    ["a name that is too long", { sub: "a".repeat(129) }, "claims"],
    ["a name that is no text", { sub: "a\ud800" }, "claims"],
  ];
  for (const [name, claims, who] of cases) {
    it(name, async () => assert.equal(whoOf(await open()(await issuer.sign(claims))), who));
  }

  it("by the names that are configured", async () => {
    const names = { adminRoles: ["boss"], serviceRoles: ["machine"], customerClaim: "customer_id", clientId: "shop" };
    const call = open({ names });
    assert.equal(whoOf(await call(await issuer.sign({ roles: ["admin"] }))), "claims");
    assert.equal(whoOf(await call(await issuer.sign({ customer_id: "c-1" }))), "customer customer:ada c-1");
    const boss = await issuer.sign({ resource_access: { shop: { roles: ["boss"] } } });
    assert.equal(whoOf(await call(boss)), "admin admin:ada");
  });
});

describe("a token that is broken", () => {
  it("is refused, with a sentence that says why and never repeats it", async () => {
    const authenticate = authenticateByJwt({
      keys: publishedKeys({ url: issuer.url, log }),
      issuer: ISSUER,
      audience: AUDIENCE,
      log,
      now: () => now,
    });
    for (const [name, header, problem] of await breakTokens(issuer)) {
      const result = await authenticate(header);
      assert.ok(!result.ok, name);
      assert.deepEqual([result.error.reason, result.error.metadata], ["UNAUTHENTICATED", { problem }], name);
      const token = header.replace(/^\w+ /, "");
      assert.ok(token === "null" || !token || !JSON.stringify(result.error).includes(token.slice(0, 16)), name);
    }
  });

  it("and none at all, too", async () => {
    for (const nothing of [null, ""]) {
      const result = await authenticateByJwt({
        keys: sharedSecret(SECRET),
        issuer: ISSUER,
        audience: AUDIENCE,
        log,
        now: () => now,
      })(nothing);
      assert.deepEqual([!result.ok && result.error.reason, whoOf(result)], ["UNAUTHENTICATED", "missing"]);
    }
  });

  it("by a few seconds of difference between clocks, is good", async () => {
    const seconds = Math.floor(now.getTime() / 1_000);
    const call = open({ clockSkewSeconds: 30 });
    assert.equal(whoOf(await call(await issuer.sign({ exp: seconds - 25 }))), "customer customer:ada ada");
    assert.equal(whoOf(await call(await issuer.sign({ nbf: seconds + 25 }))), "customer customer:ada ada");
    assert.equal(whoOf(await call(await issuer.sign({ exp: seconds - 35 }))), "expired");
  });
});

describe("a secret that the issuer shares", () => {
  const signing = { key: new TextEncoder().encode(SECRET), header: { alg: "HS256" } };

  it("takes its own tokens, and none by another algorithm or secret", async () => {
    const call = open({ keys: sharedSecret(SECRET) });
    assert.equal(whoOf(await call(await issuer.sign({}, signing))), "customer customer:ada ada");
    assert.equal(whoOf(await call(await issuer.sign())), "algorithm");
    const hs512 = { key: new TextEncoder().encode(SECRET.repeat(2)), header: { alg: "HS512" } };
    assert.equal(whoOf(await call(await issuer.sign({}, hs512))), "algorithm");
    const other = { ...signing, key: new TextEncoder().encode(SECRET.toUpperCase()) };
    assert.equal(whoOf(await call(await issuer.sign({}, other))), "signature");
  });

  it("of less than 32 bytes refuses to start, and is not repeated", () => {
    const short = "secret-of-thirty-one-bytes-----";
    assert.throws(
      () => sharedSecret(short),
      (error: Error) => /31 bytes.*at least 32/.test(error.message) && !error.message.includes(short),
    );
  });
});

it("options that would let in too many refuse to start", () => {
  const bad: Partial<JwtOptions>[] = [
    { issuer: "" },
    { audience: "" },
    { clockSkewSeconds: 31 },
    { clockSkewSeconds: -1 },
  ];
  for (const change of bad) assert.throws(() => open(change), /^Error: The /);
  for (const url of ["", "keys", "file:///keys.json"]) assert.throws(() => publishedKeys({ url, log }), /URL/);
});

describe("the issuer's keys", () => {
  it("are fetched once for many callers", async () => {
    const before = issuer.asked;
    const call = open();
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, n) => issuer.sign({ sub: `ada-${n}` })));
    await Promise.all(tokens.map(call));
    assert.equal(issuer.asked - before, 1);
  });

  it("that cannot be fetched make calls fail for now, and the issuer is not asked with each", async () => {
    issuer.status = 503;
    const before = issuer.asked;
    const call = open({}, { failurePauseMs: 60_000 });
    for (let n = 0; n < 5; n += 1) {
      const result = await call(await issuer.sign({ sub: `ada-${n}` }));
      assert.ok(!result.ok);
      const { reason, outcome, retryAfterMs } = result.error;
      assert.deepEqual([reason, outcome, retryAfterMs], ["SERVICE_UNAVAILABLE", "NOT_ATTEMPTED", 1_000]);
    }
    assert.equal(issuer.asked - before, 1);
  });

  it("are good again once the issuer is back", async () => {
    issuer.status = 503;
    const call = open({}, { failurePauseMs: 0 });
    assert.equal(whoOf(await call(await issuer.sign())), "SERVICE_UNAVAILABLE");
    issuer.status = 200;
    assert.equal(whoOf(await call(await issuer.sign())), "customer customer:ada ada");
  });

  it("go on being good while the issuer is away", async () => {
    const call = open({}, { freshMs: 0, failurePauseMs: 0 });
    await call(await issuer.sign());
    issuer.status = 503;
    assert.equal(whoOf(await call(await issuer.sign({ sub: "grace" }))), "customer customer:grace grace");
  });

  it("of an issuer that does not answer are waited for no longer than the time-out", async () => {
    issuer.status = "silent";
    const call = open({}, { timeoutMs: 50 });
    assert.equal(whoOf(await call(await issuer.sign())), "SERVICE_UNAVAILABLE");
  });

  it("are asked for anew when a token names another, and not again at once, whatever tokens come", async () => {
    const call = open({}, { cooldownMs: 0 });
    await call(await issuer.sign());
    issuer.rotate();
    assert.equal(whoOf(await call(await issuer.sign())), "customer customer:ada ada");
    const patient = open({}, { cooldownMs: 60_000 });
    await patient(await issuer.sign());
    const before = issuer.asked;
    for (let n = 0; n < 5; n += 1) {
      const unknown = await issuer.sign({}, { header: { alg: "RS256", kid: `made-up-${n}` } });
      assert.equal(whoOf(await patient(unknown)), "signature");
    }
    assert.equal(issuer.asked - before, 0);
  });
});

describe("a token that was verified", () => {
  it("is answered at once for a minute, and never beyond its end", async () => {
    const seconds = Math.floor(now.getTime() / 1_000);
    const authenticate = authenticateByJwt({
      keys: publishedKeys({ url: issuer.url, log }),
      issuer: ISSUER,
      audience: AUDIENCE,
      clockSkewSeconds: 0,
      log,
      now: () => now,
    });
    const header = `Bearer ${await issuer.sign({ exp: seconds + 30 })}`;
    assert.ok(authenticate(header) instanceof Promise);
    await authenticate(header);
    assert.equal(whoOf((await authenticate(header)) as Result<Identity>), "customer customer:ada ada");
    assert.ok(!(authenticate(header) instanceof Promise));
    now = new Date((seconds + 30) * 1_000);
    assert.equal(whoOf(await authenticate(header)), "expired");
  });

  it("is kept for a bounded number of callers, those that called last", () => {
    const tokens = new VerifiedTokens(2);
    const answer = accept<Identity>({ role: "admin", principal: "a", customerId: null, clientToken: null });
    const times = { nowMs: 0, expiresMs: 600_000 };
    tokens.keep("a", answer, times);
    tokens.keep("b", answer, times);
    assert.equal(tokens.find("a", 1), answer);
    tokens.keep("c", answer, times);
    assert.deepEqual([tokens.find("a", 1), tokens.find("b", 1), tokens.find("c", 1)], [answer, undefined, answer]);
    assert.equal(tokens.find("a", 60_000), undefined);
  });
});

it("the client token of a payment makes a holder, whose name does not tell it", async () => {
  const token = "AbCdEfGhIjKlMnOpQrStUvWxYz012345";
  const result = await open()(token);
  assert.ok(result.ok);
  assert.deepEqual([result.value.role, result.value.clientToken], ["holder", token]);
  assert.ok(!result.value.principal.includes(token));
});

it("without authentication everybody is the same admin", async () => {
  const authenticate = openToAll();
  const expected = { role: "admin", principal: "anonymous", customerId: null, clientToken: null };
  for (const header of [null, "Bearer x"]) assert.deepEqual(await authenticate(header), accept(expected));
});
