import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEMO_IMPORT, demoLoad } from "../../services/catalog/demo/products.ts";
import { importOver } from "../files.ts";
import { openShop, type Shop } from "../shop.ts";

const entries = [...demoLoad("EUR").entries()];

describe("the demo catalogue", () => {
  let shop: Shop;
  let dataDir: string;

  const open = async (env: Record<string, string> = {}) => {
    shop = await openShop({ services: ["catalog", "inventory"], dataDir, env: { DEMO: "on", ...env } });
  };
  const active = async () => (await shop.call("catalog.list", { limit: 100, sort: "title" })).data;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "lonja-"));
  });
  afterEach(async () => {
    await shop.close();
    rmSync(dataDir, { recursive: true });
  });

  test("fills a new shop, with stock and pictures", async () => {
    await open();
    expect(await importOver(shop, { id: DEMO_IMPORT })).toMatchObject({
      status: "succeeded",
      imported: entries.length,
      errors: [],
    });
    const products = await active();
    expect(products).toHaveLength(entries.length);
    const wanted = new Map(
      entries.flatMap(({ product, variants }) =>
        (product?.variants ?? []).map(({ sku }, i) => [sku, variants[i]?.onHand]),
      ),
    );
    for (const { variants } of products)
      for (const { sku, available } of variants) expect([sku, available]).toEqual([sku, wanted.get(sku)]);
    for (const url of products.flatMap(({ images }) => images.map(({ url }) => url)))
      expect(await shop.call("catalog.picture", { name: url.replace("/v1/pictures/", "") })).toContain("<svg");
    const { data: categories } = await shop.call("catalog.categories", { limit: 100 });
    expect(categories).toContainEqual({ handle: "stationery", title: "Paper & Ink", products: expect.any(Number) });
  });

  test("comes once: what was done with it stays done", async () => {
    await open();
    await importOver(shop, { id: DEMO_IMPORT });
    for (const { id } of await active()) await shop.call("catalog.archive", { id });
    await shop.close();
    await open();
    expect(await active()).toEqual([]);
  });

  test("a load that was interrupted is finished by the next start", async () => {
    await open();
    await importOver(shop, { id: DEMO_IMPORT });
    const { jobs } = shop.broker.getLocalService("catalog") as unknown as {
      jobs: { change(id: string, decide: (job: object) => object): Promise<unknown> };
    };
    await jobs.change(DEMO_IMPORT, (job) => ({
      ...job,
      status: "running",
      finishedAt: null,
      settled: 10,
      imported: 10,
      dueAt: new Date(0).toISOString(),
    }));
    const before = await active();
    await shop.close();
    await open();
    expect(await importOver(shop, { id: DEMO_IMPORT })).toMatchObject({
      status: "succeeded",
      imported: entries.length,
    });
    expect(await active()).toEqual(before);
  });

  test("does not come where it is not wanted, or where a shop has products of its own", async () => {
    await open({ DEMO: "off" });
    expect(await active()).toEqual([]);
    await shop.call("catalog.create", { title: "Ours", variants: [{ price: { amount: 1, currency: "EUR" } }] });
    await shop.close();
    await open();
    expect((await active()).map(({ title }) => title)).toEqual(["Ours"]);
  });

  test("has the shop's currency", async () => {
    await open({ CURRENCY: "USD" });
    await importOver(shop, { id: DEMO_IMPORT });
    const { offers } = await shop.call("catalog.offers", { skus: ["MUG-SALT"] });
    expect(offers).toMatchObject([{ unitPrice: { amount: 1900, currency: "USD" } }]);
  });

  test("only its pictures are given away", async () => {
    await open();
    await expect(shop.call("catalog.picture", { name: "no-such.svg" })).rejects.toMatchObject({ type: "not_found" });
    for (const name of ["../products.ts", "..%2fproducts.svg", "/etc/passwd", "a/b.svg"])
      await expect(shop.call("catalog.picture", { name })).rejects.toMatchObject({ type: "invalid_input" });
  });
});
