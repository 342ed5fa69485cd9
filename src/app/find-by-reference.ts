import { accept, refuse, type Result } from "../domain/error.ts";
import type { Payment } from "../domain/payment.ts";
import { authorize, maySee } from "./access.ts";
import type { Caller, Parts } from "./parts.ts";

/** What providers' ids look like, with room to spare. */
const REFERENCE = /^[\w-]{1,255}$/;

async function find({ store, providers }: Parts, reference: string): Promise<Payment | null> {
  for (const provider of providers.keys()) {
    const payment = await store.findByReference(provider, reference);
    if (payment) return payment;
  }
  return store.findBySession(reference);
}

/** A payment by the id that its provider gave it, or its checkout session. What belongs to another is not found. */
export async function findByReference(parts: Parts, caller: Caller, reference: string): Promise<Result<Payment>> {
  const allowed = authorize(caller, "read");
  if (!allowed.ok) return allowed;
  const payment = REFERENCE.test(reference) ? await find(parts, reference) : null;
  if (payment && maySee(caller, payment)) return accept(payment);
  return refuse("PAYMENT_NOT_FOUND", "there is no payment with this reference");
}
