import type { Collection } from "../../mixins/store.mixin.ts";
import type { Kept } from "../../services/catalog/product.ts";
import type { Claim, SkuRegister } from "../../services/catalog/skus.edge.ts";
import { openShop, type Shop } from "../shop.ts";

const price = { amount: 100, currency: "EUR" };

describe("no SKU belongs to two products", () => {
  let shop: Shop;
  let inside: { register: SkuRegister; products: Collection<Kept>; skus: Collection<Claim> };

  beforeEach(async () => {
    shop = await openShop({ services: ["catalog", "inventory"] });
    inside = shop.broker.getLocalService("catalog") as unknown as typeof inside;
  });
  afterEach(() => shop.close());

  const create = (title: string, ...skus: string[]) =>
    shop.call("catalog.create", { title, variants: skus.map((sku) => ({ sku, options: { Kind: sku }, price })) });
  const change = (id: string, ...skus: string[]) =>
    shop.call("catalog.change", { id, variants: skus.map((sku) => ({ sku, options: { Kind: sku }, price })) });

  /** Every SKU of every product is claimed by it, which is what makes it unique. */
  async function expectOrder() {
    const { data } = await inside.products.find({ limit: 1000 });
    const pairs = data.flatMap(({ id, variants = [] }) => variants.map(({ sku }) => [sku, id] as const));
    const claims = await inside.skus.getMany(pairs.map(([sku]) => sku));
    const owners = new Map(claims.map(({ id, productId }) => [id, productId]));
    for (const [sku, id] of pairs) expect([sku, owners.get(sku)]).toEqual([sku, id]);
    expect(new Set(pairs.map(([sku]) => sku)).size).toBe(pairs.length);
  }

  test("of many who want it at once one gets it", async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => create(`P ${n}`, "X", `OWN-${n}`)));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(outcomes.find(({ status }) => status === "rejected")).toMatchObject({
      reason: { type: "already_exists", code: 409, data: { errors: [{ path: "variants/0/sku", sku: "X" }] } },
    });
    await expectOrder();
  });

  test("what a refused product had claimed is free for others at once", async () => {
    await create("First", "X");
    await expect(create("Second", "Y", "X")).rejects.toMatchObject({ type: "already_exists" });
    expect(await inside.skus.get("Y")).toMatchObject({ productId: null });
    await create("Third", "Y");
    await expectOrder();
  });

  test("a SKU that a product gives up can move to another, and not back while it is there", async () => {
    const first = await create("First", "X", "Y");
    await expect(create("Second", "Y")).rejects.toMatchObject({ type: "already_exists" });
    await change(first.id, "X");
    const second = await create("Second", "Y");
    await expect(change(first.id, "X", "Y")).rejects.toMatchObject({ type: "already_exists" });
    await change(second.id, "Z");
    await change(first.id, "X", "Y");
    await expectOrder();
  });

  test("who died between claim and save stands in nobody's way, and cannot come back", async () => {
    const ghost = "prod_00000000000000000000000000";
    await inside.register.claim(["X"], ghost);
    const made = await create("Alive", "X");
    expect(made.variants[0]?.sku).toBe("X");
    const { id: _id, version: _version, ...fields } = made;
    const haunting = inside.products.insert({ ...(fields as unknown as Kept), id: ghost, handle: "ghost" });
    await expect(haunting).rejects.toMatchObject({ name: "Duplicate" });
    await expectOrder();
  });

  test("who stopped in the middle of a change cannot go on with it after losing the SKU", async () => {
    const slow = await create("Slow", "A");
    const before = await inside.products.get(slow.id);
    if (!before) throw new Error("it is there");
    await inside.register.claim(["X"], slow.id);
    await create("Quick", "X");
    const late = { ...before, variants: before.variants.map((variant) => ({ ...variant, sku: "X" })) };
    expect(await inside.products.replace(before, late)).toBeUndefined();
    await expectOrder();
    await expect(change(slow.id, "X")).rejects.toMatchObject({ type: "already_exists" });
    expect(await change(slow.id, "A", "B")).toMatchObject({ variants: [{ sku: "A" }, { sku: "B" }] });
  });

  test("a change that is refused takes no SKU from another change of the same product", async () => {
    const first = await create("First", "A");
    await create("Other", "Y");
    const before = await inside.products.get(first.id);
    if (!before) throw new Error("it is there");
    await inside.register.claim(["X"], first.id);
    await expect(change(first.id, "A", "X", "Y")).rejects.toMatchObject({ type: "already_exists" });
    const variants = ["A", "X"].flatMap((sku) => before.variants.map((variant) => ({ ...variant, sku })));
    expect(await inside.products.replace(before, { ...before, variants })).toBeDefined();
    await expect(create("Thief", "X")).rejects.toMatchObject({ type: "already_exists" });
    await expectOrder();
  });

  test("in a crowd that takes and gives SKUs", async () => {
    const skus = Array.from({ length: 12 }, (_, n) => `S-${n}`);
    const some = (n: number) => [...new Set([n, n * 5 + 1, n * 7 + 3].map((k) => skus[k % skus.length] ?? ""))];
    await Promise.allSettled(Array.from({ length: 20 }, (_, n) => create(`P ${n}`, ...some(n))));
    await expectOrder();
    const { data } = await shop.call("catalog.list", { limit: 100 });
    expect(data.length).toBeGreaterThan(0);
    await Promise.allSettled([
      ...data.flatMap(({ id }, n) => [change(id, ...some(n + 1)), change(id, ...some(n + 4))]),
      ...Array.from({ length: 10 }, (_, n) => create(`Q ${n}`, ...some(n + 2))),
    ]);
    await expectOrder();
  });
});
