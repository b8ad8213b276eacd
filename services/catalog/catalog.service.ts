import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { due } from "../../mixins/due.mixin.ts";
import { repeat } from "../../mixins/repeat.ts";
import { type Collection, collectionOptions, type Query, store } from "../../mixins/store.mixin.ts";
import { isStaff, type Meta } from "../shared/identity.ts";
import { pageOf } from "../shared/page.ts";
import { found } from "../shared/refusal.ts";
import type { Ctx, ServiceOf } from "../shared/typed.ts";
import { isStillTrue, witnessed } from "../shared/witness.ts";
import { sleep, timeAt } from "../shared/world.ts";
import type { Product, StoredProduct } from "./catalog.contract.ts";
import { DEMO_IMPORT, demoLoad } from "./demo/products.ts";
import { Display } from "./display.ts";
import { Editor } from "./editor.edge.ts";
import { type FilePart, Importer } from "./importer.edge.ts";
import { isFinished, type Job, newJob, report } from "./job.ts";
import { titleOf } from "./naming.ts";
import { isProduct, type Kept, offerOf, shown } from "./product.ts";
import { Search } from "./search.ts";
import { type Card, Showcase } from "./showcase.ts";
import { type Claim, SkuRegister } from "./skus.edge.ts";

/** How many of each SKU can be bought. */
type Units = Readonly<Record<string, number>>;

interface CategoryTitle {
  id: string;
  version: number;
  title: string;
}

const products = collectionOptions<Kept>({
  fields: ["handle", "updatedAt", "writer", "requestKey"],
  unique: [["handle"], ["requestKey"]],
  indexes: [["updatedAt", "_id"]],
});
const jobs = collectionOptions<Job>({
  fields: ["status", "dueAt", "requestKey"],
  unique: [["requestKey"]],
  indexes: [["dueAt"], ["status"]],
  isWatched: true,
});

/** How often it looks for what other nodes have changed, and how far their clocks may be off. */
const LOOK_MS = 3_000;
const OVERLAP_MS = 10_000;
const LOAD_SIZE = 500;
const STOCK_SIZE = 1_000;
/** Of products, when stock is asked for what they have. */
const MOST_OF_A_PAGE = 100;
/** How long the start may take longer for the demo catalogue to be there when the shop opens. */
const DEMO_PATIENCE_MS = 400;
const INVENTORY_PATIENCE_MS = 2_000;

interface Catalog {
  products: Collection<Kept>;
  skus: Collection<Claim>;
  categories: Collection<CategoryTitle>;
  jobs: Collection<Job>;
  files: Collection<FilePart>;
  register: SkuRegister;
  editor: Editor;
  importer: Importer;
  showcase: Showcase;
  search: Search;
  display: Display;
  pictures: Map<string, string>;
  stopLooking: () => Promise<void>;
  take(product: Kept): void;
  takeSince(updatedAt: string, writer?: Query[string]): Promise<void>;
  lookAround(since: string): () => Promise<void>;
  productBy(idOrHandle: string): Promise<StoredProduct | undefined>;
  productsOf(cards: readonly Card[]): Promise<StoredProduct[]>;
  withStock(ctx: Ctx, products: readonly StoredProduct[]): Promise<{ products: Product[]; available: Units }>;
  oneWithStock(ctx: Ctx, product: StoredProduct): Promise<Product>;
  /** What is shown of the showcase at this revision is true until that or the stock changes. */
  whileTrue<T extends object>(result: T, revision: number, available: Units): T;
  openStock(stock: { sku: string; onHand: number }[]): Promise<void>;
  putCategories(titles: Readonly<Record<string, string>>): Promise<void>;
  openDemo(): Promise<void>;
}

/**
 * Who does what here. Writing: `editor` makes products of what staff or an import give, by the rules of
 * `product`; `skus` lets no SKU be in two of them. Reading: `showcase` lists and `search` finds, both in
 * memory, and `display` shows what they have found with its stock. Importing: `importer` works on a `job`; `csv` takes the file apart into rows, `sheet` makes
 * products of rows, and `editor` writes them.
 */
