import {
  GraphQLEnumType,
  GraphQLError,
  type GraphQLFieldConfigMap,
  GraphQLInt,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from "graphql";
import type { ActionContract } from "../../shared/contract.ts";
import { type InputError, isRefusal, type Refusal, type RefusalCode, refusals } from "../../shared/refusal.ts";
import { constantOf } from "./types.ts";

/** A no that is one of the answers of a mutation. */
export class No {
  readonly code: RefusalCode;
  readonly message: string;
  readonly errors: readonly InputError[];

  constructor({ type, message, data }: Refusal) {
    this.code = type;
    this.message = message;
    this.errors = data?.errors ?? [];
  }
}

const codes = Object.keys(refusals) as RefusalCode[];
const required = (type: GraphQLObjectType | GraphQLEnumType | typeof GraphQLString) => new GraphQLNonNull(type);
const listOf = (type: GraphQLObjectType) => new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)));

const RefusalCodeType = new GraphQLEnumType({
  name: "RefusalCode",
  description: "Every way in which the shop says no. Stable: branch on it, or on the type.",
  values: Object.fromEntries(codes.map((code) => [constantOf(code), { value: code, description: refusals[code][1] }])),
});

const InputErrorType = new GraphQLObjectType({
  name: "InputError",
  description: "One thing that is wrong with what was given.",
  fields: {
    path: { type: required(GraphQLString), description: "Where, such as `lines/0/sku`." },
    message: { type: required(GraphQLString), description: "For people." },
  },
});

const ShortageType = new GraphQLObjectType({
  name: "Shortage",
  description: "A SKU of which there is less than was asked for.",
  fields: {
    sku: { type: required(GraphQLString) },
    requested: { type: new GraphQLNonNull(GraphQLInt) },
    available: { type: new GraphQLNonNull(GraphQLInt) },
  },
});

const common: GraphQLFieldConfigMap<No, unknown> = {
  code: { type: required(RefusalCodeType) },
  message: { type: required(GraphQLString), description: "For people." },
  errors: { type: listOf(InputErrorType), description: "What is wrong, place by place." },
};

export const RefusalType = new GraphQLInterfaceType({
  name: "Refusal",
  description: "The shop says no.",
  fields: common,
  resolveType: ({ code }: No) => nameOf(code),
});

/** What some refusals say beyond that. */
const more: { readonly [Code in RefusalCode]?: GraphQLFieldConfigMap<No, unknown> } = {
  insufficient_stock: {
    shortages: {
      type: listOf(ShortageType),
      resolve: ({ errors }) => errors.filter(({ requested }) => typeof requested === "number"),
    },
  },
};

const nameOf = (code: RefusalCode): string => code.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());

export const refusalTypes = Object.fromEntries(
  codes.map((code) => [
    code,
    new GraphQLObjectType<No>({
      name: nameOf(code),
      description: `${refusals[code][1]}.`,
      interfaces: [RefusalType],
      fields: { ...common, ...more[code] },
    }),
  ]),
) as Record<RefusalCode, GraphQLObjectType<No>>;

/** The refusals that are part of a mutation's answer: what its contract says, and that its input will not do. */
export function expectedOf({ refuses = [], params }: ActionContract): RefusalCode[] {
  const hasInput = Object.keys((params as { properties?: object }).properties ?? {}).length > 0;
  const merits = refuses.filter((code) => refusals[code][0] < 500 && code !== "too_many_requests");
  return [...new Set([...merits, ...(hasInput ? ["invalid_input" as const] : [])])];
}

/** Everything else is an error, as GraphQL has it. */
export function errorOf(error: unknown): unknown {
  if (!isRefusal(error)) return error;
  const { type: code, code: status, message, data: { errors, retryAfterSeconds } = {} } = error;
  return new GraphQLError(message, {
    extensions: { code, status, ...(errors ? { errors } : {}), ...(retryAfterSeconds ? { retryAfterSeconds } : {}) },
  });
}

export const isNo = (value: unknown): value is No => value instanceof No;
