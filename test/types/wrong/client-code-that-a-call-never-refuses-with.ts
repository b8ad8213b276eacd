import { isRefusal, type Lonja } from "../../../sdk/src/index.ts";

export const isTaken = (shop: Lonja, error: unknown) =>
  isRefusal(error, shop.orders.place) && error.code === "forbidden";
