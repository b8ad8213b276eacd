import type { StoredProduct } from "../../services/catalog/catalog.contract.ts";
import { Search } from "../../services/catalog/search.ts";

const product = (n: number, title: string, more: Partial<StoredProduct> = {}): StoredProduct => ({
  id: `prod_${String(n).padStart(12, "0")}`,
  version: 1,
  handle: `p-${n}`,
  title,
  description: "",
  status: "active",
  tags: [],
  categories: [],
  images: [],
  options: [],
  variants: [
    { id: "var_000000000001", sku: `SKU-${n}`, title: "Default", options: {}, price: { amount: 1, currency: "EUR" } },
  ],
  createdAt: "2026-01-01T00:00:00.000Z",
  updatedAt: "2026-01-01T00:00:00.000Z",
  ...more,
});

describe("search", () => {
  const search = new Search();
  search.put(product(1, "Cafetera de émbolo", { vendor: "Casa Bordón", tags: ["kitchen"] }));
  search.put(
    product(2, "Harbour plate", { description: "<p class='olive'>A fish &amp; a <b>wave</b></p>", type: "Plate" }),
  );
  search.put(product(3, "Olive board", { description: "For bread and fish" }));
  const found = (q: string) => search.find(q).map(({ id }) => Number(id.slice(-2)));

  test.each([
    ["cafetera", [1]],
    ["EMBOLO", [1]],
    ["émb", [1]],
    ["bordon kit", [1]],
    ["harbor", [2]],
    ["wave", [2]],
    ["sku-3", [3]],
    ["fish", [3, 2]],
    ["plate olive", []],
    ["class", []],
    ["olive \u2615\ufe0f", [3]],
    ["!!! ---", []],
    ["nothing such", []],
  ])("%s finds %j", (q, expected) => expect(found(q)).toEqual(expected));

  test("what is in the title counts more than what is in the text", () => {
    search.put(product(4, "Bread knife"));
    expect(found("bread")).toEqual([4, 3]);
  });

  test("a product is found by what it says now", () => {
    search.put(product(5, "Lantern"));
    expect(found("lantern")).toEqual([5]);
    search.put(product(5, "Lamp", { version: 2 }));
    expect(found("lantern")).toEqual([]);
    expect(found("lamp")).toEqual([5]);
  });
});
