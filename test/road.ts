import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What can befall a request on its way to a shop and back. */
export type Mishap =
  | "lost on the way there"
  | "lost on the way back"
  | "cut short"
  | "stuck half way"
  | "turned into a page"
  | "answered by a proxy"
  | "told to come again"
  | "never answered";

export interface Passed {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export interface Road {
  url: string;
  /** All that was sent, whatever befell it. */
  passed: Passed[];
  /** What befalls the request with this number, beginning with 1. Nothing where nothing is said. */
  mishap: (n: number, passed: Passed) => Mishap | undefined;
  close(): Promise<void>;
}

type Fate = (response: ServerResponse, forward: () => Promise<Response>) => unknown;

const safely: Fate = async (response, forward) => {
  const answer = await forward();
  const { "transfer-encoding": _encoding, ...headers } = Object.fromEntries(answer.headers);
  response.writeHead(answer.status, headers).end(await answer.text());
};

/** Acts first, where the shop is to have acted. */
const fates: Readonly<Record<Mishap, Fate>> = {
  "lost on the way there": (response) => response.destroy(),
  "lost on the way back": async (response, forward) => {
    await forward();
    response.destroy();
  },
  "cut short": async (response, forward) => {
    const answer = await forward();
    const text = await answer.text();
    response.writeHead(answer.status, { "content-type": "application/json", "content-length": text.length });
    response.write(text.slice(0, text.length / 2), () => response.destroy());
  },
  "stuck half way": async (response, forward) => {
    const answer = await forward();
    const text = await answer.text();
    response.writeHead(answer.status, { "content-type": "application/json", "content-length": text.length });
    response.write(text.slice(0, text.length / 2));
  },
  "turned into a page": async (response, forward) => {
    await forward();
    response.writeHead(200, { "content-type": "text/html" }).end("<h1>Welcome to our network</h1>");
  },
  "answered by a proxy": async (response, forward) => {
    await forward();
    response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad gateway</h1>");
  },
  "told to come again": (response) => {
    const problem = { type: "/problems/too_many_requests", title: "", status: 429, detail: "", requestId: "" };
    response
      .writeHead(429, { "content-type": "application/problem+json" })
      .end(JSON.stringify({ ...problem, code: "too_many_requests" }));
  },
  "never answered": () => {},
};

/** A way to a shop on which things get lost. */
export async function openRoad(shopUrl: string): Promise<Road> {
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const { method = "", url: path = "", headers } = request;
    const one = { method, path, headers, body: Buffer.concat(parts).toString() };
    const n = road.passed.push(one);
    const forward = () => {
      const { host: _host, connection: _connection, "content-length": _length, ...kept } = headers;
      const body = method === "GET" ? {} : { body: one.body };
      return fetch(shopUrl + path, { method, headers: kept as Record<string, string>, ...body });
    };
    const mishap = road.mishap(n, one);
    await (mishap ? fates[mishap] : safely)(response, forward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const road: Road = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed: [],
    mishap: () => undefined,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return road;
}
