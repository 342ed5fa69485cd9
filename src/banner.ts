// What a person reads when the service is ready: what runs where, and calls to try.
import type { Config } from "./config.ts";

export interface Running {
  readonly port: number;
  readonly grpcPort: number;
  readonly database: string;
  readonly events: string;
  readonly providers: readonly string[];
  readonly readyMs: number;
}

export function printBanner(config: Config, running: Running): string {
  const scheme = config.tls ? "https" : "http";
  const http = `${scheme}://localhost:${running.port}`;
  const plaintext = config.tls ? "" : " --http2-prior-knowledge";
  const order = `order-${Date.now()}`;
  const create = `'{"orderId":"${order}","amount":{"currency":"EUR","minor":"1999"},"mode":"PAYMENT_MODE_INTENT"}'`;
  return `
Payment service is ready after ${Math.round(running.readyMs / 100) / 10} s.

  gRPC                     ${scheme}://localhost:${running.grpcPort}
  Connect, gRPC-Web, gRPC  ${http}
  health                   ${http}/health/ready
  database                 ${running.database}
  events                   ${running.events}
${running.providers.map((provider) => `  provider                 ${provider}`).join("\n")}

Try, in another terminal:

  1. create a payment (plain HTTP):
     curl -H 'content-type: application/json' -d ${create} ${http}/payment.v1.PaymentService/CreatePayment

  2. pay it with the test card that succeeds (gRPC, by reflection):
     npx buf curl --protocol grpc${plaintext} -d '{"orderId":"${order}"}' ${scheme}://localhost:${running.grpcPort}/payment.v1.PaymentService/CompletePayment

  3. ask how it stands (Connect over GET):
     curl '${http}/payment.v1.PaymentService/GetPaymentStatus?encoding=json&message=%7B%22orderId%22%3A%22${order}%22%7D'

  4. or create one without "mode", and open its checkout.url in a browser

  A whole story, with every event it makes: npm run demo

`;
}
