import { isRefusal } from "../../../sdk/src/index.ts";

export const isOut = (error: unknown) => isRefusal(error, "sold_out");
