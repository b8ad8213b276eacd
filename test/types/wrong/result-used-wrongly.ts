import type { TypedBroker } from "../../../services/shared/typed.ts";

export const ask = async (broker: TypedBroker) => (await broker.call("inventory.available", { sku: "MUG" })).onHand;
