import type { House } from "../mixins/collection.ts";
import type { World } from "../services/shared/world.ts";

/** Where nobody hears anything, so that what is told goes nowhere. */
export const quietHouse = (world: World): House => ({
  world,
  hearersOf: () => [],
  isAcknowledged: () => false,
  toldIn() {},
});
