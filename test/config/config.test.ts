import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ConfigError, readConfig } from "../../src/config.ts";

function refusal(environment: Record<string, string>): string {
  try {
    readConfig(["mock", "stripe"], environment);
    return "accepted";
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

describe("the configuration", () => {
  it("needs nothing", () => {
    const config = readConfig(["mock", "stripe"], {});
    assert.deepEqual(
      [config.port, config.grpcPort, config.databaseUrl, config.natsUrl, config.host],
      [8080, 50051, null, null, "127.0.0.1"],
    );
  });

  it("refuses a value that cannot be used with a sentence that names the variable and the remedy", () => {
    const cases: Record<string, string> = {
      PORT: "80a",
      GRPC_PORT: "65536",
      DATABASE_URL: "mysql://localhost/payment",
      NATS_URL: "localhost:4222",
      DATABASE_POOL_MAX: "0",
      PROVIDER_TIMEOUT_MS: "-1",
      CHECKOUT_LIFETIME_MINUTES: "29",
      PAYMENT_PROVIDER: "paypal",
      PAYMENT_PROVIDERS: "mock, paypal",
      STRIPE_WEBHOOK_SECRETS: "whsec_one, two",
      STRIPE_API_URL: "api.stripe.com",
      GATEWAY_WEBHOOK_SECRET: "secret",
      GATEWAY_PORT: "http",
      LATE_PAYMENTS: "keep",
      REST_DIALECTS: "soap",
      RATE_LIMIT_BURST: "0",
      BOOKING_CURRENCY: "dollars",
      OTEL_TRACES_SAMPLER_ARG: "2",
      ORDER_PATH: "orders",
      ORDER_CURRENCY: "dollars",
      RECONCILE_INTERVAL_MINUTES: "hourly",
      RELAY: "yes",
      CORS_ORIGINS: "https://shop.example/path",
      RETURN_ORIGINS: "shop.example",
      TLS_KEY_FILE: "/does/not/exist",
      AUTH_MODE: "off",
      LOG_LEVEL: "loud",
    };
    for (const [name, value] of Object.entries(cases)) {
      const message = refusal({ [name]: value });
      assert.match(message, new RegExp(`^${name} `), `${name}=${value}`);
      assert.match(message, /; (set|or)|URL that starts with/, "the remedy");
    }
  });

  it("does not repeat a URL, which may hold a password", () => {
    assert.doesNotMatch(refusal({ DATABASE_URL: "http://user:hunter2@host/db" }), /hunter2/);
  });

  it("tells Stripe's keys apart by their prefix, and never repeats one", () => {
    const stripe = { PAYMENT_PROVIDER: "stripe" };
    const secret = "51abcdefSECRET";
    const cases: [Record<string, string>, RegExp][] = [
      [{}, /^STRIPE_SECRET_KEY is missing/],
      [{ STRIPE_SECRET_KEY: `pk_test_${secret}` }, /^STRIPE_SECRET_KEY is not a secret key of Stripe/],
      [{ STRIPE_SECRET_KEY: `sk_live_${secret}` }, /^STRIPE_SECRET_KEY is a live key while NODE_ENV is not production/],
      [
        { STRIPE_SECRET_KEY: `sk_live_${secret}`, NODE_ENV: "production", STRIPE_API_URL: "http://localhost:12111" },
        /^STRIPE_API_URL is set while STRIPE_SECRET_KEY is a live key/,
      ],
      [{ STRIPE_SECRET_KEY: `sk_live_${secret}`, NODE_ENV: "production" }, /^STRIPE_WEBHOOK_SECRETS is missing/],
    ];
    for (const [environment, expected] of cases) {
      const message = refusal({ ...stripe, ...environment });
      assert.match(message, expected);
      assert.doesNotMatch(message, /SECRET$|51abcdef/);
    }
    const config = readConfig(["mock", "stripe"], { ...stripe, STRIPE_SECRET_KEY: `rk_test_${secret}` });
    assert.equal(config.stripe?.live, false);
    assert.deepEqual(config.providers, ["stripe"]);
  });

  it("offers several providers at once, the default one first", () => {
    const config = readConfig(["mock", "stripe"], { PAYMENT_PROVIDERS: "stripe,mock", STRIPE_SECRET_KEY: "sk_test_1" });
    assert.deepEqual([config.provider, config.providers], ["mock", ["mock", "stripe"]]);
  });

  it("asks for all that tells callers apart, and never repeats the secret", () => {
    const jwt = { AUTH_MODE: "jwt", AUTH_ISSUER: "https://issuer.example", AUTH_AUDIENCE: "payments" };
    const secret = "a secret that nobody should read in a message";
    const cases: [Record<string, string>, RegExp][] = [
      [jwt, /^AUTH_JWKS_URL and AUTH_HS256_SECRET exclude each other/],
      [{ ...jwt, AUTH_HS256_SECRET: secret, AUTH_ISSUER: "" }, /^AUTH_ISSUER is missing/],
      [{ ...jwt, AUTH_HS256_SECRET: secret, AUTH_AUDIENCE: "" }, /^AUTH_AUDIENCE is missing/],
      [
        { ...jwt, AUTH_HS256_SECRET: secret, AUTH_ADMIN_ROLES: "a,b", AUTH_SERVICE_ROLES: "b" },
        /^AUTH_ADMIN_ROLES holds "b"/,
      ],
      [{ AUTH_HS256_SECRET: secret }, /^AUTH_HS256_SECRET is set while AUTH_MODE is disabled/],
    ];
    for (const [environment, expected] of cases) {
      const message = refusal(environment);
      assert.match(message, expected);
      assert.doesNotMatch(message, /nobody should read/);
    }
    const config = readConfig(["mock", "stripe"], { ...jwt, AUTH_HS256_SECRET: secret, NODE_ENV: "production" });
    assert.equal(config.auth?.clientId, "payments");
  });

  it("does not open the doors of production to everybody", () => {
    assert.match(refusal({ NODE_ENV: "production" }), /^AUTH_MODE is disabled while NODE_ENV is production/);
  });

  it("is described in .env.example, variable by variable, with the defaults that hold", () => {
    const text = readFileSync(join(import.meta.dirname, "../../.env.example"), "utf8");
    const example = Object.fromEntries(
      [...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value ?? ""]),
    );
    assert.deepEqual(readConfig(["mock", "stripe"], example), {
      ...readConfig(["mock", "stripe"], {}),
      searchPath: "",
    });
    const root = join(import.meta.dirname, "../..");
    const source = globSync(["src/config.ts", "src/config/*.ts"], { cwd: root })
      .map((file) => readFileSync(join(root, file), "utf8"))
      .join("");
    const read = new Set(
      [
        ...source.matchAll(
          /(?:\.(?:text|number|flag|oneOf|url|list|origins|file)\(|(?:readPath|listOr|must|readNames)\(read,)\s*"([A-Z_]+)"/g,
        ),
      ].map(([, name]) => name),
    );
    read.delete("PATH");
    assert.deepEqual(new Set(Object.keys(example)), read);
  });
});
