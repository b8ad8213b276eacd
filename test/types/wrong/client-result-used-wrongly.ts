import type { Lonja } from "../../../sdk/src/index.ts";

export const total = async (shop: Lonja): Promise<number> => (await shop.orders.get("ord_1")).totals.total;
