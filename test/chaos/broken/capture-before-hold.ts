import { steps } from "../../../services/orders/checkout.ts";

/** Loaded before a node, this is a Lonja that takes the money before it looks whether there is anything to sell. */
const { hold, authorize, commit, capture } = { ...steps };
Object.assign(steps, {
  hold: { ...authorize, next: "authorize" },
  authorize: { ...capture, next: "commit" },
  commit: { ...hold, next: "take" },
  take: { ...commit, next: undefined },
});
