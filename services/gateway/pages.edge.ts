import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type * as GraphiQL from "@graphql-yoga/render-graphiql/graphiql";
import { refusals } from "../shared/refusal.ts";
import { etag } from "./answer.edge.ts";
import type { Answer } from "./problem.ts";

const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));

const script = "text/javascript; charset=utf-8";
const css = "text/css; charset=utf-8";

const places = {
  name: "Lonja",
  docs: "/docs",
  openapi: "/openapi.json",
  graphql: "/graphql",
  explorer: "/docs/graphql",
  health: "/health/ready",
  metrics: "/metrics",
};

/** A page that is made by its scripts. */
const made = (title: string, style: string, root: string, scripts: readonly string[]): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="/docs/favicon.png">
<link rel="stylesheet" href="${style}">
</head>
<body>
<div id="${root}"></div>
${scripts.map((path) => `<script src="${path}"></script>`).join("\n")}
</body>
</html>
`;

const docs = made("Lonja API", "/docs/swagger-ui.css", "reference", ["/docs/swagger-ui.js", "/docs/init.js"]);

const init = `SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  persistAuthorization: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
`;

const explorer = made("Lonja GraphQL", "/docs/graphql/graphiql.css", "root", [
  "/docs/graphql/workers.js",
  "/docs/graphql/graphiql.js",
  "/docs/graphql/init.js",
]);

/** Parts of the explorer that run beside it, by the names that its editor has for them. */
const workers = { editorWorkerService: "editorWorkerService", json: "jsonWorker", graphql: "graphqlWorker" } as const;

const findWorkers = `const workers = ${JSON.stringify(workers)};
self.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl: (_, label) => "/docs/graphql/" + workers[label] + ".js",
};
`;

const firstQuery = `# Press the play button, or Ctrl-Enter.
# The book on the left says what may be asked.
# To see what is yours, sign in (mutation login),
# and put the token into the headers below:
# { "authorization": "Bearer <accessToken>" }
query Shelf {
  products(first: 5, sort: TITLE) {
    nodes {
      title
      variants { sku available price { amount currency } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`;

const openExplorer = `YogaGraphiQL.renderYogaGraphiQL(document.querySelector("#root"), ${JSON.stringify({
  endpoint: "/graphql",
  title: "Lonja GraphQL",
  defaultQuery: firstQuery,
  defaultEditorToolsVisibility: "headers",
  shouldPersistHeaders: false,
})});
`;

export interface Page {
  path: string;
  type: string;
  cacheSeconds?: number;
  content(): string | Promise<Buffer | string>;
}

const graphiql = (path: string, type: string, part: Exclude<keyof typeof GraphiQL, "favicon">): Page => ({
  path,
  type,
  cacheSeconds: 86_400,
  content: async () => (await import("@graphql-yoga/render-graphiql/graphiql"))[part],
});

const asset = (path: string, type: string, file: string): Page => ({
  path,
  type,
  cacheSeconds: 86_400,
  content: () => readFile(join(swagger, file)),
});

/** Where the `type` of a problem document leads. */
const problems = Object.entries(refusals).map(
  ([code, [status, title]]): Page => ({
    path: `/problems/${code}`,
    type: "application/json",
    content: () => JSON.stringify({ code, status, title }),
  }),
);

/** Where GraphQL can be tried out. */
export const explorerPage: Page = { path: "/docs/graphql", type: "text/html; charset=utf-8", content: () => explorer };

/** What the gateway itself shows, beside the services' actions. There is nothing else behind these paths. */
export const pages: readonly Page[] = [
  { path: "/", type: "application/json", content: () => JSON.stringify(places, null, 2) },
  { path: "/docs", type: "text/html; charset=utf-8", content: () => docs },
  { path: "/docs/init.js", type: script, content: () => init },
  asset("/docs/swagger-ui.js", script, "swagger-ui-bundle.js"),
  asset("/docs/swagger-ui.css", css, "swagger-ui.css"),
  asset("/docs/favicon.png", "image/png", "favicon-32x32.png"),
  explorerPage,
  graphiql("/docs/graphql/graphiql.css", css, "css"),
  graphiql("/docs/graphql/graphiql.js", script, "js"),
  ...Object.values(workers).map((part) => graphiql(`/docs/graphql/${part}.js`, script, part)),
  { path: "/docs/graphql/workers.js", type: script, content: () => findWorkers },
  { path: "/docs/graphql/init.js", type: script, content: () => openExplorer },
  ...problems,
];

export async function pageAnswer({ type, cacheSeconds, content }: Page): Promise<Answer> {
  const body = await content();
  const cache = cacheSeconds ? { "cache-control": `public, max-age=${cacheSeconds}` } : {};
  return { status: 200, headers: { "content-type": type, etag: etag(body), ...cache }, body };
}
