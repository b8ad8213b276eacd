// Compiles: what the others get wrong, got right.
import type { ServiceOf, TypedBroker } from "../../../services/shared/typed.ts";

export async function available(broker: TypedBroker): Promise<number> {
  const level = await broker.call("inventory.available", { sku: "MUG" });
  return level.available;
}

export const notifications = {
  name: "notifications",
  actions: {
    mails: () => ({ data: [], nextCursor: null }),
  },
  hears: {
    "orders.confirmed": async ({ data }) => data.order.number.length,
    "orders.canceled": async ({ data }) => data.reason,
  },
} satisfies ServiceOf<"notifications">;
