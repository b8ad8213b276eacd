import { isUnchanging, plainCopy, unchangingCopy } from "../../services/shared/plain.ts";

describe("what crosses a boundary", () => {
  test("is a copy that shares nothing, without what is undefined", () => {
    const given = { a: [{ b: 1 }], c: undefined, d: null };
    const copy = plainCopy(given);
    expect(copy).toStrictEqual({ a: [{ b: 1 }], d: null });
    expect(copy.a[0]).not.toBe(given.a[0]);
  });

  test.each([
    ["a date", new Date(0)],
    ["a map", new Map()],
    ["a function", () => 1],
    ["not a number", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["a bigint", 1n],
    ["a symbol", Symbol("x")],
  ])("is no %s, at whatever depth", (_what, value) => {
    expect(() => plainCopy({ list: [{ value }] })).toThrow("/list/0/value");
  });

  test("gives nobody another prototype", () => {
    const hostile = JSON.parse('{"data":{"__proto__":{"role":"admin"}}}');
    expect(() => plainCopy(hostile)).toThrow("/data has a __proto__");
    expect(plainCopy(JSON.parse('{"constructor":1,"toString":2}'))).toEqual({ constructor: 1, toString: 2 });
  });

  test("is shared only where nobody can change it, all the way down", () => {
    const given = { list: [{ value: 1 }] };
    const kept = unchangingCopy(given);
    expect(kept).toStrictEqual(given);
    expect(kept.list).not.toBe(given.list);
    const carried = plainCopy({ kept, more: 1 });
    expect(carried.kept).toBe(kept);
    expect(isUnchanging(carried)).toBe(false);
    expect(() => {
      (kept.list[0] as { value: number }).value = 2;
    }).toThrow(TypeError);
    expect(() => kept.list.push({ value: 3 })).toThrow(TypeError);
    expect(plainCopy(Object.freeze([given.list]))[0]).not.toBe(given.list);
  });
});
