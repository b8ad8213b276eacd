import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLFieldConfigMap,
  type GraphQLFieldResolver,
  GraphQLFloat,
  GraphQLID,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLNullableType,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLString,
} from "graphql";
import { Amount } from "../../shared/schema.ts";
import { type Json, keyOf, type Named } from "../names.ts";
import type { GraphContext } from "./context.ts";
import { namedScalar, scalars } from "./scalars.ts";

type Fields = GraphQLFieldConfigMap<unknown, GraphContext>;

/** What a schema of a contract says, as far as GraphQL cares. */
interface Schema extends Json {
  type?: string;
  enum?: readonly string[];
  anyOf?: readonly Schema[];
  items?: Schema;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  default?: unknown;
  description?: string;
}

const LARGEST_INT = 2 ** 31 - 1;

/** Where a schema is found that has no name: what to call it, and what to say of it. */
export interface Place {
  name: string;
  about: string;
}

/**
 * The types of GraphQL, made of the schemas of contracts: a named one keeps its name, and one that has none is called
 * after the place where it is found. What may be left out or null is nullable, and nothing else is.
 */
export class Types {
  readonly #names: ReadonlyMap<string, Named>;
  /** The fields of a type that lead to other records. */
  readonly #linksOf: (type: string) => Fields;
  readonly #objects = new Map<string, { key: string; type: GraphQLObjectType }>();
  readonly #inputs = new Map<string, { key: string; type: GraphQLInputObjectType }>();
  readonly #choices = new Map<string, { key: string; type: GraphQLEnumType }>();

  constructor(names: ReadonlyMap<string, Named>, linksOf: (type: string) => Fields) {
    this.#names = names;
    this.#linksOf = linksOf;
  }

  output(schema: Schema, place: Place): GraphQLOutputType {
    const { inner, isNullable } = unwrapped(schema);
    const type = this.#output(inner, place);
    return isNullable ? type : new GraphQLNonNull(type);
  }

  input(schema: Schema, place: Place, isOptional: boolean): GraphQLInputType {
    const type = this.#input(schema, place);
    return isOptional ? type : new GraphQLNonNull(type);
  }

  /** The type of an object, with the fields of `schema`. */
  object(schema: Schema, place: Place): GraphQLObjectType {
    const name = this.#nameOf(schema, place);
    return only(this.#objects, name, schema, () => {
      const fields = () => ({ ...this.#fields(schema, name), ...this.#linksOf(name) });
      return new GraphQLObjectType<unknown, GraphContext>({
        name,
        description: schema.description ?? place.about,
        fields,
      });
    });
  }

  /** The type of what is given to a field, with the properties of `schema`. */
  inputObject(schema: Schema, { name, about }: Place): GraphQLInputObjectType {
    return only(this.#inputs, name, schema, () => {
      const { properties = {}, required = [], description } = schema;
      const inputs = Object.entries(properties).map(([field, of]) => {
        const place = within({ name: name.replace(/Input$/, ""), about }, field);
        return [field, { of, place, isOptional: !required.includes(field) }] as const;
      });
      return new GraphQLInputObjectType({
        name,
        description: description ?? about,
        fields: () =>
          Object.fromEntries(
            inputs.map(([field, { of, place, isOptional }]) => [
              field,
              { type: this.input(of, place, isOptional), description: descriptionOf(of) },
            ]),
          ),
      });
    });
  }

  #fields({ properties = {}, required = [] }: Schema, owner: string): Fields {
    return Object.fromEntries(
      Object.entries(properties).map(([field, schema]) => {
        const type = this.output(schema, within({ name: owner, about: "" }, field));
        const isMaybe = !required.includes(field) && type instanceof GraphQLNonNull;
        const own = { type: isMaybe ? type.ofType : type, description: descriptionOf(schema) };
        return [field, schema.items ? { ...own, resolve: counting(field) } : own];
      }),
    );
  }

  #output(schema: Schema, place: Place): GraphQLOutputType & GraphQLNullableType {
    if (schema.items) return new GraphQLList(this.output(schema.items, { ...place, name: singular(place.name) }));
    if (schema.properties) return this.object(schema, place);
    return this.#leaf(schema, place);
  }

  #input(schema: Schema, place: Place): GraphQLInputType & GraphQLNullableType {
    if (schema.items) return new GraphQLList(this.input(schema.items, { ...place, name: singular(place.name) }, false));
    if (schema.properties) return this.inputObject(schema, { ...place, name: `${this.#nameOf(schema, place)}Input` });
    return this.#leaf(schema, place);
  }

  #leaf(schema: Schema, place: Place) {
    if (schema.enum) return this.#choice(schema, schema.enum, place);
    if (schema.type === "boolean") return GraphQLBoolean;
    if (schema.type === "integer") return wholeNumber(schema);
    if (schema.type === "number") return GraphQLFloat;
    if (schema.type !== "string") return scalars.JSON;
    const named = namedScalar(schema);
    return named ? scalars[named] : /^\^[a-z]+_/.test(schema.pattern ?? "") ? GraphQLID : GraphQLString;
  }

  #choice(schema: Schema, choices: readonly string[], place: Place): GraphQLEnumType {
    const name = this.#nameOf(schema, place);
    const values = Object.fromEntries(choices.map((value) => [constantOf(value), { value }]));
    const description = schema.description ?? place.about;
    return only(this.#choices, name, choices, () => new GraphQLEnumType({ name, description, values }));
  }

  #nameOf(schema: Schema, place: Place): string {
    return this.#names.get(keyOf(schema))?.name.replace(/^(\w)\w*\.(\w+)$/, "$1$2") ?? place.name;
  }
}

/** A name stands for one thing. */
function only<T>(known: Map<string, { key: string; type: T }>, name: string, of: object, make: () => T): T {
  const one = known.get(name) ?? { key: keyOf(of), type: make() };
  if (one.key !== keyOf(of)) throw new Error(`Two types of GraphQL would have the name ${name}.`);
  known.set(name, one);
  return one.type;
}

export const within = (outer: Place, field: string): Place => ({
  name: `${outer.name}${pascal(field)}`,
  about: `The \`${field}\` of \`${outer.name}\`.`,
});

/** What is inside of a record may be as long as its contract says, for each record of a list. */
const counting =
  (field: string): GraphQLFieldResolver<unknown, GraphContext> =>
  (record, _, { asking }) =>
    asking.counted((record as Record<string, unknown>)[field]);

const wholeNumber = ({ maximum, description }: Schema) => {
  if (description === (Amount as { description?: string }).description) return scalars.MinorUnits;
  return maximum !== undefined && maximum <= LARGEST_INT ? GraphQLInt : scalars.SafeInt;
};

function unwrapped(schema: Schema): { inner: Schema; isNullable: boolean } {
  const [inner, other] = schema.anyOf ?? [];
  return inner && other?.type === "null" ? { inner, isNullable: true } : { inner: schema, isNullable: false };
}

/** What a field says of itself, also where it may be null. What has a type of its own says it there. */
function descriptionOf(schema: Schema): string | undefined {
  const { inner } = unwrapped(schema);
  return inner.properties || inner.enum ? undefined : (schema.description ?? inner.description);
}

export const pascal = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
const singular = (name: string): string => name.replace(/ies$/, "y").replace(/(?<![su])s$/, "");

/** `not_paid` is NOT_PAID, `order.confirmed` ORDER_CONFIRMED, and `-createdAt`, an order of a list, CREATED_AT_DESC. */
export const constantOf = (value: string): string =>
  value
    .replace(/^-(.*)$/, "$1_desc")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .replace(/\W/g, "_")
    .toUpperCase();
