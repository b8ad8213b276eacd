import type { Telling } from "../../../services/shared/typed.ts";

export const telling: Telling = { type: "inventory.moved", data: { sku: "MUG" } };
