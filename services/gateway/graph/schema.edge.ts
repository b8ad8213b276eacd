import {
  GraphQLBoolean,
  type GraphQLFieldConfig,
  type GraphQLFieldConfigArgumentMap,
  type GraphQLFieldConfigMap,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  GraphQLSchema,
  GraphQLString,
  GraphQLUnionType,
  lexicographicSortSchema,
} from "graphql";
import type { Contract } from "../../shared/contract.ts";
import { isRefusal } from "../../shared/refusal.ts";
import { LONGEST_PAGE, PAGE_SIZE, type TSchema } from "../../shared/schema.ts";
import { type Json, namedSchemas } from "../names.ts";
import { isForGuests, isList, type Route } from "../routes.ts";
import type { Asked, GraphContext } from "./context.ts";
import { type Link, links } from "./links.ts";
import { errorOf, expectedOf, isNo, No, RefusalType, refusalTypes } from "./refusals.ts";
import { type Place, pascal, Types, within } from "./types.ts";

// biome-ignore lint/suspicious/noExplicitAny: each field gets what the one before it has answered.
type Field = GraphQLFieldConfig<any, GraphContext, Args>;
type Fields = Record<string, Field>;
type Args = Record<string, unknown>;
type Kind = "query" | "mutation" | "live query";

/** A field that costs a call, with which `limits.ts` counts. */
export type Cost = { isList: boolean };
const aCall = { cost: { isList: false } satisfies Cost };
const aPage = { cost: { isList: true } satisfies Cost };

/** A list as contracts have it. */
interface ListPage {
  data: unknown[];
  nextCursor: string | null;
  cursors?: string[];
}

/**
 * The whole shop as one schema, made of the contracts of all actions that have a field in it. A list is a Relay
 * connection; a mutation answers with what it made, or with one of the refusals that its contract names; every other
 * refusal is an error with the same code as in REST.
 */
export function graphSchema(routes: readonly Route[], contracts: Readonly<Record<string, Contract>>): GraphQLSchema {
  const maker = new Maker(contracts);
  const fields = routes.flatMap((route) => maker.fieldsOf(route));
  const ofKind = (kind: "query" | "mutation" | "subscription"): Fields =>
    Object.fromEntries(fields.flatMap((field) => (field.kind === kind ? [[field.name, field.config]] : [])));
  return lexicographicSortSchema(
    new GraphQLSchema({
      query: new GraphQLObjectType({ name: "Query", description: "What can be asked.", fields: ofKind("query") }),
      mutation: new GraphQLObjectType({
        name: "Mutation",
        description: "What can be done.",
        fields: ofKind("mutation"),
      }),
      subscription: new GraphQLObjectType({
        name: "Subscription",
        description: "What goes on. It comes as server-sent events.",
        fields: ofKind("subscription"),
      }),
      types: [RefusalType],
    }),
  );
}

class Maker {
  readonly #types: Types;
  readonly #contracts: Readonly<Record<string, Contract>>;
  readonly #connections = new Map<string, { connection: GraphQLObjectType; edge: GraphQLObjectType }>();

  constructor(contracts: Readonly<Record<string, Contract>>) {
    this.#contracts = contracts;
    this.#types = new Types(namedSchemas(), (type) => this.#linksOf(type));
  }

  fieldsOf(route: Route): { kind: "query" | "mutation" | "subscription"; name: string; config: Field }[] {
    const { graph } = route.contract;
    if (typeof graph !== "string") return [];
    const [, kind, name = ""] = /^(.+) (\w+)$/.exec(graph) ?? [];
    if ((kind as Kind) === "mutation") return [{ kind: "mutation", name, config: this.#mutation(route, name) }];
    const config = isList(route) ? this.#list(route, name) : this.#query(route, name);
    const live = isList(route) ? this.#liveList(route, name) : this.#liveValue(route, name);
    return [
      { kind: "query", name, config },
      ...((kind as Kind) === "live query" ? [{ kind: "subscription" as const, name, config: live }] : []),
    ];
  }

  #query(route: Route, name: string): Field {
    const { result, refuses = [] } = route.contract;
    const type = this.#types.output(result as Json, placeOf(route, name));
    const isMaybe = refuses.includes("not_found") && type instanceof GraphQLNonNull;
    return {
      ...described(route),
      type: isMaybe ? type.ofType : type,
      args: this.#args(route, name),
      resolve: (_, args, { asking }, info) =>
        asking.ask(route, askedBy(route, args), rootOf(info)).catch((error) => {
          if (isMaybe && isRefusal(error, "not_found")) return null;
          throw errorOf(error);
        }),
      extensions: aCall,
    };
  }

  #list(route: Route, name: string): Field {
    return {
      ...described(route),
      type: new GraphQLNonNull(this.#connection(route, name).connection),
      args: this.#args(route, name),
      resolve: async (_, args, { asking }, info) => {
        const asked = askedBy(route, { ...args, cursors: true });
        const page = (await asking.ask(route, asked, rootOf(info)).catch(thrown)) as ListPage;
        return { ...page, data: asking.counted(page.data), after: args.after };
      },
      extensions: aPage,
    };
  }

  #mutation(route: Route, name: string): Field {
    const expected = expectedOf(route.contract);
    return {
      ...described(route),
      type: this.#outcome(route, name),
      args: this.#args(route, name),
      resolve: async (_, args, { asking }, info) => {
        try {
          const result = await asking.ask(route, askedBy(route, args), rootOf(info));
          return isNothing(route) ? { ok: true } : result;
        } catch (error) {
          if (isRefusal(error) && expected.includes(error.type)) return new No(error);
          throw errorOf(error);
        }
      },
      extensions: aCall,
    };
  }

