import { folded, handleOf, madeUpSkus, slug, titleOf } from "../../services/catalog/naming.ts";

const best = (handle: string, ...choice: string[]) => [...madeUpSkus(handle, choice)][0];

describe("handles", () => {
  test.each([
    ["Blue Mug", "blue-mug"],
    ["  Café «Ñandú» 100% ", "cafe-nandu-100"],
    ["Men's Größe—L", "mens-grosse-l"],
    ["Smørrebrød & Æbler", "smorrebrod-aebler"],
    ["a_b__c", "a-b-c"],
    ["---", ""],
    ["日本", ""],
  ])("%s becomes %s", (text, expected) => expect(slug(text)).toBe(expected));

  test("a text without any Latin letter gets a handle too, always the same", () => {
    expect(handleOf("日本")).toMatch(/^p-[0-9a-z]{7}$/);
    expect(handleOf("日本")).toBe(handleOf("日本"));
    expect(handleOf("日本")).not.toBe(handleOf("日本語"));
  });

  test.each([
    ["чашка 2", "кружка 2"],
    ["マグ-1", "カップ-1"],
    ["Ⅷ x", "八 x"],
  ])("%s and %s, of which the same little can be spelled, get different ones", (one, other) => {
    expect(handleOf(one)).not.toBe(handleOf(other));
    expect(handleOf(one, 20)).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(best("x", one)).not.toBe(best("x", other));
  });

  test("signs and accents are no letters that are missed", () => {
    expect(handleOf("Brand® “Ñandú” 100%")).toBe("brand-nandu-100");
    expect(handleOf("№ 5™")).toBe("no-5tm");
  });

  test("a long one is cut, never at a dash", () => {
    expect(slug(`${"a".repeat(119)} b`)).toBe("a".repeat(119));
  });

  test("a category without a title is called by its handle", () => {
    expect(titleOf("sea-and-travel")).toBe("Sea and travel");
  });

  test("accents and case do not count", () => {
    expect(folded("CAFETERÍA")).toBe("cafeteria");
    expect(folded("straße")).toBe(folded("STRASSE"));
  });
});

describe("made-up SKUs", () => {
  test("are readable", () => {
    expect(best("blue-mug")).toBe("BLUE-MUG");
    expect(best("blue-mug", "Größe L", "Sea blue")).toBe("BLUE-MUG-GROSSE-L-SEA-BLUE");
  });

  test("are never longer than a SKU may be, and tell long handles apart", () => {
    const [a, b] = [best("x".repeat(100), "S"), best("x".repeat(100), "M")];
    expect(a).toHaveLength(64);
    expect(a).not.toBe(b);
  });

  test("carry a mark where a choice cannot be spelled", () => {
    const [red, blue] = [best("scarf", "红"), best("scarf", "蓝")];
    expect(red).toMatch(/^SCARF-[0-9A-Z]{7}$/);
    expect(red).not.toBe(blue);
  });

  test("have others to fall back on, equally stable", () => {
    const all = [...madeUpSkus("a-b", ["c"])];
    expect(all[0]).toBe([...madeUpSkus("a", ["b", "c"])][0]);
    expect(new Set([...all.slice(1), ...[...madeUpSkus("a", ["b", "c"])].slice(1)]).size).toBe(4);
    expect(all).toEqual([...madeUpSkus("a-b", ["c"])]);
  });
});
