import { groupsOf } from "./calls.ts";
import type { Client } from "./client.ts";
import { type Office, officeRoutes } from "./generated.ts";

export type { Office } from "./generated.ts";

/** What staff can do in a shop, in the name of whoever is signed in there. */
export const admin = (shop: Client): Office => groupsOf(shop, officeRoutes);
