// Opens the provider that takes the customer's credits. Its books are in the service's own database.
import { createCredits } from "./db/credits.ts";
import type { Database } from "./db/database.ts";
import type { OpenedProvider } from "./open-provider.ts";
import { createCreditsProvider } from "./provider/credits/credits-provider.ts";

export async function openCreditsProvider({ database }: { readonly database: Database }): Promise<OpenedProvider> {
  return { provider: createCreditsProvider(createCredits(database)), description: "credits, in the database" };
}
