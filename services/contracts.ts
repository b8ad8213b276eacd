import { extensions } from "../extensions.ts";
import { catalog } from "./catalog/catalog.contract.ts";
import { doctor } from "./doctor/doctor.contract.ts";
import { gateway } from "./gateway/gateway.contract.ts";
import { inventory } from "./inventory/inventory.contract.ts";
import { notifications } from "./notifications/notifications.contract.ts";
import { orders } from "./orders/orders.contract.ts";
import { payments } from "./payments/payments.contract.ts";
import { sandbox } from "./sandbox/sandbox.contract.ts";
import { users } from "./users/users.contract.ts";

const ours = {
  users,
  catalog,
  inventory,
  orders,
  payments,
  sandbox,
  notifications,
  doctor,
  gateway,
} as const;

/** Services that a shop adds of its own write here what type their contracts have: see docs/guides/extending.md. */
// biome-ignore lint/suspicious/noEmptyInterface: it is filled in elsewhere.
export interface Extensions {}
type All = typeof ours & Extensions;
export type Contracts = { [Name in keyof All]: All[Name] };

/** The map of the system: who there is, what each can be asked, tells and hears. */
export const contracts = {
  ...ours,
  ...Object.fromEntries(extensions.map(({ contract }) => [contract.name, contract])),
} as Contracts;

/** All that the files of their contracts export: the schemas that have a name. */
export const vocabularies: Readonly<Record<string, object>> = Object.fromEntries(
  extensions.map(({ contract, vocabulary }) => [contract.name, vocabulary]),
);

export type ServiceName = keyof Contracts;
