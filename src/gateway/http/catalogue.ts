// Finds and prints any object of a payment by its id, whose prefix tells its kind.
import { baseOf, type Life } from "../objects.ts";
import type { Body } from "./outcome.ts";
import { renderCharge, renderDispute, renderRefund } from "./render-charge.ts";
import { renderIntent, renderMethodOf, type Site } from "./render-intent.ts";
import { isHidden, renderLineItems, renderSession } from "./render-session.ts";
import { renderBalanceTransaction, transactionsOf } from "./render-balance.ts";

/** Null where the payment has no such object, or shows none yet. */
export function renderObject(id: string, life: Life, site: Site): Body | null {
  if (id === life.intent.id) return isHidden(life) ? null : renderIntent(life, site);
  if (id === life.session?.id) return renderSession(life, site);
  const charge = life.charges.find((each) => each.id === id);
  if (charge) return renderCharge(charge, life);
  const refund = life.refunds.find((each) => each.id === id);
  if (refund) return renderRefund(refund);
  const dispute = life.disputes.find((each) => each.id === id);
  if (dispute) return renderDispute(dispute);
  const transaction = transactionsOf(life).find((each) => each.id === id);
  return transaction ? renderBalanceTransaction(transaction) : null;
}

export interface Catalogue {
  /** What an id stands for; undefined where the answer knows nothing of it. */
  find(id: string): Body | undefined;
  /** A list that an object holds only when asked for. */
  include(object: Body, property: string): Body | undefined;
}

/** All objects of the payments that an answer speaks of. */
export function catalogueOf(lives: readonly Life[], site: Site): Catalogue {
  const byBase = new Map(lives.map((life) => [baseOf(life.intent.id), life]));
  const lifeOf = (id: unknown): Life | undefined => byBase.get(baseOf(String(id)));
  return {
    find(id) {
      const life = lifeOf(id);
      return (life && renderObject(id, life, site)) ?? renderMethodOf(id) ?? undefined;
    },
    include(object, property) {
      const life = lifeOf(object["id"]);
      if (life === undefined) return undefined;
      if (property === "line_items" && life.session) {
        return wholeList(renderLineItems(life.session), `/v1/checkout/sessions/${life.session.id}/line_items`);
      }
      const refunds = life.refunds.filter((refund) => refund.charge === object["id"]).toReversed();
      return wholeList(refunds.map(renderRefund), `/v1/charges/${String(object["id"])}/refunds`);
    },
  };
}

function wholeList(data: readonly Body[], url: string): Body {
  return { object: "list", data, has_more: false, url };
}
