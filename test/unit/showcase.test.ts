import fc from "fast-check";
import type { StoredProduct } from "../../services/catalog/catalog.contract.ts";
import { type Card, Showcase } from "../../services/catalog/showcase.ts";
import type { Page, Paging } from "../../services/shared/schema.ts";

const at = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();
const product = (n: number, more: Partial<StoredProduct> = {}): StoredProduct => ({
  id: `prod_${String(n).padStart(12, "0")}`,
  version: 1,
  handle: `p-${n}`,
  title: `Product ${n % 7}`,
  description: "",
  status: "active",
  tags: [],
  categories: [n % 2 ? "odd" : "even"],
  images: [],
  options: [],
  variants: [
    {
      id: "var_000000000001",
      sku: `SKU-${n}`,
      title: "Default",
      options: {},
      price: { amount: (n * 37) % 11, currency: "EUR" },
    },
  ],
  createdAt: at(n % 5),
  updatedAt: at(n),
  ...more,
});

type Asked = Parameters<Showcase["page"]>[0];
type Sort = Parameters<Showcase["page"]>[1];

function walk(showcase: Showcase, sort: Sort, asked: Partial<Asked> = {}, between: () => void = () => {}): string[] {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = showcase.page({ limit: 7, ...asked, cursor }, sort);
    ids.push(...page.data.map(({ id }) => id));
    cursor = page.nextCursor ?? undefined;
    between();
  } while (cursor);
  return ids;
}

const sorts: Sort[] = ["createdAt", "-createdAt", "title", "-title", "price", "-price"];

