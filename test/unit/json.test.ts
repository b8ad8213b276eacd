import fc from "fast-check";
import { parseJson } from "../../services/gateway/params.ts";
import { canonical } from "../../services/shared/canonical.ts";

const refusalOf = (text: string) => {
  try {
    return parseJson(text);
  } catch (error) {
    const { type, data } = error as { type: string; data?: { errors: { path: string }[] } };
    return [type, ...(data?.errors.map(({ path }) => path) ?? [])];
  }
};
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

describe("a body of JSON", () => {
  test.each(["", "{", "{'a':1}", "[1,]", "NaN", "\ufeff{}", '{"a":1}x', "{\u0000}"])("malformed: %j", (text) => {
    expect(refusalOf(text)).toEqual(["malformed_json"]);
  });

  test("nested 20 deep it is taken, deeper not, however deep", () => {
    expect(parseJson(nested(20))).toBeDefined();
    for (const depth of [22, 1_000, 30_000]) expect(refusalOf(nested(depth))).toEqual(["malformed_json"]);
  });

  test.each([
    ['{"__proto__":{"role":"admin"}}', "__proto__"],
    ['{"a":[{"constructor":1}]}', "a/0/constructor"],
    ['{"a":{"prototype":1}}', "a/prototype"],
    ['{"\\u005f\\u005fproto__":1}', "__proto__"],
  ])("%s is refused by its path", (text, path) => {
    expect(refusalOf(text)).toEqual(["invalid_input", path]);
    expect(({} as { role?: string }).role).toBeUndefined();
  });

  test("half a surrogate pair is refused, in text and in names", () => {
    expect(refusalOf('{"a":"\\ud800"}')).toEqual(["invalid_input", "a"]);
    expect(refusalOf('{"\\udc00":1}')).toEqual(["invalid_input", "\ufffd"]);
    expect(parseJson('"\\ud83d\\ude00"')).toBe("😀");
  });

  test("of two equal names the last one counts", () => {
    expect(parseJson('{"a":1,"a":2}')).toEqual({ a: 2 });
  });

  test("canonical text is the same for equal values only", () => {
    expect(canonical(JSON.parse('{"b":[1,{"d":1,"c":2}],"a":1}'))).toBe(
      canonical(JSON.parse(' { "a": 1, "b": [ 1, { "c": 2, "d": 1 } ] } ')),
    );
    expect(canonical({ a: [1, 2] })).not.toBe(canonical({ a: [2, 1] }));
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const equal = JSON.stringify(a) === JSON.stringify(b);
        if (equal) expect(canonical(a)).toBe(canonical(b));
        expect(JSON.parse(canonical(a))).toEqual(JSON.parse(JSON.stringify(a)));
      }),
    );
  });
});
