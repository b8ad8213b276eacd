import type { Collection, Doc } from "../mixins/store.mixin.ts";
import type { Delivery } from "../mixins/store.ts";
import { until } from "./client.ts";
import type { Shop } from "./shop.ts";

/** As the outbox of inventory leaves a fact about a new SKU that could not be delivered ten times. */
export async function park(shop: Shop, sku: string, n: number): Promise<void> {
  await shop.call("inventory.open", { stock: [{ sku, onHand: 1 }] });
  const service = shop.broker.getLocalService("inventory") as unknown as { stock: Collection<Doc> };
  const { adapter } = service.stock;
  await until(
    () => adapter.findById(sku),
    (record) => record?.outbox === undefined,
  );
  const record = await adapter.findById(sku);
  if (!record) throw new Error(`${sku} is gone`);
  const at = "2026-01-01T00:00:00.000Z";
  // It moves nothing, so that whoever adds up what came and what left is not misled.
  const movement = {
    id: `mov_0000000000${n}`,
    sku,
    delta: 0,
    onHandAfter: 1,
    kind: "adjusted",
    reason: null,
    orderId: null,
    actorId: null,
    at,
  };
  const delivery: Delivery = {
    id: `evt_0000000000${n}`,
    type: "inventory.moved",
    at,
    data: { movements: [movement] },
    to: "inventory",
    tries: 10,
    parkedAt: at,
    error: "Error: not now",
  };
  await adapter.replace({ ...record, outbox: [delivery], parkedAt: at }, record.version);
}
