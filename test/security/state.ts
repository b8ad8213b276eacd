import type { Collection, Doc } from "../../mixins/store.mixin.ts";
import type { StoredRecord } from "../../mixins/store.ts";
import { Digest, printOf, type Sum } from "../../moving/digest.ts";
import type { Shop } from "../shop.ts";

/** All that a shop has written down, collection by collection: equal sums mean that nothing was changed at all. */
export type State = Readonly<Record<string, Sum>>;

export const stateOf = async (shop: Pick<Shop, "broker">): Promise<State> => (await look(shop)).state;

const LOOK_AGAIN_MS = 50;
const MOST_LOOKS = 600;

/** The same once nothing is under way any more: what was begun before goes on behind the answer, and is nobody's doing. */
export async function calmState(shop: Pick<Shop, "broker">): Promise<State> {
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const { state, isMoving } = await look(shop);
    if (!isMoving) return state;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  throw new Error("The shop does not come to rest.");
}

async function look({ broker }: Pick<Shop, "broker">): Promise<{ state: State; isMoving: boolean }> {
  const keepers = broker.services as unknown as { name: string; $collections?: Collection<Doc>[] }[];
  const state: Record<string, Sum> = {};
  let isMoving = false;
  for (const { name, $collections = [] } of keepers)
    for (const collection of $collections) {
      const digest = new Digest();
      for (const record of await collection.adapter.find({})) {
        digest.add(printOf(record));
        isMoving ||= isDueSoon(record);
      }
      state[`${name}.${collection.name}`] = digest.sum;
    }
  return { state, isMoving };
}

/** Somebody has to take it up before a test would be over. */
const SOON_MS = 60_000;
const isDueSoon = ({ dueAt, outbox = [] }: StoredRecord): boolean =>
  outbox.length > 0 || (typeof dueAt === "string" && Date.parse(dueAt) < Date.now() + SOON_MS);
