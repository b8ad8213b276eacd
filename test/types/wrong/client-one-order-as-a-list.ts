import type { Lonja } from "../../../sdk/src/index.ts";

export async function read(shop: Lonja): Promise<void> {
  for await (const _order of shop.orders.get("ord_1"));
}
