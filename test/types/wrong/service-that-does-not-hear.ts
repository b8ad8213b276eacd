import type { ServiceOf } from "../../../services/shared/typed.ts";

export const notifications = {
  name: "notifications",
  actions: { mails: () => ({ data: [], nextCursor: null }) },
  hears: { "orders.confirmed": async () => null },
} satisfies ServiceOf<"notifications">;
