import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import graphqlPlugin from "@graphql-eslint/eslint-plugin";
import { ESLint } from "eslint";
import { type GraphQLObjectType, isObjectType, isScalarType, printSchema } from "graphql";
import { contracts } from "../../services/contracts.ts";
import { graphSchema } from "../../services/gateway/graph/schema.edge.ts";
import { routesOf } from "../../services/gateway/routes.ts";

const schema = graphSchema(routesOf(contracts), contracts);
const fieldsOf = (type: string) => (schema.getType(type) as GraphQLObjectType).getFields();

test("a linter of schemas has nothing to say by its recommended rules", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lonja-schema-"));
  const file = join(folder, "schema.graphql");
  writeFileSync(file, printSchema(schema));
  const { rules } = graphqlPlugin.configs["flat/schema-recommended"];
  const eslint = new ESLint({
    cwd: folder,
    overrideConfigFile: true,
    overrideConfig: {
      files: ["*.graphql"],
      languageOptions: { parser: graphqlPlugin.parser, parserOptions: { graphQLConfig: { schema: file } } },
      plugins: { "@graphql-eslint": graphqlPlugin as never },
      // Records have an id. Sums of money, addresses, lines and pages are values, of which this rule knows nothing.
      rules: { ...rules, "@graphql-eslint/strict-id-in-types": "off" },
    },
  });
  const [result] = await eslint.lintFiles([file]);
  rmSync(folder, { recursive: true });
  expect(result?.messages.map(({ line, message }) => `${line}: ${message}`)).toEqual([]);
});

test("whatever contracts call by an id has one", () => {
  const records = Object.values(schema.getTypeMap()).filter(
    (type) => isObjectType(type) && `${type}Edge` in schema.getTypeMap(),
  );
  expect(records.length).toBeGreaterThan(10);
  const without = records.filter((type) => String(fieldsOf(type.name).id?.type) !== "ID!").map(({ name }) => name);
  // Their keys are other than ids: what has happened to an order, a category's handle, and a letter's whole name.
  expect(without).toEqual(["Category", "DeadLetter", "TimelineEntry"]);
});

test.each([
  ["Money", { amount: "MinorUnits!", currency: "CurrencyCode!" }],
  [
    "Order",
    { createdAt: "DateTime!", customerId: "ID", totals: "Totals!", lines: "[OrderLine!]!", attention: "Attention" },
  ],
  ["ProductVariant", { price: "Money!", compareAtPrice: "Money", sku: "String!" }],
  ["ProductConnection", { edges: "[ProductEdge!]!", nodes: "[Product!]!", pageInfo: "PageInfo!" }],
  ["Mutation", { placeOrder: "PlaceOrderResult!" }],
  ["Query", { order: "Order", products: "ProductConnection!" }],
])("%s says what its contract says", (type, wanted) => {
  const fields = fieldsOf(type);
  const said = Object.keys(wanted).map((name) => [name, String(fields[name]?.type)]);
  expect(Object.fromEntries(said)).toEqual(wanted);
});

test("what no contract says is not taken for a time, a sum or a number", () => {
  const scalar = (name: string) => {
    const type = schema.getType(name);
    if (!isScalarType(type)) throw new Error(name);
    return type;
  };
  for (const [name, ...wrong] of [
    ["DateTime", "yesterday", "2026-11-26", 5, null],
    ["MinorUnits", 1.5, "5", 2 ** 53, Number.NaN],
    ["CurrencyCode", "eur", "EURO", 978],
    ["SafeInt", 2 ** 53, "1"],
  ] as const)
    for (const value of wrong) expect(() => scalar(name).parseValue(value)).toThrow(/This is no/);
  expect(scalar("SafeInt").parseValue(2 ** 40)).toBe(2 ** 40);
});
