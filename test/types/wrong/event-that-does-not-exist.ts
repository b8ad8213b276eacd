import type { Telling } from "../../../services/shared/typed.ts";

export const telling: Telling = { type: "orders.exploded", data: {} } as const;
