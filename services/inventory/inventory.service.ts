import { due } from "../../mixins/due.mixin.ts";
import { type Collection, collectionOptions, isDuplicate, store } from "../../mixins/store.mixin.ts";
import { type Docs, Together } from "../../mixins/together.ts";
import { found } from "../shared/refusal.ts";
import type { ServiceOf } from "../shared/typed.ts";
import { timeAt } from "../shared/world.ts";
import type { Movement } from "./inventory.contract.ts";
import {
  adjust,
  available,
  commit,
  emptyShelf,
  expire,
  holdAll,
  level,
  longMoved,
  type Moment,
  type Past,
  refreshed,
  release,
  type Stock,
  unitsBySku,
} from "./stock.ts";

type Kept = Movement & { version: number; requestKey?: string | undefined };

const stock = collectionOptions<Stock>({
  fields: ["dueAt"],
  indexes: [["dueAt"]],
  tells: (_before, after) => after.moved.map((movement) => ({ type: "inventory.moved", data: movement })),
});
const movements = collectionOptions<Kept>({
  fields: ["sku", "orderId", "at"],
  indexes: [["sku", "_id"], ["orderId"]],
});

interface Inventory {
  stock: Collection<Stock>;
  movements: Collection<Kept>;
  desk: Together<Stock>;
  moment(): Moment;
  refresh(stock: Stock): Promise<Stock>;
  pastOf(orderId: string): Promise<(sku: string) => Past>;
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
      const stocks = await this.stock.getMany(ctx.params.skus);
      const known = new Map(stocks.map((stock) => [stock.id, Math.max(0, available(stock))]));
      return Object.fromEntries(ctx.params.skus.map((sku) => [sku, known.get(sku) ?? 0]));
    },

    async level(ctx) {
      return level(found(await this.stock.get(ctx.params.sku), "SKU"));
    },

    async movements(ctx) {
      const { sku, limit = 20, cursor } = ctx.params;
      const page = await this.movements.find({ where: { sku }, sort: "-_id", limit, cursor });
      return { ...page, data: page.data.map(({ version, requestKey, ...movement }) => movement) };
    },

    async adjust(ctx) {
      const { sku, delta, reason } = ctx.params;
      const change = { delta, reason, actorId: ctx.meta.caller?.userId ?? null };
      const docs = await this.desk.change([sku], (docs) => [
        adjust(docs.get(sku) ?? emptyShelf(sku), change, this.moment(), ctx.meta.requestKey),
      ]);
      return level(found(docs.get(sku), "SKU"));
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

    async hold(ctx) {
      const { orderId, lines, expiresAt } = ctx.params;
      const wanted = unitsBySku(lines);
      const past = await this.pastOf(orderId);
      await this.desk.change([...wanted.keys()], (docs) => holdAll(docs, { orderId, wanted, expiresAt }, past));
      return { orderId, expiresAt };
    },

    async commit(ctx) {
      const { orderId, lines } = ctx.params;
      const skus = [...unitsBySku(lines).keys()];
      const past = await this.pastOf(orderId);
      await this.desk.change(skus, (docs) =>
        skus.map((sku) => commit(shelf(docs, sku), orderId, past(sku), this.moment())),
      );
      return null;
    },

    async release(ctx) {
      const { orderId, lines } = ctx.params;
      const units = unitsBySku(lines);
      const past = await this.pastOf(orderId);
      await this.desk.change([...units.keys()], (docs) =>
        [...units].flatMap(([sku, quantity]) =>
          docs.has(sku) ? [release(shelf(docs, sku), orderId, quantity, past(sku), this.moment())] : [],
        ),
      );
      return null;
    },
  },

  hears: {
    /** Movements are first saved with the stock that moved, then put on record here. */
    async "inventory.moved"({ data: movement }) {
      await this.movements.insert(movement).catch((error) => {
        if (!isDuplicate(error, "_id")) throw error;
      });
    },
  },

  methods: {
    moment() {
      return { now: timeAt(this.world), movementId: () => this.world.id("mov") };
    },

    async refresh(stock) {
      const now = timeAt(this.world);
      const asked = longMoved(stock, now);
      const { data } = asked.length
        ? await this.movements.find({ where: { sku: stock.id, orderId: { $in: asked } }, limit: 10_000 })
        : { data: [] };
      const latest = (orderId: string) => (stock.settled[orderId]?.as === "returned" ? "returned" : "sold");
      const onRecord = data.flatMap(({ orderId, kind }) => (orderId && kind === latest(orderId) ? [orderId] : []));
      return refreshed(stock, now, new Set(onRecord));
    },

    async pastOf(orderId) {
      const { data } = await this.movements.find({ where: { orderId }, limit: 1000 });
      const has = (sku: string, kind: Movement["kind"]) => data.some((one) => one.sku === sku && one.kind === kind);
      return (sku) => ({ sold: has(sku, "sold"), returned: has(sku, "returned") });
    },
  },

  created() {
    this.desk = new Together(
      () => this.stock,
      (stock) => this.refresh(stock),
    );
  },
} satisfies ServiceOf<"inventory", Inventory>;

const shelf = (docs: Docs<Stock>, sku: string): Stock => docs.get(sku) ?? emptyShelf(sku);
