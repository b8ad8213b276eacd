import type { ServiceOf } from "../../../services/shared/typed.ts";
import * as rest from "../rest-of-notifications.ts";

export const notifications = {
  name: "notifications",
  actions: { ...rest.actions, mails: () => ({ data: [], nextCursor: null }), shout: () => null },
  hears: { ...rest.hears, "orders.confirmed": async () => null, "orders.canceled": async () => null },
} satisfies ServiceOf<"notifications">;
