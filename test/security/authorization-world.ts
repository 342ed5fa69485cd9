// What the authorization walk runs on: the use cases on a real database, an order service, an issuer of tokens, and both ports.
import pino from "pino";
import { publishedKeys } from "../../src/api/auth/keys.ts";
import type { Authenticate } from "../../src/api/auth.ts";
import { prepareCalls, type UnaryCall } from "../../src/api/calls.ts";
import { startHttp } from "../../src/api/connect.ts";
import { startGrpc } from "../../src/api/grpc.ts";
import { createCreditsHandlers } from "../../src/api/credits-handlers.ts";
import { createHandlers } from "../../src/api/handlers.ts";
import { createHttpRoutes } from "../../src/api/http-routes.ts";
import { createHealth } from "../../src/api/health.ts";
import { authenticateByJwt } from "../../src/api/jwt.ts";
import { createOperationsHandlers, type OperationsParts } from "../../src/api/operations-handlers.ts";
import { createBookingDialect } from "../../src/api/rest/booking.ts";
import { CANONICAL } from "../../src/api/rest/canonical.ts";
import { createLedger } from "../../src/api/rest/ledger.ts";
import { ORDERS_DIALECT } from "../../src/api/rest/orders.ts";
import { createStorefront } from "../../src/api/rest/storefront.ts";
import { createRest, type Rest } from "../../src/api/rest/rest.ts";
import type { OpenPort } from "../../src/api/port.ts";
import type { CreditParts } from "../../src/app/credits.ts";
import { createPayment } from "../../src/app/create-payment.ts";
import { grant, withCredits } from "../app/open-credits.ts";
import { createBooks } from "../../src/db/books.ts";
import { createOperatorReads } from "../../src/db/operator-reads.ts";
import { CREDITS } from "../../src/domain/currency.ts";
import { printPaymentId } from "../../src/domain/ids.ts";
import { money } from "../../src/domain/money.ts";
import type { Order, OrderLookup } from "../../src/domain/order.ts";
import { CreditService } from "../../gen/payment/v1/credit_service_pb.ts";
import { OperationsService } from "../../gen/payment/v1/operations_service_pb.ts";
import { PaymentService } from "../../gen/payment/v1/payment_service_pb.ts";
import { answerOf, caller, createInput, TestService } from "../app/open-service.ts";
import { AUDIENCE, type Claims, Issuer, ISSUER } from "./issuer.ts";
import type { Target, Who } from "./authorization-table.ts";

export const CUSTOMER = "ada";
export const ANOTHER = "grace";

export interface TokenTarget extends Target {
  readonly clientToken: string;
}

export class World {
  readonly service: TestService;
  readonly issuer: Issuer;
  readonly parts: OperationsParts & CreditParts;
  readonly authenticate: Authenticate;
  readonly calls: readonly UnaryCall[];
  #ports: { readonly grpc: OpenPort; readonly http: OpenPort } | undefined;
  readonly #tokens = new Map<Who, Promise<string>>();
  #rest: Rest | undefined;
  #orders = 0;

  private constructor(service: TestService, issuer: Issuer) {
    this.service = service;
    this.issuer = issuer;
    const log = pino({ level: "silent" });
    this.parts = {
      ...withCredits(service),
      orders: { find: async (orderId) => findOrder(orderId) },
      books: createBooks(service.database),
      operatorReads: createOperatorReads(service.database),
    };
    this.authenticate = authenticateByJwt({
      keys: publishedKeys({ url: issuer.url, log }),
      issuer: ISSUER,
      audience: AUDIENCE,
      log,
      now: () => new Date(),
    });
    this.calls = [
      ...prepareCalls(PaymentService, createHandlers(this.parts, { provider: "mock" }), log),
      ...prepareCalls(CreditService, createCreditsHandlers(this.parts), log),
      ...prepareCalls(OperationsService, createOperationsHandlers(this.parts), log),
    ];
  }