export default {
  name: "catalog",
  mixins: [
    due<Job, Catalog>("jobs", async function (job) {
      void this.importer.see(job);
    }),
    store({
      products,
      skus: collectionOptions<Claim>({}),
      categories: collectionOptions<CategoryTitle>({}),
      jobs,
      files: collectionOptions<FilePart>({}),
    }),
  ],

  actions: {
    async list(ctx) {
      const { q, status: wanted, sort = "relevance" } = ctx.params;
      const status = isStaff(ctx.meta) ? wanted : "active";
      if (wanted && wanted !== status) return pageOf<Product>([], ctx.params, ({ id }) => id);
      const asked = { ...ctx.params, status };
      const { revision } = this.showcase;
      const hits = q === undefined ? undefined : this.search.find(q);
      const page =
        hits && sort === "relevance"
          ? this.showcase.ranked(asked, hits)
          : this.showcase.page(asked, sort === "relevance" ? "-createdAt" : sort, hits);
      const { products, available } = await this.withStock(ctx, await this.productsOf(page.data));
      const shown = this.display.page(asked, { ...page, data: products });
      return this.whileTrue(shown, revision, available);
    },

    async get(ctx) {
      const { revision } = this.showcase;
      const ready = this.showcase.get(ctx.params.idOrHandle);
      const product = ready ?? (await this.productBy(ctx.params.idOrHandle));
      const visible = found(isVisible(product, ctx.meta) ? product : undefined, "product");
      const { products, available } = await this.withStock(ctx, [visible]);
      const shown = found(products[0], "product");
      return ready ? this.whileTrue(shown, revision, available) : shown;
    },

    async categories(ctx) {
      const { data, ...more } = this.showcase.categories(ctx.params);
      const known = await this.categories.getMany(data.map(({ handle }) => handle));
      const titles = new Map(known.map(({ id, title }) => [id, title]));
      return {
        data: data.map(({ handle, products }) => ({ handle, title: titles.get(handle) ?? titleOf(handle), products })),
        ...more,
      };
    },

    async create(ctx) {
      return this.oneWithStock(ctx, shown(await this.editor.create(ctx.params, { requestKey: ctx.meta.requestKey })));
    },

    async change(ctx) {
      const { id, ifVersion, ...given } = ctx.params;
      return this.oneWithStock(ctx, shown(await this.editor.change(id, given, { ifVersion })));
    },

    async archive(ctx) {
      const { id, ifVersion } = ctx.params;
      return this.oneWithStock(ctx, shown(await this.editor.change(id, { status: "archived" }, { ifVersion })));
    },

    async bySkus(ctx) {
      const products = (await this.register.products(ctx.params.skus)).filter(({ status }) => status === "active");
      const stocked: Product[] = [];
      for (let at = 0; at < products.length; at += MOST_OF_A_PAGE)
        stocked.push(...(await this.withStock(ctx, products.slice(at, at + MOST_OF_A_PAGE).map(shown))).products);
      return stocked;
    },

    /** Read from the store, because an order is written by it. */
    async offers(ctx) {
      const skus = new Set(ctx.params.skus);
      const products = await this.register.products([...skus]);
      const offers = [...skus].flatMap((sku) => products.flatMap((product) => offerOf(product, sku) ?? []));
      return { currency: this.shop.currency, offers };
    },

    async startImport(ctx) {
      return report(await this.importer.receive(ctx.params.body, ctx.meta.requestKey));
    },

    async getImport(ctx) {
      return report(found(await this.jobs.get(ctx.params.id), "import"));
    },

    async picture(ctx) {
      const { name } = ctx.params;
      const known = this.pictures.get(name);
      if (known) return known;
      const picture = await readFile(join(import.meta.dirname, "demo", "pictures", name), "utf8").catch(
        () => undefined,
      );
      this.pictures.set(name, found(picture, "picture"));
      return found(picture, "picture");
    },
  },

  methods: {
    /** Keeps what is shown and searched up to date with the store. */
    take(kept) {
      const product = shown(kept);
      if (this.showcase.put(product)) this.search.put(product);
    },

    async takeSince(updatedAt, writer) {
      let cursor: string | undefined;
      do {
        const page = await this.products.find({
          where: { updatedAt: { $gte: updatedAt }, writer },
          sort: "updatedAt",
          limit: LOAD_SIZE,
          cursor,
        });
        for (const product of page.data) this.take(product);
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
    },

    /** Other nodes change products as well. What this one writes it has at once. */
    lookAround(since) {
      let seen = since;
      const look = async () => {
        const next = timeAt(this.world, -OVERLAP_MS);
        await this.takeSince(seen, { $ne: this.broker.nodeID });
        seen = next;
        return false;
      };
      const failed = ({ message }: Error) =>
        this.logger.warn(`It could not be seen what others have changed: ${message}`);
      return repeat(this.world, LOOK_MS, look, failed);
    },

    async productBy(idOrHandle) {
      const doc = (await this.products.get(idOrHandle)) ?? (await this.products.first({ handle: idOrHandle }));
      return isProduct(doc) ? shown(doc) : undefined;
    },

    async productsOf(cards) {
      const others = cards.flatMap(({ id, product }) => (product ? [] : [id]));
      const read = others.length ? await this.products.getMany(others) : [];
      const byId = new Map(read.map((product) => [product.id, shown(product)]));
      return cards.map(({ id, product }) => found(product ?? byId.get(id), "product"));
    },

    async withStock(ctx, products) {
      const skus = products.flatMap(({ variants }) => variants.map(({ sku }) => sku));
      const available = skus.length ? await ctx.call("inventory.availability", { skus }) : {};
      return { products: products.map((product) => this.display.product(product, available)), available };
    },

    async oneWithStock(ctx, product) {
      const { products } = await this.withStock(ctx, [product]);
      return found(products[0], "product");
    },

    whileTrue(result, revision, available) {
      if (!isStillTrue(available)) return result;
      return witnessed(result, () => this.showcase.revision === revision && isStillTrue(available));
    },

    /** Known SKUs keep their stock. The inventory may still be starting. */
    async openStock(stock) {
      await this.broker.waitForServices("inventory", INVENTORY_PATIENCE_MS, 20);
      for (let from = 0; from < stock.length; from += STOCK_SIZE)
        await this.broker.call("inventory.open", { stock: stock.slice(from, from + STOCK_SIZE) });
    },

    async putCategories(titles) {
      const known = new Set((await this.categories.getMany(Object.keys(titles))).map(({ id }) => id));
      const fresh = Object.entries(titles).filter(([handle]) => !known.has(handle));
      await Promise.all(fresh.map(([id, title]) => this.categories.insertOnce({ id, title })));
    },

    /**
     * Fills a new shop with the demo catalogue, once: the record of its import remains. It goes on in
     * the background where it takes longer.
     */
    async openDemo() {
      if (!this.shop.demo) return;
      const at = timeAt(this.world);
      const isNew = !(await this.jobs.get(DEMO_IMPORT)) && (await this.products.count()) === 0;
      if (isNew) await this.jobs.insertOnce(newJob(DEMO_IMPORT, { parts: 0, at, dueAt: at }));
      const job = await this.jobs.get(DEMO_IMPORT);
      if (job && !isFinished(job)) await Promise.race([this.importer.see(job), sleep(this.world, DEMO_PATIENCE_MS)]);
    },
  },

  created() {
    const { products, skus, jobs, files, world, logger } = this;
    const { currency } = this.shop;
    this.showcase = new Showcase();
    this.search = new Search();
    this.display = new Display();
    this.pictures = new Map();
    this.stopLooking = async () => {};
    this.register = new SkuRegister(skus, products, world);
    this.editor = new Editor({
      products,
      register: this.register,
      world,
      writer: this.broker.nodeID,
      currency,
      saved: (product) => this.take(product),
    });
    this.importer = new Importer({
      jobs,
      files,
      world,
      logger,
      currency,
      builtIn: () => demoLoad(currency),
      put: (product, reserved) => this.editor.put(product, { reserved }),
      ownersOf: (skus) => this.register.products(skus),
      putCategories: (titles) => this.putCategories(titles),
      openStock: (stock) => this.openStock(stock),
    });
  },

  async started() {
    const since = timeAt(this.world, -OVERLAP_MS);
    await this.takeSince("");
    this.stopLooking = this.lookAround(since);
    await this.openDemo();
  },

  async stopped() {
    await Promise.all([this.stopLooking(), this.importer.stop()]);
  },
} satisfies ServiceOf<"catalog", Catalog>;

const isVisible = (product: StoredProduct | undefined, meta: Meta) => product?.status === "active" || isStaff(meta);
