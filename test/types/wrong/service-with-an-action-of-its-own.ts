import type { ServiceOf } from "../../../services/shared/typed.ts";

export const notifications = {
  name: "notifications",
  actions: { mails: () => ({ data: [], nextCursor: null }), shout: () => null },
  hears: { "orders.confirmed": async () => null, "orders.canceled": async () => null },
} satisfies ServiceOf<"notifications">;
