import DataLoader from "dataloader";
import { GraphQLError } from "graphql";
import { Refusal } from "../../shared/refusal.ts";
import { attendField, callerOf, guestTokenIn, type House, metaOf } from "../door.ts";
import type { Stretch } from "../follow.edge.ts";
import { parseJson } from "../params.ts";
import { type Answer, refusalOf } from "../problem.ts";
import { isList, type Route } from "../routes.ts";
import type { Stream } from "../stream.edge.ts";
import type { Guest, Routed, Visit } from "../visit.edge.ts";
import type { Asked, Asking } from "./context.ts";
import { most, perLink } from "./limits.ts";
import type { Link } from "./links.ts";

/** Of what the actions behind links take at once. */
const MOST_OF_A_BATCH = 2_000;

/** One request, as its fields see it. */
export class GraphRequest implements Asking {
  readonly #visit: Visit;
  readonly #call: Routed["$ctx"]["call"];
  readonly #house: House;
  readonly #tokens = new Map<string, string | undefined>();
  readonly #loaders = new Map<string, DataLoader<string, unknown>>();
  #items = 0;
  /** What it goes on with, where it is a subscription. */
  followed: Stream | undefined;

  constructor(visit: Visit, request: Routed, house: House) {
    this.#visit = visit;
    this.#call = (action, params, options) => request.$ctx.call(action, params, options);
    this.#house = house;
  }

  async ask(route: Route, asked: Asked, root: string): Promise<unknown> {
    const guest = this.#guest(route, asked);
    this.#tokens.set(root, guest.guestToken);
    const result = resultOf(await attendField(guest, this.#house));
    // Whoever has made an order sees what belongs to it by the token that this has brought.
    const made = guestTokenIn((result as { guestToken?: unknown } | null)?.guestToken);
    if (made) this.#tokens.set(root, made);
    return result;
  }

  counted<T>(items: T): T {
    this.#count(Array.isArray(items) ? items.length : 0);
    return items;
  }

  async fetch(link: Link, key: string, root: string): Promise<unknown> {
    const guestToken = this.#tokens.get(root);
    const name = `${link.action} ${guestToken}`;
    const loader = this.#loaders.get(name) ?? this.#loader(link, guestToken);
    this.#loaders.set(name, loader);
    this.#count(perLink);
    return loader.load(key);
  }

  async follow(route: Route, asked: Asked, root: string): Promise<AsyncGenerator<unknown>> {
    const guest = this.#guest({ ...route, isStream: true }, asked);
    this.#tokens.set(root, guest.guestToken);
    const answer = await attendField(guest, this.#house);
    this.followed = answer.follows;
    if (!answer.follows) return resultOf(answer) as never;
    const pieces = this.#each(answer.follows);
    return isList(route) ? edgesOf(pieces as AsyncGenerator<Stretch<unknown>>) : pieces;
  }

  /** Piece by piece, each of which is counted anew. */
  async *#each({ first, rest }: Stream): AsyncGenerator<unknown, void, undefined> {
    if (first !== undefined) yield first;
    for await (const piece of rest) {
      this.#items = 0;
      yield piece;
    }
  }

  #count(items: number): void {
    this.#items += items;
    if (this.#items > most.items) throw tooMuch();
  }

  #guest(route: Route, { params: given, key, guestToken }: Asked): Guest {
    const params = parseJson(JSON.stringify(given)) as Record<string, unknown>;
    const token = guestTokenIn(guestToken ?? this.#visit.request.headers["x-guest-token"]);
    const isOfPath = ([name]: [string, unknown]) => route.pathNames.includes(name);
    const entries = Object.entries(params);
    return {
      ...this.#visit,
      route,
      key,
      params,
      query: [],
      // As REST would have it, so that a key is the same one at both doors.
      path: Object.fromEntries(entries.filter(isOfPath).map(([name, value]) => [name, String(value)])),
      body: Object.fromEntries(entries.filter((entry) => !isOfPath(entry))),
      call: (params, options) => this.#call(route.action, params, options),
      ...(token ? { guestToken: token } : {}),
    };
  }

  #loader({ action, param, isFoundBy }: Link, guestToken: string | undefined): DataLoader<string, unknown> {
    const batch = async (keys: readonly string[]) => {
      const caller = await callerOf(this.#visit, this.#house);
      const meta = metaOf({ ...this.#visit, ...(caller ? { caller } : {}), ...(guestToken ? { guestToken } : {}) });
      const found = (await this.#call(action, { [param]: [...new Set(keys)] }, { meta }).catch((error) => {
        this.#house.note(this.#visit, error);
        throw refusalOf(error);
      })) as unknown[];
      const byKey = new Map(found.flatMap((one) => isFoundBy(one as never).map((key) => [key, one] as const)));
      return keys.map((key) => byKey.get(key) ?? null);
    };
    // A subscription asks the same again, and wants it as it is by then.
    return new DataLoader(batch, { cache: false, maxBatchSize: MOST_OF_A_BATCH });
  }
}

async function* edgesOf(
  pieces: AsyncGenerator<Stretch<unknown>>,
): AsyncGenerator<{ node: unknown; cursor: string | undefined }> {
  for await (const { data, cursors } of pieces)
    for (const [place, node] of data.entries()) yield { node, cursor: cursors[place] };
}

const tooMuch = (): GraphQLError =>
  new GraphQLError(`There is more of it than ${most.items} items: ask for less at once.`, {
    extensions: { code: "too_costly", status: 400 },
  });

/** What the action has answered, or its refusal, thrown again. */
function resultOf({ status, headers, body, of }: Answer): unknown {
  if (status < 400) return of ?? (body ? JSON.parse(String(body)) : null);
  const { code, detail, errors } = JSON.parse(String(body));
  const wait = headers["retry-after"];
  throw new Refusal(code, detail, {
    ...(errors ? { errors } : {}),
    ...(wait ? { retryAfterSeconds: Number(wait) } : {}),
  });
}
