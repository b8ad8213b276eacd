import { admin, type Office } from "../sdk/src/admin.ts";
import type { List, Order, PlacedOrder, PlaceOrder, Product } from "../sdk/src/index.ts";
import { remark } from "./print.ts";
import { type Shop, shown, until } from "./shop.ts";

/** What the scenes hand on to those that follow. */
export interface Story {
  shop: Shop;
  variant: Product["variants"][number];
  /** The purchase of the second scene, how it was asked for, and under which key. */
  order: PlacedOrder;
  purchase: PlaceOrder;
  key: string;
  /** The order whose payment's answer was lost. */
  lost: PlacedOrder;
}

export interface Scene {
  title: string;
  says: string;
  /** The line in the summary. */
  shows: string;
  staff?: true;
  play(story: Story): Promise<void>;
}

export const office = ({ shop }: Story): Office => admin(shop.clerk);
export const asGuest = ({ guestToken }: PlacedOrder) => ({ guestToken });

const home = { name: "Ada Lovelace", line1: "Calle del Puerto 7", city: "Cádiz", postalCode: "11006", country: "ES" };
export const ofOrder = ["id", "number", "status", "paymentStatus", "totals.total", "payment"];
export const ofProblem = ["status", "code", "title", "detail", "errors"];

export const purchaseOf = ({ variant: { sku } }: Story, token: string, quantity = 1): PlaceOrder => ({
  email: "ada@example.com",
  lines: [{ sku, quantity }],
  shippingAddress: home,
  payment: { token },
});

/** Buys for all to see, but for the address, which is known by now. */
export const buy = ({ shop }: Story, purchase: PlaceOrder, show: readonly string[], idempotencyKey?: string) =>
  shop.guest.orders.place(purchase, { idempotencyKey, fetch: shown(show, { shippingAddress: "…" }) });

export async function untilConfirmed({ shop }: Story, order: PlacedOrder): Promise<void> {
  const { number, status, paymentStatus } = await until(
    "the order is confirmed",
    () => shop.guest.orders.get(order.id, asGuest(order)),
    (now) => now.status === "confirmed",
  );
  remark(`Order ${number} is ${status}, its payment ${paymentStatus}.`);
}

/** Staff's look at a list, once there is in it what has to come. */
export async function staffSees<T>(route: string, list: () => List<T>, isThere: (data: T[]) => boolean): Promise<T[]> {
  const { data } = await until(`${route} has what it should`, list, (page) => isThere(page.data));
  remark(route);
  return data;
}

export async function sayStock({ shop, variant }: Story): Promise<void> {
  const { sku, available } = await shop.guest.inventory.get(variant.sku);
  remark(`${available} of ${sku} can be bought now.`);
}

/** The provider's page is named in the order; its last part is the charge. */
export const chargeOf = ({ payment }: Order): string | undefined => payment?.nextAction?.url.match(/ch_[0-9a-z]+/)?.[0];
