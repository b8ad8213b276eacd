import type { Route } from "../routes.ts";
import type { Link } from "./links.ts";

/** What a field asks for: the params of its action, and what REST would have in headers. */
export interface Asked {
  params: Record<string, unknown>;
  key?: string | undefined;
  guestToken?: string | undefined;
}

/** What the fields of one request have in common. */
export interface GraphContext {
  asking: Asking;
}

export interface Asking {
  /**
   * Asks the action of a route, by the same steps as a request to it.
   *
   * @param root How the answer calls the field. What hangs on it is read with the same guest's token.
   * @throws Refusal
   */
  ask(route: Route, asked: Asked, root: string): Promise<unknown>;
  /**
   * The same list, and its items are counted.
   *
   * @throws GraphQLError where a request has come to too many.
   */
  counted<T>(items: T): T;
  /** The record that a link leads to, or null; those that are asked for at once are fetched by one call. */
  fetch(link: Link, key: string, root: string): Promise<unknown>;
  /**
   * The edges of a list as it grows, or a value as often as it is another one, until nobody listens any more.
   *
   * @throws Refusal
   */
  follow(route: Route, asked: Asked, root: string): Promise<AsyncGenerator<unknown>>;
}
