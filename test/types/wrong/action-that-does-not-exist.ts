import type { TypedBroker } from "../../../services/shared/typed.ts";

export const ask = (broker: TypedBroker) => broker.call("inventory.reserve", { sku: "MUG" });
