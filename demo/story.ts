import { randomUUID } from "node:crypto";
// Types only, as a client of its own would have them. Everything that happens here goes over HTTP.
import type { Variant } from "../services/catalog/catalog.contract.ts";
import type { Order, PlacedOrder } from "../services/orders/orders.contract.ts";
import type { Page } from "../services/shared/schema.ts";
import type { Session } from "../services/users/users.contract.ts";
import { remark } from "./print.ts";
import { type Asked, ask as askShop, type Shop, until } from "./shop.ts";

/** What the scenes hand on to those that follow. */
export interface Story {
  shop: Shop;
  variant: Variant & { available: number };
  /** The purchase of the second scene, and how it was asked for. */
  order: PlacedOrder;
  purchase: Asked & { body: object };
  /** The order whose payment's answer was lost. */
  lost: PlacedOrder;
  session: Session;
}

export interface Scene {
  title: string;
  says: string;
  /** The line in the summary. */
  shows: string;
  staff?: true;
  play(story: Story): Promise<void>;
}

export const ask = <T>({ shop }: Story, route: string, asked?: Asked) => askShop<T>(shop, route, asked);
export const freshKey = () => ({ "Idempotency-Key": `demo-${randomUUID()}` });
export const asGuest = ({ guestToken }: PlacedOrder) => ({ "X-Guest-Token": guestToken });
export const asStaff = ({ session }: Story) => ({ Authorization: `Bearer ${session.accessToken}` });

const home = { name: "Ada Lovelace", line1: "Calle del Puerto 7", city: "Cádiz", postalCode: "11006", country: "ES" };
export const ofOrder = ["id", "number", "status", "paymentStatus", "totals.total", "payment"];
export const ofProblem = ["status", "code", "title", "detail", "errors"];

/** A wish to buy, with a key of its own. */
export function purchaseOf({ variant: { sku } }: Story, token: string, quantity = 1): Asked & { body: object } {
  const body = { email: "ada@example.com", lines: [{ sku, quantity }], shippingAddress: home, payment: { token } };
  return { headers: freshKey(), body, shown: { ...body, shippingAddress: "…" } };
}

export const buy = (story: Story, purchase: Asked, expect: NonNullable<Asked["expect"]>, show: readonly string[]) =>
  ask<PlacedOrder>(story, "POST /v1/orders", { ...purchase, expect, show, showHeader: "Idempotent-Replayed" });

export async function untilConfirmed(story: Story, order: PlacedOrder): Promise<void> {
  const look = () => ask<Order>(story, `GET /v1/orders/${order.id}`, { headers: asGuest(order) });
  const { number, status, paymentStatus } = await until(
    "the order is confirmed",
    look,
    (now) => now.status === "confirmed",
  );
  remark(`Order ${number} is ${status}, its payment ${paymentStatus}.`);
}

/** Staff's look at a list, once there is in it what has to come. */
export async function staffSees<T>(story: Story, path: string, isThere: (data: T[]) => boolean): Promise<T[]> {
  const look = () => ask<Page<T>>(story, `GET ${path}`, { headers: asStaff(story) });
  const { data } = await until(`${path} has what it should`, look, (page) => isThere(page.data));
  remark(`GET ${path}`);
  return data;
}

export async function sayStock(story: Story): Promise<void> {
  const route = `GET /v1/inventory/${encodeURIComponent(story.variant.sku)}`;
  const { sku, available } = await ask<{ sku: string; available: number }>(story, route);
  remark(`${available} of ${sku} can be bought now.`);
}

/** The provider's page is named in the order; its last part is the charge. */
export const chargeOf = ({ payment }: Order) => payment?.nextAction?.url.match(/ch_[0-9a-z]+/)?.[0];