describe("lists", () => {
  const filled = (count = 100) => {
    const showcase = new Showcase();
    for (let n = 0; n < count; n++) showcase.put(product((n * 61) % count));
    return showcase;
  };

  test.each(sorts)("by %s every product comes once, in order", (sort) => {
    const showcase = filled();
    const field = sort.replace("-", "") as "createdAt" | "title" | "price";
    const cards = showcase.page({ limit: 100 }, sort).data;
    const values = cards.map((card) => card[field]);
    const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    expect(values).toEqual(sort === field ? sorted : sorted.toReversed());
    expect(walk(showcase, sort)).toEqual(cards.map(({ id }) => id));
    expect(new Set(cards).size).toBe(100);
  });

  test.each(sorts)("by %s nothing is lost or repeated while products are added and changed", (sort) => {
    const showcase = filled();
    let n = 1000;
    const ids = walk(showcase, sort, {}, () => {
      showcase.put(product(n++, { createdAt: at(n % 5) }));
      showcase.put(product(n % 100, { version: n, description: "changed" }));
    });
    const old = ids.filter((id) => id < "prod_000000001000");
    expect(new Set(ids).size).toBe(ids.length);
    expect(old).toHaveLength(100);
  });

  test("status and category filter", () => {
    const showcase = filled(40);
    showcase.put(product(1, { version: 2, status: "draft" }));
    expect(walk(showcase, "title", { status: "draft" })).toEqual([product(1).id]);
    expect(walk(showcase, "title", { status: "active" })).toHaveLength(39);
    expect(walk(showcase, "title", { status: "active", category: "odd" })).toHaveLength(19);
    expect(walk(showcase, "title")).toHaveLength(40);
    expect(walk(showcase, "title", { category: "none" })).toEqual([]);
    expect(showcase.categories({ limit: 20 })).toEqual({
      data: [
        { handle: "even", products: 20 },
        { handle: "odd", products: 19 },
      ],
      nextCursor: null,
    });
  });

  test("categories come in pages too", () => {
    const showcase = filled(2);
    const first = showcase.categories({ limit: 1 });
    expect(first.data.map(({ handle }) => handle)).toEqual(["even"]);
    const second = showcase.categories({ limit: 1, cursor: first.nextCursor ?? "" });
    expect(second).toMatchObject({ data: [{ handle: "odd" }], nextCursor: null });
  });

  test("a product is known by its id and its present handle, while it is active", () => {
    const showcase = filled(3);
    showcase.put(product(1, { version: 2, handle: "renamed" }));
    expect(showcase.get("renamed")?.id).toBe(product(1).id);
    expect(showcase.get("p-1")).toBeUndefined();
    showcase.put(product(1, { version: 3, handle: "renamed", status: "archived" }));
    expect(showcase.get("renamed")).toBeUndefined();
  });

  test("an older version that arrives late changes nothing", () => {
    const showcase = filled(3);
    expect(showcase.put(product(1, { version: 3, title: "new" }))).toBe(true);
    expect(showcase.put(product(1, { version: 2, title: "old" }))).toBe(false);
    expect(showcase.get("p-1")?.title).toBe("new");
  });

  test("the best hits come first, page by page, and go on after the last one wherever it stands", () => {
    const showcase = filled(30);
    const hits = Array.from({ length: 30 }, (_, n) => ({ id: product(29 - n).id, score: 60 - n }));
    const first = showcase.ranked({ limit: 10, status: "active" }, hits);
    const shifted = [
      { id: product(0).id, score: 99 },
      ...hits.slice(0, -1).map(({ id, score }) => ({ id, score: score / 2 })),
    ];
    const second = showcase.ranked({ limit: 10, status: "active", cursor: first.nextCursor ?? "" }, shifted);
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(hits.slice(0, 20).map(({ id }) => id));
  });

  /** The ways in which products are listed, on the same showcase each time. */
  const listings: Record<string, (showcase: Showcase, asked: Paging) => Page<Card>> = {
    ...Object.fromEntries(sorts.map((sort) => [sort, (showcase, asked) => showcase.page(asked, sort)])),
    "relevance of a category": (showcase, asked) => {
      const all = showcase.page({ limit: 1_000 }, "title").data;
      const hits = all.map(({ id }) => ({ id, score: 1 + (Number(id.at(-1)) % 3) }));
      return showcase.ranked(
        { ...asked, category: "odd" },
        hits.toSorted((a, b) => b.score - a.score || (a.id < b.id ? 1 : -1)),
      );
    },
  };

  test.each(Object.keys(listings))("by %s: any cursor leads to all that is behind its product by now", (name) => {
    const list = listings[name] as (typeof listings)[string];
    const some = fc.uniqueArray(fc.nat(200), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(some, some, fc.integer({ min: 1, max: 40 }), (first, later, limit) => {
        const showcase = new Showcase();
        for (const n of first) showcase.put(product(n));
        const whole = list(showcase, { limit: 1_000, cursors: true });
        const page = list(showcase, { limit, cursors: true });
        expect(page.cursors).toEqual(whole.cursors?.slice(0, limit));
        expect(page.nextCursor).toBe(limit < whole.data.length ? page.cursors?.at(-1) : null);
        expect(list(showcase, { limit })).toEqual({ data: page.data, nextCursor: page.nextCursor });

        for (const n of later) showcase.put(product(n));
        const now = list(showcase, { limit: 1_000, cursors: true });
        for (const [place, cursor] of (whole.cursors ?? []).entries()) {
          const behind = now.data.indexOf(whole.data[place] as Card) + 1;
          const page = list(showcase, { limit: 1_000, cursor, cursors: true });
          expect(page.data).toEqual(now.data.slice(behind));
          expect(page.cursors).toEqual(now.cursors?.slice(behind));
        }
      }),
      { numRuns: 50 },
    );
  });

  test("any category's cursor leads to those behind it", () => {
    const showcase = filled(2);
    for (const n of [3, 4, 5]) showcase.put(product(n, { categories: [`c${n}`] }));
    const whole = showcase.categories({ limit: 100, cursors: true });
    expect(whole.data.map(({ handle }) => handle)).toEqual(["c3", "c4", "c5", "even", "odd"]);
    for (const [place, cursor] of (whole.cursors ?? []).entries())
      expect(showcase.categories({ cursor }).data).toEqual(whole.data.slice(place + 1));
    expect(showcase.categories({ limit: 4 }).nextCursor).toBe(whole.cursors?.at(3));
  });

  test("what is no cursor of the list is refused", () => {
    const showcase = filled(30);
    const { nextCursor } = showcase.page({ limit: 5 }, "price");
    const forged = [
      "x",
      "%%%",
      nextCursor ?? "",
      Buffer.from('["title",5,"x"]').toString("base64url"),
      Buffer.from('["title",{"$gt":""},"x"]').toString("base64url"),
      Buffer.from("null").toString("base64url"),
    ];
    for (const cursor of forged)
      expect(() => showcase.page({ limit: 5, cursor }, "title")).toThrow(
        expect.objectContaining({
          type: "invalid_input",
          data: { errors: [expect.objectContaining({ path: "cursor" })] },
        }),
      );
  });

  test("cursors stay short enough to be sent back", () => {
    const showcase = new Showcase();
    for (let n = 0; n < 3; n++)
      showcase.put(product(n, { title: "漢".repeat(255), categories: [`${n}${"c".repeat(254)}`] }));
    expect(showcase.page({ limit: 1 }, "title").nextCursor?.length).toBeLessThan(512);
    expect(showcase.categories({ limit: 1 }).nextCursor?.length).toBeLessThan(512);
  });
});
