// What a call to Stripe needs: the SDK, the policies that calls are made under, and the clock.
import type Stripe from "stripe";
import type { Calls } from "./calls.ts";

export interface StripeApi {
  readonly stripe: Stripe;
  readonly calls: Calls;
  now(): Date;
}
