import { plainCopy } from "../../services/shared/plain.ts";

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
    expect(() => plainCopy(hostile)).toThrow("/data/__proto__");
    expect(plainCopy(JSON.parse('{"constructor":1,"toString":2}'))).toEqual({ constructor: 1, toString: 2 });
  });
});
