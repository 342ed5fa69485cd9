// A service whose provider is Stripe, and the gateway that stands in for it: two processes that know each other by HTTP alone.
import { GatewayProcess } from "./gateway-process.ts";
import { ServiceProcess } from "./service-process.ts";

/** A key of test mode, made so that it is found wherever it leaks. */
export const STRIPE_KEY = "sk_test_canary4eC39HqLyjWDarjtT1zdp7dc";

export interface StripeService {
  readonly gateway: GatewayProcess;
  readonly service: ServiceProcess;
  /** Signs the gateway's webhooks. */
  readonly webhookSecret: string;
  readonly remove: () => Promise<void>;
}

interface Options {
  readonly environment?: Readonly<Record<string, string>>;
  /** Where the service finds Stripe, given where the gateway is. */
  readonly apiUrl?: (gatewayUrl: string) => Promise<string>;
}

/** The settings of a service that takes the gateway for Stripe. */
export function stripeSettings(apiUrl: string, webhookSecret: string): Record<string, string> {
  return {
    PAYMENT_PROVIDER: "stripe",
    STRIPE_SECRET_KEY: STRIPE_KEY,
    STRIPE_API_URL: apiUrl,
    STRIPE_WEBHOOK_SECRETS: webhookSecret,
  };
}

/** Starts both; the gateway's webhooks go to the service, and its events to the stream. */
export async function openStripeService({
  environment = {},
  apiUrl = (url) => Promise.resolve(url),
}: Options = {}): Promise<StripeService> {
  const gateway = await GatewayProcess.start();
  try {
    const endpoint = await gateway.createEndpoint();
    const service = await ServiceProcess.start({
      ...stripeSettings(await apiUrl(gateway.url), endpoint.secret),
      ...environment,
    });
    const remove = async (): Promise<void> => {
      await service.remove();
      await gateway.remove();
    };
    try {
      await gateway.forward(endpoint, service);
      // There is a stream to follow from here on.
      await service.awaitLog("relay leads");
    } catch (error) {
      await service.remove();
      throw error;
    }
    return { gateway, service, webhookSecret: endpoint.secret, remove };
  } catch (error) {
    await gateway.remove();
    throw error;
  }
}
