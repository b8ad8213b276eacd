import type { Lonja, PlaceOrder } from "../../../sdk/src/index.ts";

export const ask = (shop: Lonja, { email: _email, ...order }: PlaceOrder) => shop.orders.place(order);
