import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { refusals } from "../shared/refusal.ts";
import { etag } from "./answer.edge.ts";
import type { Answer } from "./problem.ts";

const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));

const places = {
  name: "Lonja",
  docs: "/docs",
  openapi: "/openapi.json",
  health: "/health/ready",
  metrics: "/metrics",
};

const docs = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lonja API</title>
<link rel="icon" href="/docs/favicon.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="/docs/swagger-ui.js"></script>
<script src="/docs/init.js"></script>
</body>
</html>
`;

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

export interface Page {
  path: string;
  type: string;
  cacheSeconds?: number;
  content(): string | Promise<Buffer>;
}

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

/** What the gateway itself shows, beside the services' actions. There is nothing else behind these paths. */
export const pages: readonly Page[] = [
  { path: "/", type: "application/json", content: () => JSON.stringify(places, null, 2) },
  { path: "/docs", type: "text/html; charset=utf-8", content: () => docs },
  { path: "/docs/init.js", type: "text/javascript; charset=utf-8", content: () => init },
  asset("/docs/swagger-ui.js", "text/javascript; charset=utf-8", "swagger-ui-bundle.js"),
  asset("/docs/swagger-ui.css", "text/css; charset=utf-8", "swagger-ui.css"),
  asset("/docs/favicon.png", "image/png", "favicon-32x32.png"),
  ...problems,
];

export async function pageAnswer({ type, cacheSeconds, content }: Page): Promise<Answer> {
  const body = await content();
  const cache = cacheSeconds ? { "cache-control": `public, max-age=${cacheSeconds}` } : {};
  return { status: 200, headers: { "content-type": type, etag: etag(body), ...cache }, body };
}
