import * as catalog from "../catalog/catalog.contract.ts";
import { vocabularies } from "../contracts.ts";
import * as doctor from "../doctor/doctor.contract.ts";
import * as inventory from "../inventory/inventory.contract.ts";
import * as notifications from "../notifications/notifications.contract.ts";
import * as webhooks from "../notifications/webhooks.contract.ts";
import * as orders from "../orders/orders.contract.ts";
import * as payments from "../payments/payments.contract.ts";
import * as sandbox from "../sandbox/sandbox.contract.ts";
import * as delivery from "../shared/delivery.ts";
import * as shared from "../shared/schema.ts";
import * as users from "../users/users.contract.ts";
import * as gateway from "./gateway.contract.ts";

export type Json = { [key: string]: unknown };
export interface Named {
  name: string;
  schema: Json;
}

/** The exports of contracts that are schemas give the parts of OpenAPI and GraphQL their names. */
const modules: Readonly<Record<string, object>> = {
  shared,
  delivery,
  users,
  catalog,
  inventory,
  orders,
  payments,
  sandbox,
  notifications,
  webhooks,
  doctor,
  gateway,
  ...vocabularies,
};

/** By what they say (`keyOf`), as an optional field is a copy of the schema that it is made of. */
export function namedSchemas(): Map<string, Named> {
  const names = new Map<string, Named>();
  const taken = new Set<string>(["Problem"]);
  for (const [owner, exported] of Object.entries(modules))
    for (const [plain, schema] of Object.entries(exported)) {
      if (!isNamed(plain, schema) || names.has(keyOf(schema))) continue;
      const name = taken.has(plain) ? `${owner}.${plain}` : plain;
      taken.add(name);
      names.set(keyOf(schema), { name, schema });
    }
  return names;
}

export const keyOf = (schema: object): string => JSON.stringify(schema);

/** Objects and lists of choices. Simple fields, such as an e-mail address, are written out where they are. */
function isNamed(name: string, value: unknown): value is Json {
  const { type, enum: choices, properties } = (value ?? {}) as { type?: unknown; enum?: unknown; properties?: object };
  return /^[A-Z]/.test(name) && ((type === "object" && properties !== undefined) || Array.isArray(choices));
}
