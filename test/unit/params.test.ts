import { type Given, paramsOf, parseQuery } from "../../services/gateway/params.ts";
import { routesOf } from "../../services/gateway/routes.ts";
import type { Contract } from "../../services/shared/contract.ts";
import { Id, Maybe, Shape, Text, Type, Version } from "../../services/shared/schema.ts";

const params = Shape({
  id: Id("prod"),
  ifVersion: Maybe(Version),
  title: Maybe(Text(1, 10)),
  limit: Maybe(Type.Integer()),
  isOpen: Maybe(Type.Boolean()),
});
const action = (route: string, more: object = {}) => ({
  summary: "",
  params,
  result: Type.Null(),
  rest: { route, access: "anyone", ...more },
});
const raw = Shape({ provider: Type.String(), body: Type.String(), signature: Type.String() });
const contract = {
  name: "some",
  about: "",
  actions: {
    "some.get": action("GET /v1/some/:id"),
    "some.change": action("PATCH /v1/some/:id"),
    "some.hook": { ...action("POST /v1/hooks/:provider", { takes: "raw" }), params: raw },
    "some.upload": {
      ...action("POST /v1/files", { takes: "text/csv" }),
      params: Shape({ body: Type.String() }),
    },
  },
} as unknown as Contract;
const [get, change, hook, upload] = routesOf({ contract }) as [never, never, never, never];

const given = (more: Partial<Given> = {}): Given => ({
  path: { id: "prod_1" },
  query: [],
  body: {},
  ifMatch: undefined,
  signature: undefined,
  ...more,
});
const errorsOf = (run: () => unknown) => {
  try {
    return run();
  } catch (error) {
    const { type, data } = error as { type: string; data?: { errors: { path: string }[] } };
    return [type, ...(data?.errors.map(({ path }) => path) ?? [])];
  }
};

describe("params", () => {
  test("a query says numbers and yes or no where the contract wants them, and text everywhere else", () => {
    const query = parseQuery("limit=10&isOpen=true&title=7&more=8");

    expect(paramsOf(get, given({ query }))).toEqual({
      id: "prod_1",
      limit: 10,
      isOpen: true,
      title: "7",
      more: "8",
    });
  });

  test.each(["1e3", "0x10", "+1", "1.5", " 1", "٣", "", "9".repeat(30)])("limit=%s stays text", (text) => {
    expect(paramsOf(get, given({ query: [["limit", text]] }))).toMatchObject({ limit: text });
  });

  test("a name twice, and what comes with the path or a header, are refused", () => {
    const errors = (query: string) => errorsOf(() => paramsOf(get, given({ query: parseQuery(query) })));

    expect(errors("limit=1&limit=2")).toEqual(["invalid_input", "limit"]);
    expect(errors("id=prod_2")).toEqual(["invalid_input", "id"]);
    expect(errors("ifVersion=2")).toEqual(["invalid_input", "ifVersion"]);
  });

  test("a body is an object, brings nothing of the path, and has no query beside it", () => {
    const errors = (more: Partial<Given>) => errorsOf(() => paramsOf(change, given(more)));

    expect(paramsOf(change, given({ body: { title: "A" } }))).toEqual({ id: "prod_1", title: "A" });
    expect(errors({ body: { id: "prod_2" } })).toEqual(["invalid_input", "id"]);
    expect(errors({ body: { ifVersion: 2 } })).toEqual(["invalid_input", "ifVersion"]);
    expect(() => paramsOf(change, given({ body: { version: 2 } }))).toThrow(
      expect.objectContaining({
        data: { errors: [{ path: "version", message: "comes with the If-Match header" }] },
      }),
    );
    expect(errors({ query: [["title", "B"]] })).toEqual(["invalid_input", "title"]);
    for (const body of [[], "text", 1, null, true]) expect(errors({ body })).toEqual(["invalid_input", ""]);
  });

  test("names that could reach a prototype are only names", () => {
    const query = parseQuery("__proto__=x&constructor=y");
    const made = paramsOf(get, given({ query }));

    expect(Object.keys(made)).toEqual(["__proto__", "constructor", "id"]);
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
  });

  test("brackets and dots are part of a name", () => {
    expect(parseQuery("a[b]=1&a.c=2&a%5Bd%5D=3&&e")).toEqual([
      ["a[b]", "1"],
      ["a.c", "2"],
      ["a[d]", "3"],
      ["e", ""],
    ]);
  });

  test.each(["a=%ff", "a=%", "%zz=1", "a=%c3%28"])("%s is not decoded but refused", (text) => {
    expect(errorsOf(() => parseQuery(text))).toEqual(["malformed_request"]);
  });

  test.each([
    ['"3"', 3],
    ['"v3"', 3],
    ['W/"v3"', 3],
    ['"v3-aGVsbG8_-x"', 3],
    ["3", 3],
    ["*", undefined],
  ])("If-Match: %s is version %s", (ifMatch, version) => {
    expect(paramsOf(change, given({ ifMatch })).ifVersion).toBe(version);
  });

  test.each(["", "abc", "v0", '"a', '"a" "b"', "{}"])("If-Match: %s is no ETag", (ifMatch) => {
    expect(errorsOf(() => paramsOf(change, given({ ifMatch })))).toEqual(["invalid_input", "If-Match"]);
  });

  test.each(['"abc"', '"v0"', '"v-1"', '"v1", "v2"', '"v1e3"', '"vBORNv1"'])("If-Match: %s fits nothing", (ifMatch) => {
    expect(paramsOf(change, given({ ifMatch })).ifVersion).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("a raw body goes on as it came, with its signature; a file as its text", () => {
    const path = { provider: "sandbox" };
    expect(paramsOf(hook, given({ path, body: "{ }", signature: "t=1" }))).toEqual({
      provider: "sandbox",
      body: "{ }",
      signature: "t=1",
    });
    expect(paramsOf(upload, given({ path: {}, body: "a,b" }))).toEqual({ body: "a,b" });
  });
});
