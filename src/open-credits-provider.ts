// Opens the provider that takes the customer's credits. Its books are in the service's own database.
import { createCredits } from "./db/credits.ts";
import type { OpenedProvider, ProviderContext } from "./open-provider.ts";
import { createCreditsProvider } from "./provider/credits/credits-provider.ts";

export async function openCreditsProvider({
  database,
  now,
}: Pick<ProviderContext, "database" | "now">): Promise<OpenedProvider> {
  return { provider: createCreditsProvider(createCredits(database), now), description: "credits, in the database" };
}
