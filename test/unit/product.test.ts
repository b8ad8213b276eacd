import type { StoredProduct } from "../../services/catalog/catalog.contract.ts";
import { type Change, named, offerOf, possibleSkus, revised, saysTheSame } from "../../services/catalog/product.ts";

const euros = (amount: number) => ({ amount, currency: "EUR" });
const fresh = { handle: "mug", title: "Mug" };

function made(given: Change, before: Parameters<typeof revised>[1] = fresh, taken: string[] = []) {
  let n = 0;
  return named(revised(given, before, "EUR"), {
    isTaken: (sku) => taken.includes(sku),
    variantId: () => `var_${String(++n).padStart(12, "0")}`,
  });
}
const stored = (given: Change): StoredProduct => ({
  id: "prod_000000000001",
  version: 3,
  createdAt: "2026-01-01T00:00:00.000Z",
  updatedAt: "2026-01-01T00:00:00.000Z",
  ...made(given),
});
function errorsOf(given: Change, before: Parameters<typeof revised>[1] = fresh): string[] {
  try {
    revised(given, before, "EUR");
    return [];
  } catch (error) {
    return (error as { data: { errors: { path: string }[] } }).data.errors.map(({ path }) => path);
  }
}

const sizes: Change = {
  variants: [
    { sku: "M-S", options: { Size: "S", Colour: "Blue" }, price: euros(100) },
    { options: { Size: "M", Colour: "Blue" }, price: euros(200), compareAtPrice: euros(300) },
  ],
};

describe("a new product", () => {
  test("gets what was left out", () => {
    expect(made({ variants: [{ price: euros(1900) }] })).toEqual({
      handle: "mug",
      title: "Mug",
      description: "",
      status: "active",
      tags: [],
      categories: [],
      images: [],
      options: [],
      variants: [{ id: "var_000000000001", sku: "MUG", title: "Default", options: {}, price: euros(1900) }],
    });
  });

  test("has the options that its variants choose", () => {
    const { options, variants } = made(sizes);
    expect(options).toEqual([
      { name: "Size", values: ["S", "M"] },
      { name: "Colour", values: ["Blue"] },
    ]);
    expect(variants.map(({ sku, title }) => [sku, title])).toEqual([
      ["M-S", "S / Blue"],
      ["MUG-M-BLUE", "M / Blue"],
    ]);
  });

  test("a made-up SKU keeps clear of those that are taken, in the product and outside", () => {
    const variants = [
      { sku: "MUG-M", options: { Size: "S" }, price: euros(1) },
      { options: { Size: "M" }, price: euros(1) },
    ];
    expect(made({ variants }).variants[1]?.sku).toMatch(/^MUG-M-[0-9A-Z]{7}$/);
    const one = { variants: [{ price: euros(1) }] };
    expect(made(one, fresh, ["MUG"]).variants[0]?.sku).toMatch(/^MUG-[0-9A-Z]{7}$/);
    expect(possibleSkus(revised(one, fresh, "EUR"))[0]).toBe("MUG");
  });

  test("a price to compare with that is not higher says nothing", () => {
    const prices = (compareAtPrice: number) =>
      made({ variants: [{ price: euros(200), compareAtPrice: euros(compareAtPrice) }] }).variants[0]?.compareAtPrice;
    expect([prices(199), prices(200), prices(201)]).toEqual([undefined, undefined, euros(201)]);
  });
});

