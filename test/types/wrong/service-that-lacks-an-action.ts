import type { ServiceOf } from "../../../services/shared/typed.ts";

export const notifications = {
  name: "notifications",
  actions: {},
  hears: { "orders.confirmed": async () => null, "orders.canceled": async () => null },
} satisfies ServiceOf<"notifications">;
