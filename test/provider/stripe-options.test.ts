// What a Stripe provider can be made of.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createStripeProvider } from "../../src/provider/stripe/stripe-provider.ts";
import { OPTIONS } from "./open-rascal.ts";

describe("a Stripe provider", () => {
  it("is live or not by its key's prefix", () => {
    for (const [secretKey, live] of [
      ["sk_test_1a", false],
      ["rk_test_1a", false],
      ["sk_live_1a", true],
      ["rk_live_1a", true],
    ] as const) {
      assert.equal(createStripeProvider({ ...OPTIONS, secretKey }).live, live);
    }
  });

  it("is not made of a bad key, address or webhook secret, and says so without repeating it", () => {
    for (const secretKey of [
      "",
      "pk_test_VerySecret",
      "whsec_VerySecret",
      "sk_VerySecret",
      "VerySecret",
      "sk_test_Very Secret",
      "sk_live_",
    ]) {
      assert.throws(
        () => createStripeProvider({ ...OPTIONS, secretKey }),
        (error: Error) => /secret key/.test(error.message) && !/Very/.test(error.message),
      );
    }
    for (const apiUrl of [
      "",
      "localhost:12111",
      "ftp://127.0.0.1",
      "http://user:VerySecret@127.0.0.1",
      "http://127.0.0.1/v1",
    ]) {
      assert.throws(
        () => createStripeProvider({ ...OPTIONS, apiUrl }),
        (error: Error) => /address/.test(error.message) && !/Very/.test(error.message),
      );
    }
    assert.throws(
      () => createStripeProvider({ ...OPTIONS, secretKey: "sk_live_1a", apiUrl: "http://127.0.0.1:1" }),
      /live/,
    );
    assert.throws(() => createStripeProvider({ ...OPTIONS, webhookSecrets: ["good", ""] }), /secret .* empty/);
  });
});
