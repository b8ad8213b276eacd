import { due } from "../../mixins/due.mixin.ts";
import { type Collection, collectionOptions, store } from "../../mixins/store.mixin.ts";
import { type Docs, Together } from "../../mixins/together.ts";
import { found, isRefusal } from "../shared/refusal.ts";
import type { ServiceOf } from "../shared/typed.ts";
import { witnessed } from "../shared/witness.ts";
import { timeAt } from "../shared/world.ts";
import type { Movement } from "./inventory.contract.ts";
import {
  adjust,
  audited,
  auditedMovement,
  available,
  commit,
  emptyShelf,
  expire,
  holdAll,
  letGo,
  level,
  longMoved,
  type Moment,
  type Past,
  refreshed,
  refusedAdjustment,
  refuseShort,
  release,
  type Stock,
  unitsBySku,
} from "./stock.ts";

type Kept = Movement & { version: number };

const stock = collectionOptions<Stock>({
  fields: ["dueAt"],
  indexes: [["dueAt"]],
  tells: (_before, { moved }) => (moved.length ? [{ type: "inventory.moved", data: { movements: [...moved] } }] : []),
});
const movements = collectionOptions<Kept>({
  fields: ["sku", "orderId", "at"],
  indexes: [
    ["sku", "_id"],
    ["orderId", "_id"],
  ],
});

/** What orders have done to a SKU, as far as it is on record. */
type OnRecord = (orderId: string, sku: string) => Past;

interface Inventory {
  stock: Collection<Stock>;
  movements: Collection<Kept>;
  desk: Together<Stock, OnRecord>;
  moment(): Moment;
  /** Puts movements on record, each once. */
  enter(movements: readonly Movement[]): Promise<void>;
  /** What the movements tell of these orders, and of those that these stocks could forget. */
  learn(orderIds: readonly string[], stocks: readonly Stock[]): Promise<OnRecord>;
  refresh(stock: Stock, record: OnRecord): Stock;
  recordOf(orderIds: readonly string[]): Promise<OnRecord>;
}

