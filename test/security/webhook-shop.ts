// A shop whose webhooks come in through the door on a real port.
import { Shop } from "../app/shop.ts";
import { openWebhookDoor, type WebhookDoor } from "./webhook-door.ts";

export interface WebhookShop {
  readonly shop: Shop;
  readonly door: WebhookDoor;
  readonly close: () => Promise<void>;
}

export async function openWebhookShop(): Promise<WebhookShop> {
  const shop = await Shop.open();
  const door = await openWebhookDoor(shop.service);
  return {
    shop,
    door,
    close: async () => {
      await door.close();
      await shop.close();
    },
  };
}