  static async open(): Promise<World> {
    const world = new World(await TestService.open(), await Issuer.open());
    await world.#openPorts();
    for (const customerId of [CUSTOMER, ANOTHER]) await grant(world.parts, customerId, 100n);
    return world;
  }

  async #openPorts(): Promise<void> {
    const { log } = this.parts;
    const rest = await createRest({
      parts: this.parts,
      log,
      authenticate: this.authenticate,
      provider: "mock",
      dialects: [
        CANONICAL,
        ORDERS_DIALECT,
        createBookingDialect({ currency: "EUR" }),
        createStorefront({
          publishableKey: "pk_test_shop",
          live: false,
          successUrl: null,
          cancelUrl: null,
          version: "1",
          health: createHealth({ checks: [], log }),
          accounts: this.parts,
        }),
        createLedger({ reconciliation: this.parts }),
      ],
      rateLimit: null,
      trustedHops: 0,
    });
    this.#rest = rest;
    const options = {
      host: "127.0.0.1",
      port: 0,
      tls: null,
      reflection: true,
      stopTimeoutMs: 1_000,
      calls: this.calls,
      authenticate: this.authenticate,
      health: createHealth({ checks: [], log }),
      log,
    };
    const [grpc, http] = await Promise.all([
      startGrpc(options),
      startHttp({ ...options, corsOrigins: [], findRoute: createHttpRoutes(this.parts, log, rest.findRoute) }),
    ]);
    options.health.setServing(true);
    this.#ports = { grpc, http };
  }

  get rest(): Rest {
    if (!this.#rest) throw new Error("the REST door is not open");
    return this.#rest;
  }

  get ports(): { readonly grpc: OpenPort; readonly http: OpenPort } {
    if (!this.#ports) throw new Error("the ports are not open");
    return this.#ports;
  }

  async close(): Promise<void> {
    await Promise.all([this.ports.grpc.stop(), this.ports.http.stop(), this.rest.close()]);
    await this.service.close();
    await this.issuer.close();
  }

  /** Orders of a customer, one of them with an open payment. */
  async newTarget(customerId: string): Promise<TokenTarget> {
    this.#orders += 1;
    // Lists have the newest first, so each is a little newer than the one before.
    this.service.time += 1;
    const orderId = `${customerId}-${this.#orders}`;
    const input = createInput({ orderId, customerId, paymentMethod: null, requestId: orderId });
    const { payment } = answerOf(await createPayment(this.parts, caller, input));
    return {
      paymentId: printPaymentId(payment.id),
      orderId,
      unpaidOrderId: `${orderId}-unpaid`,
      customerId,
      clientToken: payment.clientToken,
      reference: payment.providerReference ?? "",
    };
  }

  /** The authorization header of a caller. */
  async headerOf(who: Who, target: TokenTarget): Promise<string> {
    switch (who) {
      case "service":
        return this.#signFor(who, { scope: "payment-service", azp: "shop", sub: "shop" });
      case "admin":
        return this.#signFor(who, { sub: "root", realm_access: { roles: ["payment-admin"] } });
      case "customer, own":
      case "customer, another's":
        return this.#signFor(who, { sub: CUSTOMER });
      case "holder, own":
        return `Bearer ${target.clientToken}`;
      case "holder, another's":
        return `Bearer ${(await this.newTarget(CUSTOMER)).clientToken}`;
    }
  }

  /** One token for each caller, as a client keeps its own. */
  async #signFor(who: Who, claims: Claims): Promise<string> {
    const token = this.#tokens.get(who) ?? this.issuer.sign(claims);
    this.#tokens.set(who, token);
    return `Bearer ${await token}`;
  }
}

/** Every order that is named is there, and of the customer whom its id begins with. */
function findOrder(id: string): OrderLookup {
  const [customerId = ""] = id.split("-");
  const order: Order = {
    id,
    status: "PENDING",
    amount: id.endsWith("-credits") ? money(2n, CREDITS) : money(10_000n, "EUR"),
    customerId,
    customerEmail: null,
    items: [],
  };
  return { found: order };
}
