// Customers who have credits, for loads that pay with them.
import assert from "node:assert/strict";

/** Enough for most payments of a customer, and too little for all of a long run: some are declined. */
const CREDITS = 50_000;

/** Grants credits to so many customers; gives who they are. */
export async function grantCredits(http: { readonly port: number }, count: number): Promise<string[]> {
  const holders = Array.from({ length: count }, (_, index) => `holder-${index + 1}`);
  for (const customerId of holders) {
    const granted = await fetch(`http://127.0.0.1:${http.port}/payment.v1.CreditService/GrantCredits`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        customerId,
        credits: String(CREDITS),
        reason: "welcome",
        requestId: `grant-${customerId}`,
      }),
    });
    assert.equal(granted.status, 200, await granted.text());
  }
  return holders;
}
