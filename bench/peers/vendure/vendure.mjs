import { writeFile } from "node:fs/promises";
import {
  bootstrap,
  DefaultJobQueuePlugin,
  DefaultLogger,
  DefaultSchedulerPlugin,
  DefaultSearchPlugin,
  dummyPaymentHandler,
  JobQueueService,
  LogLevel,
  RequestContextService,
  SearchService,
} from "@vendure/core";
import { populate } from "@vendure/core/cli/populate.js";
import { lastValueFrom } from "rxjs";
import { good } from "./goods.ts";

/**
 * Vendure as its own installer sets it up, without what a headless shop does not ask for (dashboard, pictures, mail).
 *
 *   node vendure.mjs populate | serve
 *
 * DATABASE_URL: a database of PostgreSQL; without it, SQLite in this folder.
 * JOBS=off: nobody does what is put into the job queue.
 */
const url = process.env.DATABASE_URL;
const config = {
  apiOptions: { port: Number(process.env.PORT ?? 3000), hostname: "127.0.0.1", adminApiPath: "admin-api", shopApiPath: "shop-api" },
  authOptions: {
    tokenMethod: ["bearer", "cookie"],
    superadminCredentials: { identifier: "bench", password: "counts-orders" },
    cookieOptions: { secret: "bench" },
  },
  dbConnectionOptions: url ? { type: "postgres", url } : { type: "better-sqlite3", database: "vendure.sqlite" },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  logger: new DefaultLogger({ level: LogLevel.Warn }),
  plugins: [
    DefaultSchedulerPlugin.init(),
    DefaultJobQueuePlugin.init({ useDatabaseForBuffer: true }),
    DefaultSearchPlugin.init({ bufferUpdates: false, indexStockStatus: true }),
  ],
};

const UNITS = 1_000_000;
/** For sales: one product each, of which there is little. */
const RARE = { products: 8, units: 50 };
const initial = {
  defaultLanguage: "en",
  defaultZone: "Europe",
  countries: [{ name: "Spain", code: "ES", zone: "Europe" }],
  taxRates: [{ name: "Standard Tax", percentage: 21 }],
  shippingMethods: [{ name: "Standard Shipping", price: 500 }],
  paymentMethods: [
    {
      name: "Standard Payment",
      handler: { code: "dummy-payment-handler", arguments: [{ name: "automaticSettle", value: "true" }] },
    },
  ],
  collections: [],
};

function csv() {
  const header = "name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory,variantAssets,variantFacets";
  const row = ({ title, handle, about, maker, category, sku, price }, units) =>
    [title, handle, `"${about}"`, "", `category:${category}|brand:${maker}`, "", "", sku, price, "standard", units, "true", "", ""].join(",");
  const goods = Array.from({ length: 1_000 }, (_, n) => row(good(n), UNITS));
  const rare = Array.from({ length: RARE.products }, (_, n) =>
    row({ ...good(n), title: `Rare ${n}`, handle: `rare-${n}`, sku: `RARE-${n}` }, RARE.units),
  );
  return [header, ...goods, ...rare].join("\n");
}

/** Jobs, which keep the search index, run in the same process: a second one on the file of SQLite locks buyers out. */
async function open(config) {
  const app = await bootstrap(config);
  if (process.env.JOBS !== "off") await app.get(JobQueueService).start();
  return app;
}

const commands = {
  async populate() {
    await writeFile("products.csv", csv());
    const empty = { ...config, dbConnectionOptions: { ...config.dbConnectionOptions, synchronize: true } };
    const app = await populate(() => open(empty), initial, "products.csv");
    const ctx = await app.get(RequestContextService).create({ apiType: "admin" });
    const indexing = await app.get(SearchService).reindex(ctx);
    await lastValueFrom(indexing.updates({ pollInterval: 500, timeoutMs: 900_000 }));
    await app.close();
    process.exit(0);
  },
  serve: () => open(config),
};

await commands[process.argv[2]]();
