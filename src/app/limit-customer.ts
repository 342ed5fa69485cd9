// What a customer may say about a payment that is created. A browser is in the hands of whoever pays, so all that costs the seller something is said
// by somebody else: the amount and the lines by the order service, the provider, the capture and the number of attempts by the configuration.
import { CREDITS_PROVIDER } from "../domain/credit-terms.ts";
import { attemptsDefault } from "../domain/create-payment.ts";
import { accept, type Result } from "../domain/error.ts";
import { refuseRole } from "./access.ts";
import type { CreatePaymentInput } from "./create-payment.ts";
import type { Caller, Parts } from "./parts.ts";

/** The providers that customers may choose from: where none are named, the first, which is the default, and their own credits. */
function customerProviders({ rules }: Parts): ReadonlySet<string> {
  return rules.customerProviders ?? new Set([...[...rules.providers].slice(0, 1), CREDITS_PROVIDER]);
}

/**
 * The input as it counts: a customer's payment is theirs. Refuses with PERMISSION_DENIED what a customer may not say. An amount and lines may be
 * repeated; they are held against the order's, whose own are taken.
 */
export function limitCustomer(parts: Parts, caller: Caller, input: CreatePaymentInput): Result<CreatePaymentInput> {
  if (caller.role !== "customer") return accept(input);
  const { customerId, captureMethod, attemptsMax, provider } = input;
  if (customerId !== null && customerId !== caller.customerId)
    return refuseRole(caller, "create for another", "a customer pays as themselves; leave customer_id out");
  if (parts.orders === null)
    return refuseRole(
      caller,
      "name an amount",
      "a customer may not say what an order costs, and no order service is configured that does; have a service create the payment",
    );
  if (captureMethod !== "AUTOMATIC")
    return refuseRole(caller, "hold money", "a customer pays at once; leave capture_method out");
  if (attemptsMax !== null && attemptsMax > attemptsDefault(input.mode))
    return refuseRole(caller, "raise attempts_max", "a customer may not have more attempts; leave attempts_max out");
  if (parts.rules.providers.has(provider) && !customerProviders(parts).has(provider))
    return refuseRole(caller, "choose the provider", "a customer may not choose this provider; leave provider out");
  return accept({ ...input, customerId: caller.customerId });
}
