import { catalog } from "./catalog/catalog.contract.ts";
import { gateway } from "./gateway/gateway.contract.ts";
import { inventory } from "./inventory/inventory.contract.ts";
import { notifications } from "./notifications/notifications.contract.ts";
import { orders } from "./orders/orders.contract.ts";
import { payments } from "./payments/payments.contract.ts";
import { sandbox } from "./sandbox/sandbox.contract.ts";
import { users } from "./users/users.contract.ts";

/** The map of the system: who there is, what each can be asked, tells and hears. */
export const contracts = {
  users,
  catalog,
  inventory,
  orders,
  payments,
  sandbox,
  notifications,
  gateway,
} as const;

export type ServiceName = keyof typeof contracts;
