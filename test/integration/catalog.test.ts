import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NewProduct, Product } from "../../services/catalog/catalog.contract.ts";
import type { Meta } from "../../services/shared/identity.ts";
import { until } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

const euros = (amount: number) => ({ amount, currency: "EUR" });
const staff: { meta: Meta } = { meta: { caller: { userId: "usr_01k00000000000000000000001", role: "staff" } } };

describe("the catalogue", () => {
  let shop: Shop;

  beforeEach(async () => {
    shop = await openShop({ services: ["catalog", "inventory"] });
  });
  afterEach(() => shop.close());

  const create = (given: Partial<NewProduct> & { title: string }, meta: Meta = {}) =>
    shop.call("catalog.create", { variants: [{ price: euros(1900) }], ...given }, { meta });
  const titles = async (params: Parameters<typeof list>[0], meta?: object) =>
    (await list(params, meta)).data.map(({ title }) => title);
  const list = (params: Record<string, unknown> = {}, meta: object = {}) => shop.call("catalog.list", params, meta);
  const get = (idOrHandle: string, meta: object = {}) => shop.call("catalog.get", { idOrHandle }, meta);

  test("a product is there as soon as it is made, by id, by handle, in lists and in searches", async () => {
    const mug = await create({
      title: "Salt-glazed mug",
      description: "<p>Fired with <b>sea salt</b></p>",
      tags: ["stoneware"],
      categories: ["ceramics"],
      variants: [
        { options: { Size: "S" }, price: euros(1500) },
        { sku: "MUG-L", options: { Size: "L" }, price: euros(1900), compareAtPrice: euros(2500) },
      ],
    });
    expect(mug).toMatchObject({
      handle: "salt-glazed-mug",
      status: "active",
      version: 1,
      options: [{ name: "Size", values: ["S", "L"] }],
      variants: [
        { sku: "SALT-GLAZED-MUG-S", title: "S", available: 0 },
        { sku: "MUG-L", title: "L", compareAtPrice: euros(2500), available: 0 },
      ],
    });
    await shop.call("inventory.open", { stock: [{ sku: "MUG-L", onHand: 7 }] });

    expect(await get(mug.id)).toEqual(await get("salt-glazed-mug"));
    expect((await get(mug.id)).variants.map(({ available }) => available)).toEqual([0, 7]);
    for (const q of ["glazed", "sea salt", "stonewar", "mug-l", "SÁLT"])
      expect(await titles({ q })).toEqual([mug.title]);
    expect(await titles({ category: "ceramics" })).toEqual([mug.title]);
    expect((await shop.call("catalog.categories", {})).data).toEqual([
      { handle: "ceramics", title: "Ceramics", products: 1 },
    ]);
  });

  test("the public sees active products only, staff see all", async () => {
    const draft = await create({ title: "A draft", status: "draft" });
    const gone = await create({ title: "An old one" });
    await create({ title: "A new one" });
    await shop.call("catalog.archive", { id: gone.id });

    expect(await titles({})).toEqual(["A new one"]);
    expect(await titles({ q: "one" })).toEqual(["A new one"]);
    expect(await titles({ status: "draft" })).toEqual([]);
    for (const idOrHandle of [draft.id, "a-draft", gone.id, "an-old-one", "no-such", "prod_00000000000000000000000000"])
      await expect(get(idOrHandle)).rejects.toMatchObject({ type: "not_found", message: "There is no such product." });

    expect((await titles({ sort: "title" }, staff)).sort()).toEqual(["A draft", "A new one", "An old one"]);
    expect(await titles({ status: "archived" }, staff)).toEqual(["An old one"]);
    expect(await titles({ q: "draft" }, staff)).toEqual(["A draft"]);
    expect(await get("a-draft", staff)).toMatchObject({ id: draft.id, status: "draft" });
  });

  test("pages go on where the one before ended, while products are added", async () => {
    for (let n = 0; n < 12; n++) await create({ title: `Mug ${n}`, variants: [{ price: euros(100 * (n % 3)) }] });
    for (const params of [{ sort: "price" }, { sort: "-price" }, { sort: "createdAt" }, { q: "mug" }]) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await list({ ...params, limit: 5, ...(cursor ? { cursor } : {}) });
        seen.push(...page.data.map(({ title }) => title).filter((title) => /^Mug \d+$/.test(title)));
        cursor = page.nextCursor ?? undefined;
        await create({ title: "Mug of another kind", variants: [{ price: euros(150) }] });
      } while (cursor);
      expect(seen).toHaveLength(12);
      expect(new Set(seen).size).toBe(12);
    }
  });

  test("input that cannot be is refused by its path", async () => {
    const refused: [Record<string, unknown>, string][] = [
      [{ variants: [{ price: { amount: 1, currency: "USD" } }] }, "variants/0/price/currency"],
      [{ variants: [{ price: euros(-1) }] }, "variants/0/price/amount"],
      [{ variants: [] }, "variants"],
      [{ title: { $ne: "" } }, "title"],
      [{ handle: "Not A Handle" }, "handle"],
      [{ status: "sold" }, "status"],
      [{ isAdmin: true }, "isAdmin"],
      [{ id: "prod_00000000000000000000000000" }, "id"],
      [{ images: [{ url: "javascript:alert(1)", alt: "" }] }, "images/0/url"],
      [JSON.parse('{"options":[{"name":"__proto__","values":["x"]}]}'), "options/0/name"],
      [
        JSON.parse('{"variants":[{"options":{"__proto__":"x"},"price":{"amount":1,"currency":"EUR"}}]}'),
        "variants/0/options/__proto__",
      ],
      [JSON.parse('{"__proto__":{"role":"admin"}}'), "__proto__"],
    ];
    for (const [given, path] of refused)
      await expect(create({ title: "x", ...given, ...pollution(given) })).rejects.toMatchObject({
        type: "invalid_input",
        code: 422,
        data: { errors: expect.arrayContaining([expect.objectContaining({ path })]) },
      });
    for (const params of [{ cursor: "nonsense" }, { sort: "$where" }, { limit: 0 }, { limit: 101 }, { q: { $gt: "" } }])
      await expect(list(params)).rejects.toMatchObject({ type: "invalid_input" });
    expect(await titles({}, staff)).toEqual([]);
  });

  test("a handle that is made up makes room, one that is asked for does not", async () => {
    const handles = [];
    for (let n = 0; n < 3; n++) handles.push((await create({ title: "Blue mug" })).handle);
    expect(handles).toEqual(["blue-mug", "blue-mug-2", "blue-mug-3"]);
    await expect(create({ title: "x", handle: "blue-mug" })).rejects.toMatchObject({
      type: "already_exists",
      code: 409,
    });
    const other = await create({ title: "Other" });
    await expect(shop.call("catalog.change", { id: other.id, handle: "blue-mug-2" })).rejects.toMatchObject({
      type: "already_exists",
    });

    const many = await Promise.all(Array.from({ length: 8 }, () => create({ title: "Same moment" })));
    expect(new Set(many.map(({ handle }) => handle)).size).toBe(8);
    expect(new Set(many.map(({ variants }) => variants[0]?.sku)).size).toBe(8);
  });

  test("a repeated request makes one product", async () => {
    const meta: Meta = { requestKey: "key-1" };
    const made = await Promise.all([1, 2, 3].map(() => create({ title: "Once" }, meta)));
    made.push(await create({ title: "Once" }, meta));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(await titles({})).toEqual(["Once"]);
  });

  test("a repeated request is not in its own way with handle and SKU", async () => {
    const meta: Meta = { requestKey: "key-2" };
    const given = { title: "Once", handle: "once", variants: [{ sku: "ONCE", price: euros(1) }] };
    const made = await Promise.all([1, 2, 3, 4, 5].map(() => create(given, meta)));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    await expect(create(given, { requestKey: "key-3" })).rejects.toMatchObject({ type: "already_exists" });
  });

  test("a SKU may be called what objects have by nature", async () => {
    for (const sku of ["constructor", "toString"]) await create({ title: sku, variants: [{ sku, price: euros(1) }] });
    const { data } = await list();
    expect(data.flatMap(({ variants }) => variants.map(({ available }) => available))).toEqual([0, 0]);
    await expect(create({ title: "x", variants: [{ sku: "__proto__", price: euros(1) }] })).rejects.toMatchObject({
      type: "invalid_input",
    });
  });

  test("a change replaces what is given, and says so in the version", async () => {
    const before = await create({
      title: "Plate",
      vendor: "Alfar",
      variants: [
        { options: { Size: "S" }, price: euros(1000) },
        { options: { Size: "L" }, price: euros(2000) },
      ],
    });
    const after = await shop.call("catalog.change", {
      id: before.id,
      ifVersion: 1,
      title: "Deep plate",
      vendor: "",
      variants: [
        { options: { Size: "XL" }, price: euros(3000) },
        { sku: "PLATE-S", options: { Size: "S" }, price: euros(1100) },
      ],
    });
    expect(after).toMatchObject({ id: before.id, handle: "plate", title: "Deep plate", version: 2 });
    expect(after).not.toHaveProperty("vendor");
    expect(after.variants.map(({ sku }) => sku)).toEqual(["PLATE-XL", "PLATE-S"]);
    expect(after.variants[1]?.id).toBe(before.variants[0]?.id);
    expect(await titles({ q: "deep" })).toEqual(["Deep plate"]);

    expect(await shop.call("catalog.change", { id: before.id, title: "Deep plate" })).toMatchObject({ version: 2 });
    await expect(shop.call("catalog.change", { id: before.id, ifVersion: 1, title: "x" })).rejects.toMatchObject({
      type: "version_conflict",
      code: 412,
    });
    const changes = await Promise.allSettled(
      ["a", "b", "c"].map((title) => shop.call("catalog.change", { id: before.id, ifVersion: 2, title })),
    );
    expect(changes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect((await get(before.id)).version).toBe(3);
  });

  test("wherever a product is listed, it is listed by what it is now", async () => {
    const { id } = await create({ title: "Mug", categories: ["clay", "kitchen"] });
    await create({ title: "Pot", categories: ["clay"] });
    const shelves = async () =>
      (await shop.call("catalog.categories", {})).data.map(({ handle, products }) => `${handle} ${products}`);
    const change = (given: object) => shop.call("catalog.change", { id, ...given });
    expect(await shelves()).toEqual(["clay 2", "kitchen 1"]);

    await change({ categories: ["gifts"], handle: "cup" });
    expect(await shelves()).toEqual(["clay 1", "gifts 1"]);
    expect(await titles({ category: "clay" })).toEqual(["Pot"]);
    expect(await titles({ category: "gifts" })).toEqual(["Mug"]);
    expect((await get("cup")).id).toBe(id);
    await expect(get("mug")).rejects.toMatchObject({ type: "not_found" });

    await change({ status: "draft" });
    expect(await shelves()).toEqual(["clay 1"]);
    expect(await titles({ category: "gifts" })).toEqual([]);
    await expect(get("cup")).rejects.toMatchObject({ type: "not_found" });

    await change({ status: "active", variants: [{ price: euros(1) }] });
    expect(await titles({ sort: "price" })).toEqual(["Mug", "Pot"]);
    expect(await shelves()).toEqual(["clay 1", "gifts 1"]);
  });

  test("archiving twice is archiving once", async () => {
    const { id } = await create({ title: "Plate" });
    expect(await shop.call("catalog.archive", { id })).toMatchObject({ status: "archived", version: 2 });
    expect(await shop.call("catalog.archive", { id })).toMatchObject({ status: "archived", version: 2 });
  });

  test("offers are for what can be bought now, at the price of now", async () => {
    const mug = await create({ title: "Mug", variants: [{ sku: "MUG", price: euros(1900) }] });
    await create({ title: "Draft", status: "draft", variants: [{ sku: "DRAFT", price: euros(1) }] });
    const offers = async () => (await shop.call("catalog.offers", { skus: ["MUG", "DRAFT", "NONE", "MUG"] })).offers;
    expect(await offers()).toEqual([
      { sku: "MUG", productId: mug.id, variantId: mug.variants[0]?.id, title: "Mug", unitPrice: euros(1900) },
    ]);
    await shop.call("catalog.change", { id: mug.id, variants: [{ sku: "MUG", price: euros(2100) }] });
    expect(await offers()).toMatchObject([{ unitPrice: euros(2100), variantId: mug.variants[0]?.id }]);
    await shop.call("catalog.archive", { id: mug.id });
    expect(await offers()).toEqual([]);
  });

  test("what another node has changed is seen here too", async () => {
    const { id } = await create({ title: "Before" });
    const { products } = shop.broker.getLocalService("catalog") as unknown as {
      products: { change(id: string, decide: (product: Product) => object): Promise<unknown> };
    };
    const elsewhere = { title: "After", writer: "another-node", updatedAt: new Date().toISOString() };
    await products.change(id, (product) => ({ ...product, ...elsewhere }));
    expect(
      await until(
        () => titles({ q: "after" }),
        (found) => found.length > 0,
      ),
    ).toEqual(["After"]);
    expect(await get(id)).toMatchObject({ title: "After", version: 2 });
  });

  test("all of it is there again after a restart", async () => {
    await shop.close();
    const dataDir = mkdtempSync(join(tmpdir(), "lonja-"));
    shop = await openShop({ services: ["catalog", "inventory"], dataDir });
    for (let n = 0; n < 30; n++) await create({ title: `Mug ${n}`, status: n % 3 ? "active" : "draft" });
    const before = await list({ limit: 100, sort: "title" }, staff);
    await shop.close();
    shop = await openShop({ services: ["catalog", "inventory"], dataDir });
    expect(await list({ limit: 100, sort: "title" }, staff)).toEqual(before);
    expect(await titles({ limit: 100 })).toHaveLength(20);
    expect(await titles({ q: "mug", limit: 100 })).toHaveLength(20);
    rmSync(dataDir, { recursive: true });
  });

  test("without the inventory nobody is told that there is none", async () => {
    await create({ title: "Mug" });
    await shop.broker.destroyService(shop.broker.getLocalService("inventory"));
    const away = { type: expect.stringMatching(/^SERVICE_NOT_/), data: { action: "inventory.availability" } };
    await expect(get("mug")).rejects.toMatchObject(away);
    await expect(list()).rejects.toMatchObject(away);
  });
});

/** Spreading drops an own `__proto__`; this puts it back. */
const pollution = (given: object) =>
  Object.hasOwn(given, "__proto__") ? JSON.parse('{"__proto__":{"role":"admin"},"title":"x"}') : {};