  #liveValue(route: Route, name: string): Field {
    const { args, type, description } = this.#query(route, name);
    return {
      description: `${description}\n\nAt once, and as often as it is another one.`,
      type,
      args: args ?? {},
      subscribe: (_, args, { asking }, info) => asking.follow(route, askedBy(route, args), rootOf(info)).catch(thrown),
      resolve: (value) => value,
      extensions: aCall,
    };
  }

  #liveList(route: Route, name: string): Field {
    const { first, ...args } = this.#args(route, name);
    return {
      description: `${route.contract.summary}.\n\nWhat is there behind \`after\`, and what is added.`,
      type: new GraphQLNonNull(this.#connection(route, name).edge),
      args,
      subscribe: (_, args, { asking }, info) => asking.follow(route, askedBy(route, args), rootOf(info)).catch(thrown),
      resolve: (edge) => edge,
      extensions: aCall,
    };
  }

  /** For a query its params; for a mutation one `input`, and what REST has in headers. */
  #args(route: Route, name: string): GraphQLFieldConfigArgumentMap {
    const own = isMutation(route) ? this.#input(route, name) : this.#params(route, name);
    return {
      ...own,
      ...(isForGuests(route)
        ? { guestToken: { type: GraphQLString, description: "What made the order answered." } }
        : {}),
      ...(isMutation(route) && route.method === "POST" ? { idempotencyKey: keyArgument(route) } : {}),
    };
  }

  #input({ contract }: Route, name: string): GraphQLFieldConfigArgumentMap {
    const { properties = {} } = contract.params as { properties?: object };
    if (Object.keys(properties).length === 0) return {};
    const type = this.#types.inputObject(contract.params as Json, {
      name: `${pascal(name)}Input`,
      about: `What \`${name}\` takes.`,
    });
    return { input: { type: new GraphQLNonNull(type) } };
  }

  #params({ params, contract }: Route, name: string): GraphQLFieldConfigArgumentMap {
    const { required = [] } = contract.params as { required?: readonly string[] };
    const own = Object.entries(params).filter(([param]) => !pagingParams.includes(param));
    const args = own.map(([param, schema]) => [
      param,
      {
        type: this.#types.input(
          schema as Json,
          within({ name: pascal(name), about: "" }, param),
          !required.includes(param),
        ),
        description: schema.description as string | undefined,
      },
    ]);
    return { ...Object.fromEntries(args), ...("cursor" in params ? pagingArguments : {}) };
  }

  #outcome(route: Route, name: string): GraphQLOutputType {
    const { result } = route.contract;
    const made = isNothing(route)
      ? Done
      : this.#types.object(result as Json, { name: `${pascal(name)}Payload`, about: `What \`${name}\` has done.` });
    const refused = expectedOf(route.contract).map((code) => refusalTypes[code]);
    if (refused.length === 0) return new GraphQLNonNull(made);
    return new GraphQLNonNull(
      new GraphQLUnionType({
        name: `${pascal(name)}Result`,
        description: `What comes of \`${name}\`.`,
        types: [made, ...refused],
        resolveType: (value) => (isNo(value) ? refusalTypes[value.code].name : made.name),
      }),
    );
  }

  #connection(route: Route, name: string) {
    const { data } = (route.contract.result as unknown as { properties: { data: { items: TSchema } } }).properties;
    const node = this.#types.output(data.items as Json, placeOf(route, name));
    const item = String(node).replace("!", "");
    const known = this.#connections.get(item);
    if (known) return known;
    const edge = new GraphQLObjectType({
      name: `${item}Edge`,
      description: `One \`${item}\` of a list, and where it is in it.`,
      fields: { node: { type: node }, cursor: { type: new GraphQLNonNull(GraphQLString) } },
    });
    const connection = new GraphQLObjectType<ListPage & { after?: unknown }, GraphContext>({
      name: `${item}Connection`,
      description: `A page of a list of \`${item}\`.`,
      fields: {
        edges: {
          type: many(new GraphQLNonNull(edge)),
          resolve: ({ data, cursors = [] }) => data.map((node, place) => ({ node, cursor: cursors[place] })),
        },
        nodes: { type: many(node), resolve: ({ data }) => data },
        pageInfo: {
          type: new GraphQLNonNull(PageInfo),
          resolve: ({ nextCursor, cursors = [], after }) => ({
            hasNextPage: nextCursor !== null,
            hasPreviousPage: after !== undefined && after !== null,
            startCursor: cursors[0],
            endCursor: cursors.at(-1),
          }),
        },
      },
    });
    this.#connections.set(item, { connection, edge });
    return { connection, edge };
  }

  #linksOf(type: string): GraphQLFieldConfigMap<unknown, GraphContext> {
    const own = links.filter(({ on }) => on.includes(type));
    return Object.fromEntries(own.map((link) => [link.field, this.#link(link)]));
  }

  #link(link: Link): GraphQLFieldConfig<unknown, GraphContext> {
    const [service = ""] = link.action.split(".");
    const action = this.#contracts[service]?.actions[link.action];
    if (!action) throw new Error(`${link.field} leads to ${link.action}, which is not there.`);
    const { items } = action.result as unknown as { items: TSchema };
    return {
      description: link.description,
      type: this.#types.object(items as Json, { name: pascal(link.field), about: link.description }),
      resolve: (from, _, { asking }, info) => {
        const key = link.keyOf(from as never);
        return key ? asking.fetch(link, key, rootOf(info)).catch(thrown) : null;
      },
      extensions: aCall,
    };
  }
}

