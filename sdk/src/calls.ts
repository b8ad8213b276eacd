import type { Client, Options, Request, StreamOptions } from "./client.ts";
import type { Refusing } from "./errors.ts";
import type { RefusalCode, Session } from "./generated.ts";

/** What a client can be asked for, and what it may be refused with. */
export interface Call<Args extends unknown[], Result, Code extends RefusalCode> extends Refusing<Code> {
  (...args: Args): Result;
}

export interface Page<Item> {
  data: Item[];
  /** Where the next page begins; null on the last one. */
  nextCursor: string | null;
  /** For each item, where the list goes on behind it. Only where `cursors` was asked for. */
  cursors?: string[];
}

/** A page to await, or all items, page by page, to go through with `for await`. */
export type List<Item> = Promise<Page<Item>> & AsyncIterable<Item>;

/** Calls by their names: how each is asked, its path, and a `?` behind the path of one that takes more than the path. */
export type Routes = Readonly<Record<string, string>>;

type Way = (client: Client, request: Request, options: Options) => unknown;

const say =
  (method: string): Way =>
  (client, request, options) =>
    client.ask({ ...request, method }, options);

const ways: Readonly<Record<string, Way>> = {
  GET: say("GET"),
  POST: say("POST"),
  PATCH: say("PATCH"),
  DELETE: say("DELETE"),

  LIST(client, request, options) {
    const ask = (params: object) =>
      client.ask<Page<unknown>>({ ...request, params: { ...(request.params as object), ...params } }, options);
    const first = ask({});
    const all = async function* () {
      for (let page = await first; ; page = await ask({ cursor: page.nextCursor })) {
        yield* page.data;
        if (!page.nextCursor) return;
      }
    };
    return Object.assign(first, { [Symbol.asyncIterator]: all });
  },

  STREAM: (client, request, options: StreamOptions) => client.stream(request, options),

  async SIGNIN(client, request, options) {
    const session = await client.ask<Session>({ ...request, method: "POST", isOpen: true }, options);
    await client.session.begin(session);
    return session;
  },

  /** Signed out here at once, also where the shop cannot be told. */
  async SIGNOUT(client, request, options) {
    const refreshToken = await client.session.end();
    const params = { refreshToken };
    if (refreshToken) await client.ask({ ...request, method: "POST", params, isOpen: true }, options);
  },
};

/** The calls of these routes, also of those that a service of your own has added to a shop. */
export const callsOf = <Calls>(client: Client, routes: Routes): Calls =>
  Object.fromEntries(Object.entries(routes).map(([name, route]) => [name, callOf(client, route)])) as Calls;

/** The calls of all groups, such as `products` and `orders`. */
export const groupsOf = <Groups>(client: Client, routes: Readonly<Record<string, Routes>>): Groups =>
  Object.fromEntries(Object.entries(routes).map(([name, group]) => [name, callsOf(client, group)])) as Groups;

function callOf(client: Client, route: string) {
  const [kind = "", pattern = ""] = route.split(" ");
  const path = pattern.replace("?", "");
  return (...args: unknown[]) => {
    const rest = [...args];
    const filled = path.replace(/:(\w+)/g, (_all, name: string) => segment(name, rest.shift()));
    const params = pattern === path ? undefined : rest.shift();
    const options = (rest.shift() ?? {}) as Options;
    return ways[kind]?.(client, { method: "GET", path: filled, ...parted(params) }, options);
  };
}

/** These would name another path than the one that was meant. */
function segment(name: string, value: unknown): string {
  if (typeof value !== "string" || ["", ".", ".."].includes(value)) throw new TypeError(`${name} is missing.`);
  return encodeURIComponent(value);
}

/** The version goes with a header, all else with the query or the body. */
function parted(params: unknown): Pick<Request, "params" | "ifVersion"> {
  if (typeof params !== "object" || params === null) return { params: params as string | undefined };
  const { ifVersion, ...rest } = params as Record<string, unknown>;
  return { params: rest, ifVersion };
}
