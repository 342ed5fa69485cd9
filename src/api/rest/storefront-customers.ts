// What a customer paid, and the orders that came of it.
import type { FastifyInstance, FastifyRequest } from "fastify";
import { type CustomerList, listCustomerOrders, listCustomerPayments } from "../../app/customer-orders.ts";
import type { Page } from "../../app/page.ts";
import { accept, refuseField, type Result } from "../../domain/error.ts";
import type { Payment } from "../../domain/payment.ts";
import { checkList } from "../json/contract.ts";
import type { RestAnswer, RestCall, RestContext } from "./dialect.ts";
import { readAll } from "../json/fields.ts";
import { queryInteger, queryList, queryText, textParameter } from "./parameters.ts";
import { USER_ORDERS, USER_PAYMENTS } from "./storefront-schemas.ts";
import { describeOrder, describePayment } from "./storefront-words.ts";

const LIMIT_DEFAULT = 50;

/** A limit that is absent is the default; one that is zero or below is refused, since it asks for nothing. */
function readLimit(request: FastifyRequest): Result<number> {
  const limit = queryInteger(request, "limit");
  if (!limit.ok || limit.value > 0) return limit;
  if (queryList(request, "limit").length === 0) return accept(LIMIT_DEFAULT);
  return refuseField("INVALID_ARGUMENT", "limit", "must be a whole number above zero");
}

function readListing({ request }: RestCall): Result<CustomerList> {
  const customerId = textParameter(request, "user_id");
  const all = readAll({ pageSize: readLimit(request), pageToken: queryText(request, "page_token") });
  if (!all.ok) return all;
  const checked = checkList({ customerId, ...all.value });
  return checked.ok ? accept({ customerId, page: checked.value.page }) : checked;
}

interface View {
  /** The name of the list in the answer. */
  readonly name: string;
  list(call: RestCall, listing: CustomerList): Promise<Result<Page<Payment>>>;
  describe(payment: Payment): unknown;
}

async function show(call: RestCall, view: View): Promise<Result<RestAnswer>> {
  const listing = readListing(call);
  if (!listing.ok) return listing;
  const page = await view.list(call, listing.value);
  if (!page.ok) return page;
  const { items, nextPageToken } = page.value;
  return accept({
    status: 200,
    body: {
      [view.name]: items.map((item) => view.describe(item)),
      count: items.length,
      next_page_token: nextPageToken || null,
    },
  });
}

export function registerCustomerViews(app: FastifyInstance, context: RestContext): void {
  const { parts } = context;
  const payments: View = {
    name: "payments",
    list: ({ caller }, listing) => listCustomerPayments(parts, caller, listing),
    describe: describePayment,
  };
  const orders: View = {
    name: "orders",
    list: ({ caller }, listing) => listCustomerOrders(parts, caller, listing),
    describe: describeOrder,
  };
  app.get(
    "/user/:user_id/payments",
    { schema: USER_PAYMENTS },
    context.serve((call) => show(call, payments)),
  );
  app.get(
    "/user/:user_id/orders",
    { schema: USER_ORDERS },
    context.serve((call) => show(call, orders)),
  );
}
