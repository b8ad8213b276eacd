import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Collection } from "../../mixins/store.mixin.ts";
import type { FilePart } from "../../services/catalog/importer.edge.ts";
import type { Job } from "../../services/catalog/job.ts";
import { until } from "../client.ts";
import { importFile, importOver, longFile, marketStall, startImport } from "../files.ts";
import { openShop, type Shop } from "../shop.ts";

const staff = { meta: { caller: { userId: "usr_01k00000000000000000000001", role: "staff" as const } } };
const services = ["catalog", "inventory"] as const;
const columns = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price";
const file = (...rows: string[]) => [columns, ...rows].join("\n");

/** Everything that a buyer or staff can see of the products, but for what is drawn by lot. */
async function seen({ call }: Shop) {
  const all = [];
  let cursor: string | undefined;
  do {
    const page = await call("catalog.list", { limit: 100, sort: "title", ...(cursor ? { cursor } : {}) }, staff);
    all.push(...page.data);
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  return all.map(({ id, createdAt, updatedAt, variants, ...product }) => ({
    ...product,
    variants: variants.map(({ id, ...variant }) => variant),
  }));
}
const insideOf = (shop: Shop) =>
  shop.broker.getLocalService("catalog") as unknown as { jobs: Collection<Job>; files: Collection<FilePart> };

describe("an import", () => {
  let shop: Shop;
  let dataDir: string;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "lonja-"));
    shop = await openShop({ services: [...services], dataDir });
  });
  afterEach(async () => {
    await shop.close();
    rmSync(dataDir, { recursive: true });
  });
  const reopen = async () => {
    await shop.close();
    shop = await openShop({ services: [...services], dataDir });
  };

  test("makes products of a file as shops really have them", async () => {
    const started = await startImport(shop, marketStall);
    expect(started).toMatchObject({
      id: expect.stringMatching(/^imp_/),
      status: expect.stringMatching(/queued|running/),
    });
    expect(await importOver(shop, started)).toMatchObject({
      status: "succeeded",
      total: 5,
      imported: 5,
      skipped: 0,
      errors: [],
    });

    const jersey = await shop.call("catalog.get", { idOrHandle: "fisherman-jersey" });
    expect(jersey).toMatchObject({
      title: "Fisherman's jersey",
      categories: ["jersey"],
      images: [
        { url: "https://pictures.example/jersey-navy.jpg", alt: "Navy jersey" },
        { url: "https://pictures.example/jersey-detail.jpg", alt: "Cuff" },
        { url: "https://pictures.example/jersey-ecru.jpg" },
        { url: "https://pictures.example/jersey-back.jpg" },
      ],
      options: [
        { name: "Size", values: ["S", "M", "L"] },
        { name: "Colour", values: ["Navy", "Écru"] },
      ],
      variants: [
        { sku: "FISHERMAN-JERSEY-S-NAVY", price: { amount: 8900 }, compareAtPrice: { amount: 11_000 }, available: 4 },
        { sku: "FISHERMAN-JERSEY-M-NAVY", available: 0 },
        { sku: "FISHERMAN-JERSEY-L-ECRU", title: "L / Écru", price: { amount: 9550 }, available: 0 },
      ],
    });
    expect((await shop.call("catalog.get", { idOrHandle: "saffron-tin" })).description).toContain(
      'in a "lock-top" tin',
    );
    const statuses = (await seen(shop)).map(({ handle, status }) => `${handle} ${status}`);
    expect(statuses).toEqual([
      "beach-towel active",
      "fisherman-jersey active",
      "old-anchor archived",
      "saffron-tin active",
      "wind-lantern draft",
    ]);
    expect(await shop.call("inventory.available", { sku: "0077" })).toEqual({ sku: "0077", available: 3 });
    expect((await shop.call("catalog.categories", {})).data.map(({ title }) => title)).toEqual([
      "Jersey",
      "Spice",
      "Towel",
    ]);
  });

  test("the way of breaking lines and a byte order mark make no difference", async () => {
    await importFile(shop, marketStall);
    const before = await seen(shop);
    const other = await importFile(shop, `\ufeff${marketStall.replaceAll("\n", "\r\n")}`);
    expect(other).toMatchObject({ status: "succeeded", imported: 5 });
    expect((await seen(shop)).map(({ description, version, ...rest }) => rest)).toEqual(
      before.map(({ description, version, ...rest }) => rest),
    );
  });

  test("repeated changes nothing: neither versions nor stock", async () => {
    await importFile(shop, marketStall);
    const before = await shop.call("catalog.list", { sort: "title" }, staff);
    await shop.call("inventory.adjust", { sku: "TOWEL-SEA", delta: -5, reason: "sold at the quay" });

    await importFile(shop, marketStall);
    const after = structuredClone(await shop.call("catalog.list", { sort: "title" }, staff));
    const known = after.data.find(({ handle }) => handle === "beach-towel")?.variants[0];
    expect(known?.available).toBe(7);
    if (known) known.available = 12;
    expect(after).toEqual(before);
  });

  test("a changed file changes what it says, keeps ids, and leaves known stock alone", async () => {
    await importFile(shop, file("mug,Mug,Size,S,,5,10", "mug,,,M,M-1,6,11"));
    const before = await shop.call("catalog.get", { idOrHandle: "mug" });
    await importFile(shop, file("mug,Mug,Size,M,,60,12", "mug,,,S,MUG-S,50,10", "mug,,,L,,7,13"));
    const after = await shop.call("catalog.get", { idOrHandle: "mug" });
    expect(after).toMatchObject({ id: before.id, version: 2 });
    expect(after.variants).toMatchObject([
      { id: before.variants[1]?.id, sku: "M-1", price: { amount: 1200 }, available: 6 },
      { id: before.variants[0]?.id, sku: "MUG-S", price: { amount: 1000 }, available: 5 },
      { sku: "MUG-L", available: 7 },
    ]);
  });

  test("SKUs may move from one product to another, whichever comes first in the file", async () => {
    await importFile(shop, file("a,A,Kind,1,X,,1", "a,,,2,A-2,,1", "b,B,Kind,1,Y,,1", "b,,,2,B-2,,1", "c,C,,,Z,,1"));
    const moved = file("c,C,Kind,1,Z,,1", "c,,,2,Y,,1", "b,B,Kind,1,B-2,,1", "b,,,2,X,,1", "a,A,,,A-2,,1");
    expect(await importFile(shop, moved)).toMatchObject({ imported: 3, errors: [] });
    const before = await seen(shop);
    expect(before.map(({ handle, variants }) => [handle, ...variants.map(({ sku }) => sku)])).toEqual([
      ["a", "A-2"],
      ["b", "B-2", "X"],
      ["c", "Z", "Y"],
    ]);
    await importFile(shop, moved);
    expect(await seen(shop)).toEqual(before);
  });

  test("SKUs that two products would have to swap are refused, today and tomorrow", async () => {
    await importFile(shop, file("a,A,,,X,,1", "b,B,,,Y,,1"));
    const before = await seen(shop);
    for (const _day of [1, 2]) {
      expect(await importFile(shop, file("a,A,,,Y,,1", "b,B,,,X,,1"))).toMatchObject({ imported: 0, skipped: 2 });
      expect(await seen(shop)).toEqual(before);
    }
  });

  test("one bad row costs its product only, and its row is told", async () => {
    await shop.call("catalog.create", {
      title: "Ours",
      variants: [{ sku: "TAKEN", price: { amount: 1, currency: "EUR" } }],
    });
    const over = await importFile(
      shop,
      file(
        "good,Good,,,,1,10.00",
        'bad,Bad,Size,S,,1,"1,299.00"',
        "bad,,,M,,1,12",
        "thief,Thief,,,TAKEN,1,5",
        "twin,Twin,Size,S,,1,5",
        "twin,,,S,,1,5",
        "",
        "fine,Fine,,,,1,10",
      ),
    );
    expect(over).toMatchObject({ status: "succeeded", total: 5, imported: 2, skipped: 3 });
    expect(over.errors).toEqual([
      { row: 3, message: expect.stringContaining("1,299.00") },
      { row: 5, message: expect.stringContaining("TAKEN belongs to another product") },
      { row: 7, message: expect.stringContaining("chosen by another variant") },
    ]);
    expect((await seen(shop)).map(({ handle }) => handle)).toEqual(["fine", "good", "ours"]);
    await expect(shop.call("inventory.available", { sku: "BAD-S" })).rejects.toMatchObject({ type: "not_found" });
  });

  test.each([
    ["", 1, /empty/],
    ["Handle,Title\nmug,Mug", 1, /lacks "Variant Price"/],
    [`${file("good,Good,,,,1,10")}\nmug,"Mug cut o`, 3, /not complete/],
  ])("%j fails as a whole, with a reason, and imports nothing", async (body, row, message) => {
    const over = await importFile(shop, body);
    expect(over).toMatchObject({
      status: "failed",
      imported: 0,
      errors: [{ row, message: expect.stringMatching(message) }],
    });
    expect(await seen(shop)).toEqual([]);
  });

  test("a product is never seen in part", async () => {
    const job = await startImport(shop, longFile(400));
    let over = false;
    const watching = (async () => {
      while (!over) {
        const { data } = await shop.call("catalog.list", { limit: 100 });
        for (const { variants } of data) expect(variants.map(({ title }) => title)).toEqual(["S", "M", "L"]);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    expect(await importOver(shop, job)).toMatchObject({ status: "succeeded", imported: 400 });
    over = true;
    await watching;
  });

  test("the same file twice at the same moment makes each product once", async () => {
    const jobs = await Promise.all([startImport(shop, longFile(150)), startImport(shop, longFile(150))]);
    for (const job of jobs)
      expect(await importOver(shop, job)).toMatchObject({ status: "succeeded", imported: 150, errors: [] });
    const products = await seen(shop);
    expect(products).toHaveLength(150);
    expect(products.every(({ version }) => version === 1)).toBe(true);
    expect(products.find(({ handle }) => handle === "long-7")?.variants).toMatchObject([
      { sku: "LONG-7-S", available: 7 },
      { sku: "LONG-7-M", available: 1 },
      { sku: "LONG-7-L", available: 0 },
    ]);
  });

  test("goes on after a restart where it was, and ends as if nothing had been", async () => {
    const text = `${longFile(600)}bad,Bad,,,,1,nothing\r\n`;
    const job = await startImport(shop, text);
    await until(
      () => shop.call("catalog.getImport", { id: job.id }),
      ({ imported }) => imported > 0,
    );
    await reopen();
    const half = await shop.call("catalog.getImport", { id: job.id });
    expect(half.finishedAt).toBeNull();
    const whole = await importOver(shop, job);
    expect(whole).toMatchObject({ status: "succeeded", total: 601, imported: 600, skipped: 1 });
    expect(whole.errors).toEqual([{ row: 1802, message: expect.stringContaining("nothing") }]);

    const products = await seen(shop);
    const untroubled = await openShop({ services: [...services] });
    await importFile(untroubled, text);
    expect(products).toEqual(await seen(untroubled));
    await untroubled.close();
  });

  test("whose node died is taken up by another, and done again it comes out the same", async () => {
    const job = await startImport(shop, longFile(60));
    await importOver(shop, job);
    const before = await seen(shop);
    const { jobs, files } = insideOf(shop);
    const lost = new Date(Date.now() - 1000).toISOString();
    await files.insert({ id: `${job.id}:0`, text: longFile(60) });
    await jobs.change(job.id, (now) => ({
      ...now,
      status: "running",
      runner: "a-run-that-died",
      finishedAt: null,
      parts: 1,
      imported: 20,
      settled: 20,
      dueAt: lost,
    }));
    expect(await importOver(shop, job)).toMatchObject({ status: "succeeded", total: 60, imported: 60 });
    expect(await seen(shop)).toEqual(before);
  });

  test("the file is kept until it is not needed any more", async () => {
    const job = await startImport(shop, longFile(300));
    expect(await insideOf(shop).files.count()).toBeGreaterThan(0);
    await importOver(shop, job);
    await until(
      () => insideOf(shop).files.count(),
      (count) => count === 0,
    );
    expect(await insideOf(shop).files.count()).toBe(0);
  });

  test("of a file that did not arrive in full nothing is imported", async () => {
    const { jobs } = insideOf(shop);
    const job = await startImport(shop, longFile(1));
    await importOver(shop, job);
    await jobs.change(job.id, (now) => ({
      ...now,
      status: "queued",
      finishedAt: null,
      parts: 3,
      dueAt: new Date(Date.now() - 1).toISOString(),
    }));
    expect(await importOver(shop, job)).toMatchObject({
      status: "failed",
      errors: [{ message: expect.stringContaining("in full") }],
    });
  });

  test("waits for an inventory that is away", async () => {
    await shop.close();
    shop = await openShop({ services: ["catalog"], dataDir });
    const job = await startImport(shop, file("mug,Mug,,,,5,10"));
    await until(
      () => insideOf(shop).jobs.get(job.id),
      (now) => (now?.troubles ?? 0) > 0,
    );
    await reopen();
    expect(await importOver(shop, job)).toMatchObject({ status: "succeeded", imported: 1 });
    expect(await shop.call("inventory.available", { sku: "MUG" })).toMatchObject({ available: 5 });
  });

  test("a repeated request is one import", async () => {
    const meta = { requestKey: "import-1" };
    const body = file("mug,Mug,,,,5,10");
    const started = await Promise.all([1, 2, 3].map(() => shop.call("catalog.startImport", { body }, { meta })));
    expect(new Set(started.map(({ id }) => id)).size).toBe(1);
    await importOver(shop, started[0] ?? { id: "" });
    expect(await shop.call("catalog.startImport", { body }, { meta })).toMatchObject({ status: "succeeded" });
  });

  test("ten thousand products can be listed and found", async () => {
    const rows = Array.from({ length: 10_000 }, (_, n) => `bulk-${n},Thing ${n} of many,,,,,${(n % 50) + 1}`);
    expect(await importFile(shop, file(...rows))).toMatchObject({ status: "succeeded", imported: 10_000 });
    expect((await shop.call("catalog.list", { q: "thing 7777" })).data.map(({ handle }) => handle)).toContain(
      "bulk-7777",
    );
    const seen = new Set<string>();
    let cursor: string | undefined;
    do {
      const page = await shop.call("catalog.list", { sort: "-price", limit: 100, ...(cursor ? { cursor } : {}) });
      for (const { id } of page.data) seen.add(id);
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    expect(seen.size).toBe(10_000);
  });

  test("prices are those of the shop's currency", async () => {
    await shop.close();
    shop = await openShop({ services: [...services], dataDir, env: { CURRENCY: "JPY" } });
    expect(await importFile(shop, file("mug,Mug,,,,,1500", "cup,Cup,,,,,15.50"))).toMatchObject({
      imported: 1,
      errors: [{ row: 3, message: expect.stringContaining("no decimals") }],
    });
    expect((await shop.call("catalog.get", { idOrHandle: "mug" })).variants[0]?.price).toEqual({
      amount: 1500,
      currency: "JPY",
    });
  });
});