describe("options and variants have to fit", () => {
  const size = [{ name: "Size", values: ["S", "M"] }];
  const variant = (options: Record<string, string>, more = {}) => ({ options, price: euros(1), ...more });

  test.each<[string, Change, string[]]>([
    ["an option without a choice", { options: size, variants: [variant({})] }, ["variants/0/options/Size"]],
    ["a value that is none", { options: size, variants: [variant({ Size: "XL" })] }, ["variants/0/options/Size"]],
    ["an option that is none", { options: [], variants: [variant({ Size: "S" })] }, ["variants/0/options/Size"]],
    [
      "the same choice twice",
      { options: size, variants: [variant({ Size: "S" }), variant({ Size: "S" })] },
      ["variants/1/options"],
    ],
    ["two variants with nothing to choose", { variants: [variant({}), variant({})] }, ["variants/1/options"]],
    [
      "a SKU twice",
      { variants: [variant({ Size: "S" }, { sku: "X" }), variant({ Size: "M" }, { sku: "X" })] },
      ["variants/1/sku"],
    ],
    ["an option twice", { options: [...size, ...size], variants: [variant({ Size: "S" })] }, ["options/1/name"]],
    [
      "a value twice",
      { options: [{ name: "Size", values: ["S", "S"] }], variants: [variant({ Size: "S" })] },
      ["options/0/values"],
    ],
    [
      "another currency",
      { variants: [{ price: { amount: 1, currency: "USD" }, compareAtPrice: { amount: 2, currency: "USD" } }] },
      ["variants/0/price/currency", "variants/0/compareAtPrice/currency"],
    ],
    [
      "different options in different variants",
      { variants: [variant({ Size: "S" }), variant({ Colour: "Blue" })] },
      ["variants/1/options/Size", "variants/1/options/Colour"],
    ],
    [
      "a name that objects inherit",
      { options: size, variants: [variant({ constructor: "S" })] },
      ["variants/0/options/Size", "variants/0/options/constructor"],
    ],
  ])("%s is named", (_, given, paths) => expect(errorsOf(given)).toEqual(paths));

  test("options cannot be taken away from under the variants", () => {
    expect(errorsOf({ options: [] }, stored(sizes))).toContain("variants/0/options/Size");
  });
});

describe("a changed product", () => {
  const before = stored(sizes);

  test("keeps what is not named, and the ids of variants with the same SKU or the same choice", () => {
    const after = made(
      {
        variants: [
          { options: { Colour: "Blue", Size: "M" }, price: euros(250) },
          { options: { Colour: "Red", Size: "S" }, price: euros(99) },
          { sku: "M-S", options: { Colour: "Blue", Size: "S" }, price: euros(100) },
        ],
      },
      before,
    );
    const [s, m] = before.variants;
    expect(after.variants.map(({ id, sku }) => [id, sku])).toEqual([
      [m?.id, "MUG-M-BLUE"],
      ["var_000000000001", "MUG-S-RED"],
      [s?.id, "M-S"],
    ]);
    expect(after.options).toEqual([
      { name: "Size", values: ["S", "M"] },
      { name: "Colour", values: ["Blue", "Red"] },
    ]);
    expect(after.title).toBe("Mug");
  });

  test("a variant may get another SKU and stays the same variant", () => {
    const after = made({ variants: [{ sku: "NEW", options: { Size: "S", Colour: "Blue" }, price: euros(1) }] }, before);
    expect(after.variants).toMatchObject([{ id: before.variants[0]?.id, sku: "NEW" }]);
  });

  test("vendor and type go away when they are emptied", () => {
    expect(made({ vendor: "", type: "" }, { ...before, vendor: "Alfar", type: "Mug" })).not.toHaveProperty("vendor");
  });

  test("saying the same again is no change, in whatever order", () => {
    expect(saysTheSame(before, made(sizes, before))).toBe(true);
    const reordered = JSON.parse(JSON.stringify(before, Object.keys(before).sort()));
    expect(saysTheSame({ ...reordered, ...before }, made({}, before))).toBe(true);
    expect(saysTheSame(before, made({ title: "Cup" }, before))).toBe(false);
    expect(saysTheSame(before, made({ vendor: "Alfar" }, before))).toBe(false);
  });
});

describe("an offer", () => {
  test("names product and variant; what is not active is not offered", () => {
    const product = stored(sizes);
    expect(offerOf(product, "M-S")).toEqual({
      sku: "M-S",
      productId: product.id,
      variantId: product.variants[0]?.id,
      title: "Mug – S / Blue",
      unitPrice: euros(100),
    });
    expect(offerOf(product, "OTHER")).toBeUndefined();
    expect(offerOf({ ...product, status: "archived" }, "M-S")).toBeUndefined();
  });
});
