import type { Lonja } from "../../../sdk/src/index.ts";

export const ask = (shop: Lonja) => shop.products.list({ sort: "cheapest" });