export default {
  name: "inventory",
  mixins: [
    due<Stock, Inventory>("stock", function (due) {
      return this.desk.change([due.id], (docs) => [expire(docs.get(due.id) ?? due, this.moment().now)]);
    }),
    store({ stock, movements }),
  ],

  actions: {
    async available(ctx) {
      const { sku } = ctx.params;
      const stock = found(await this.stock.get(sku), "SKU");
      return { sku, available: Math.max(0, available(stock)) };
    },

    async availability(ctx) {
      const { skus } = ctx.params;
      const stocks = await this.stock.getMany(skus);
      const known = new Map(stocks.map((stock) => [stock.id, Math.max(0, available(stock))]));
      const units = Object.fromEntries(skus.map((sku) => [sku, known.get(sku) ?? 0]));
      const isStillTrue = () => stocks.every((stock) => this.stock.isCurrent(stock));
      return stocks.length === Object.keys(units).length ? witnessed(units, isStillTrue) : units;
    },

    async level(ctx) {
      return level(found(await this.stock.get(ctx.params.sku), "SKU"));
    },

    movements(ctx) {
      const { sku, ...asked } = ctx.params;
      return this.movements.page(asked, { where: { sku } }, ({ version, ...movement }) => movement);
    },

    async adjust(ctx) {
      const { sku, delta, reason } = ctx.params;
      const change = { delta, reason, actorId: ctx.meta.caller?.userId ?? null };
      const { requestKey } = ctx.meta;
      const docs = await this.desk.change([sku], (docs) => [
        adjust(docs.get(sku) ?? emptyShelf(sku), change, this.moment(), requestKey),
      ]);
      const stock = found(docs.get(sku), "SKU");
      const refusal = refusedAdjustment(stock, requestKey);
      if (refusal) throw refusal;
      return level(stock);
    },

    async open(ctx) {
      const first = new Map(ctx.params.stock.map(({ sku, onHand }) => [sku, onHand]));
      await this.desk.change([...first.keys()], (docs) =>
        [...first].flatMap(([sku, delta]) =>
          docs.has(sku)
            ? []
            : [adjust(emptyShelf(sku), { delta, reason: "first stock", actorId: null }, this.moment())],
        ),
      );
      return null;
    },

    async check(ctx) {
      const wanted = unitsBySku(ctx.params.lines);
      const stocks = await this.stock.getMany([...wanted.keys()]);
      refuseShort(new Map(stocks.map((stock) => [stock.id, stock])), wanted);
      return null;
    },

    async hold(ctx) {
      const { orderId, lines, expiresAt } = ctx.params;
      const wanted = unitsBySku(lines);
      const skus = [...wanted.keys()];
      const ask = this.world.id("req");
      const order = { orderId, wanted, expiresAt, ask };
      await this.desk
        .change(skus, (docs, record) => holdAll(docs, order, (sku) => record(orderId, sku)), orderId)
        .catch(async (error) => {
          // Another node may have been faster with one SKU after others were held.
          if (skus.length > 1 && isRefusal(error, "insufficient_stock"))
            await this.desk.change(skus, (docs) => letGo([...docs.values()], orderId, ask, this.moment().now));
          throw error;
        });
      return { orderId, expiresAt };
    },

    async commit(ctx) {
      const { orderId, lines } = ctx.params;
      const skus = [...unitsBySku(lines).keys()];
      await this.desk.change(
        skus,
        (docs, record) => skus.map((sku) => commit(shelf(docs, sku), orderId, record(orderId, sku), this.moment())),
        orderId,
      );
      return null;
    },

    async release(ctx) {
      const { orderId, lines } = ctx.params;
      const units = unitsBySku(lines);
      await this.desk.change(
        [...units.keys()],
        (docs, record) =>
          [...units].flatMap(([sku, quantity]) =>
            docs.has(sku) ? [release(shelf(docs, sku), orderId, quantity, record(orderId, sku), this.moment())] : [],
          ),
        orderId,
      );
      return null;
    },

    auditStock(ctx) {
      return this.stock.walk("_id", ctx.params, audited);
    },

    auditMovements(ctx) {
      const { by, ...asked } = ctx.params;
      return this.movements.walk(by, asked, auditedMovement);
    },

    async putOnRecord(ctx) {
      const { moved } = found(await this.stock.get(ctx.params.sku), "SKU");
      await this.enter(moved);
      return null;
    },
  },

  hears: {
    /** Movements are first saved with the stock that moved, then put on record here. */
    "inventory.moved"({ data }) {
      return this.enter(data.movements);
    },
  },

  methods: {
    moment() {
      return { now: timeAt(this.world), movementId: () => this.world.id("mov") };
    },

    async enter(movements) {
      await Promise.all(movements.map((movement) => this.movements.insertOnce(movement)));
    },

    async learn(orderIds, stocks) {
      const now = timeAt(this.world);
      const asked = new Set([...orderIds, ...stocks.flatMap((stock) => longMoved(stock, now))]);
      return asked.size > 0 ? this.recordOf([...asked]) : () => ({ sold: false, returned: false });
    },

    refresh(stock, record) {
      const now = timeAt(this.world);
      const latest = (orderId: string) => (stock.settled[orderId]?.as === "returned" ? "returned" : "sold");
      const onRecord = longMoved(stock, now).filter((orderId) => record(orderId, stock.id)[latest(orderId)]);
      return refreshed(stock, now, new Set(onRecord));
    },

    /** Asks by the orders alone: a SKU's own history grows for ever. */
    async recordOf(orderIds) {
      const moved = new Set<string>();
      const where = { orderId: { $in: [...orderIds] } };
      let cursor: string | undefined;
      do {
        const page = await this.movements.find({ where, sort: "orderId", limit: 1000, cursor });
        for (const { kind, orderId, sku } of page.data) moved.add(`${kind} ${orderId} ${sku}`);
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
      const has = (kind: Movement["kind"], orderId: string, sku: string) => moved.has(`${kind} ${orderId} ${sku}`);
      return (orderId, sku) => ({ sold: has("sold", orderId, sku), returned: has("returned", orderId, sku) });
    },
  },

  created() {
    this.desk = new Together(
      () => this.stock,
      (orderIds, stocks) => this.learn(orderIds, stocks),
      (stock, record) => this.refresh(stock, record),
    );
  },
} satisfies ServiceOf<"inventory", Inventory>;

const shelf = (docs: Docs<Stock>, sku: string): Stock => docs.get(sku) ?? emptyShelf(sku);
