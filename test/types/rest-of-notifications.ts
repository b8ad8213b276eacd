import type { ServiceOf } from "../../services/shared/typed.ts";

type Notifications = ServiceOf<"notifications">;

/** What the programs beside do not speak of, so that each is wrong in one thing. */
export declare const actions: Omit<Notifications["actions"], "mails">;
export declare const hears: Omit<Notifications["hears"], "orders.confirmed" | "orders.canceled">;
