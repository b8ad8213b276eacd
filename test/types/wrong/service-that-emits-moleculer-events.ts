import type { TypedBroker } from "../../../services/shared/typed.ts";

export const tell = (broker: TypedBroker) => broker.emit("orders.confirmed", {});