const thrown = (error: unknown): never => {
  throw errorOf(error);
};

const placeOf = ({ contract }: Route, name: string): Place => ({ name: pascal(name), about: `${contract.summary}.` });
const many = (type: GraphQLOutputType) => new GraphQLNonNull(new GraphQLList(type));
const described = ({ contract }: Route) => ({
  description: [contract.summary, contract.description].filter(Boolean).join(".\n\n"),
});

const PageInfo = new GraphQLObjectType({
  name: "PageInfo",
  description: "Where a page begins and ends in its list.",
  fields: {
    hasNextPage: { type: new GraphQLNonNull(GraphQLBoolean) },
    hasPreviousPage: { type: new GraphQLNonNull(GraphQLBoolean) },
    startCursor: { type: GraphQLString },
    endCursor: { type: GraphQLString },
  },
});

const Done = new GraphQLObjectType({
  name: "Done",
  description: "There is nothing to say of it but that it is done.",
  fields: { ok: { type: new GraphQLNonNull(GraphQLBoolean) } },
});

const pagingParams: readonly string[] = ["limit", "cursor", "cursors"];
const pagingArguments: GraphQLFieldConfigArgumentMap = {
  first: { type: GraphQLInt, defaultValue: PAGE_SIZE, description: `At most ${LONGEST_PAGE}.` },
  after: { type: GraphQLString, description: "The cursor of the edge behind which the list goes on." },
};

const keyArgument = ({ rest }: Route) => ({
  type: rest.keyRequired ? new GraphQLNonNull(GraphQLString) : GraphQLString,
  description: "A repeat with the same key and input gets the first answer again. The same key counts for REST.",
});

const isMutation = ({ contract }: Route): boolean => String(contract.graph).startsWith("mutation ");
const isNothing = ({ contract }: Route): boolean => (contract.result as { type?: string }).type === "null";

function askedBy(route: Route, { guestToken, idempotencyKey, input, first, after, ...args }: Args): Asked {
  const paging = { limit: first ?? undefined, cursor: after ?? undefined };
  return {
    params: given(isMutation(route) ? (input ?? {}) : { ...args, ...paging }) as Record<string, unknown>,
    ...(typeof guestToken === "string" ? { guestToken } : {}),
    ...(typeof idempotencyKey === "string" ? { key: idempotencyKey } : {}),
  };
}

/** GraphQL's clients say null for what they leave out. Contracts want it left out. */
function given(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(given);
  if (typeof value !== "object" || value === null) return value;
  const said = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(said.map(([key, field]) => [key, given(field)]));
}

/** The field at the root that this one hangs on, as the answer calls it. */
function rootOf({ path }: GraphQLResolveInfo): string {
  let root = path;
  while (root.prev) root = root.prev;
  return String(root.key);
}
