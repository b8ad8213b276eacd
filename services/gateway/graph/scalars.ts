import { GraphQLError, GraphQLScalarType, Kind, type ValueNode, valueFromASTUntyped } from "graphql";
import { Country, Currency, Email, Time } from "../../shared/schema.ts";

interface Plan {
  description: string;
  is(value: unknown): boolean;
}

const matching = (schema: object) => (value: unknown) =>
  typeof value === "string" && new RegExp((schema as Text).pattern ?? "").test(value);

/** What a contract says of a text. */
interface Text {
  pattern?: string;
  format?: string;
}

const plan = {
  DateTime: { description: "ISO 8601 in UTC, such as `2026-11-26T09:30:00.000Z`.", is: matching(Time) },
  MinorUnits: { description: "A sum of money in whole minor units: 1999 is 19.99 EUR.", is: Number.isSafeInteger },
  CurrencyCode: { description: "ISO 4217, such as `EUR`.", is: matching(Currency) },
  CountryCode: { description: "ISO 3166-1 alpha-2, such as `ES`.", is: matching(Country) },
  EmailAddress: { description: "One @, and a domain with a dot.", is: (value: unknown) => typeof value === "string" },
  SafeInt: { description: "A whole number that may be larger than an Int, up to 2^53.", is: Number.isSafeInteger },
  JSON: { description: "Whatever JSON can say.", is: () => true },
} satisfies Record<string, Plan>;
export type ScalarName = keyof typeof plan;

/** What is no simple type of GraphQL. */
export const scalars = Object.fromEntries(
  Object.entries(plan).map(([name, { description, is }]) => [name, scalar(name, description, is)]),
) as Record<ScalarName, GraphQLScalarType>;

function scalar(name: string, description: string, is: Plan["is"]): GraphQLScalarType {
  const checked = (value: unknown) => {
    if (is(value)) return value;
    throw new GraphQLError(`This is no ${name}: ${JSON.stringify(value)?.slice(0, 100)}`);
  };
  // A literal such as `9007199254740993` would be read as another number than it says.
  const parseLiteral = (node: ValueNode) =>
    checked(node.kind === Kind.INT ? Number(node.value) : valueFromASTUntyped(node));
  return new GraphQLScalarType({ name, description, serialize: checked, parseValue: checked, parseLiteral });
}

const formOf = (schema: object) => (schema as Text).pattern ?? (schema as Text).format;
const texts = new Map<string | undefined, ScalarName>([
  [formOf(Time), "DateTime"],
  [formOf(Currency), "CurrencyCode"],
  [formOf(Country), "CountryCode"],
  [formOf(Email), "EmailAddress"],
]);

/** The scalar of a text, if it is one that has a name. */
export const namedScalar = (schema: object): ScalarName | undefined => texts.get(formOf(schema));
