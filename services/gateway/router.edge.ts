import type { IncomingMessage, ServerResponse } from "node:http";
import ApiGateway from "moleculer-web";
import type { Page } from "./pages.edge.ts";
import type { Reception } from "./reception.edge.ts";
import { byPrecision, type Route } from "./routes.ts";
import type { Routed } from "./visit.edge.ts";

/** What a service with this router has, and has to have. */
export interface WebRouter {
  reception: Reception;
  /** Takes a request that has arrived to its route. */
  httpHandler(request: IncomingMessage, response: ServerResponse): void;
  /** What is behind a path, or false. */
  resolveAlias(url: string, method: string): object | false;
}

type Handler = (this: WebRouter, request: Routed, response: ServerResponse, fail: (error: unknown) => void) => void;

/**
 * moleculer-web as the router alone, in its middleware mode. What it would do by itself is closed: it
 * publishes no action, takes no route from elsewhere, reads no body, merges no params and answers nothing.
 */
export function webRouter(routes: readonly Route[], pages: readonly Page[]): object {
  const resolve = ApiGateway.methods?.resolveAlias as (this: unknown, url: string, method: string) => object | false;
  return {
    ...ApiGateway,
    events: {},
    actions: { rest: ApiGateway.actions?.rest },

    settings: {
      $secureSettings: ["routes"],
      server: false,
      optimizeOrder: false,
      routes: [
        {
          path: "/",
          aliases: aliasesOf(routes, pages),
          mappingPolicy: "restrict",
          mergeParams: false,
          bodyParsers: false,
          logging: false,
          pathToRegexpOptions: { sensitive: true, trailing: false },
        },
      ],
    },

    methods: {
      ...ApiGateway.methods,

      parseQueryString({ url = "/" }: IncomingMessage) {
        return { url: url.split("?", 1)[0], query: {} };
      },

      resolveAlias(this: WebRouter, url: string, method: string) {
        return resolve.call(this, url, method === "HEAD" ? "GET" : method);
      },

      send404(this: WebRouter, request: IncomingMessage) {
        this.reception.goAstray(request);
      },

      errorHandler(this: WebRouter, request: IncomingMessage, _response: ServerResponse, error: unknown) {
        this.reception.fail(request, error);
      },
    },
  };
}

/** The only things that can be reached over HTTP, each through the same door. */
function aliasesOf(routes: readonly Route[], pages: readonly Page[]): Record<string, Handler> {
  const shown = pages.map((page): [string, Handler] => [
    `GET ${page.path}`,
    function (request, _response, fail) {
      this.reception.show(request, page).catch(fail);
    },
  ]);
  const asked = routes.toSorted(byPrecision).map((route): [string, Handler] => [
    `${route.method} ${route.path}`,
    function (request, _response, fail) {
      this.reception.serve(request, route).catch(fail);
    },
  ]);
  const graph = ["GET", "POST"].map((method): [string, Handler] => [
    `${method} /graphql`,
    function (request, _response, fail) {
      this.reception.serveGraph(request).catch(fail);
    },
  ]);
  return Object.fromEntries([...shown, ...graph, ...asked]);
}
