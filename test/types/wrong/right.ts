// Compiles: what the others get wrong, got right.
import { isRefusal, type Lonja } from "../../../sdk/src/index.ts";
import type { ServiceOf, TypedBroker } from "../../../services/shared/typed.ts";
import * as rest from "../rest-of-notifications.ts";

export async function available(broker: TypedBroker): Promise<number> {
  const level = await broker.call("inventory.available", { sku: "MUG" });
  return level.available;
}

export const notifications = {
  name: "notifications",
  actions: {
    ...rest.actions,
    mails: () => ({ data: [], nextCursor: null }),
  },
  hears: {
    ...rest.hears,
    "orders.confirmed": async ({ data }) => data.order.number.length,
    "orders.canceled": async ({ data }) => data.reason,
  },
} satisfies ServiceOf<"notifications">;

export async function buy(shop: Lonja, signal: AbortSignal): Promise<string> {
  for await (const { variants } of shop.products.list({ sort: "price" }, { signal })) {
    const [variant] = variants;
    if (!variant) continue;
    const [address, payment] = [
      { name: "A", line1: "1", city: "V", postalCode: "1", country: "ES" },
      { token: "tok_visa" },
    ];
    const order = {
      email: "a@example.com",
      lines: [{ sku: variant.sku, quantity: 1 }],
      shippingAddress: address,
      payment,
    };
    try {
      return (await shop.orders.place(order)).guestToken;
    } catch (error) {
      if (isRefusal(error, "insufficient_stock")) return `${error.errors[0]?.available} left`;
      if (!isRefusal(error, shop.orders.place)) throw error;
      return error.code === "payment_declined" ? "another card" : error.code;
    }
  }
  const { data, nextCursor } = await shop.products.list();
  return nextCursor ?? data[0]?.title ?? "";
}
