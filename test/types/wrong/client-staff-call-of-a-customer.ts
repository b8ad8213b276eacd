import type { Lonja } from "../../../sdk/src/index.ts";

export const adjust = (shop: Lonja) => shop.inventory.adjust("MUG", { delta: 1, reason: "found" });
