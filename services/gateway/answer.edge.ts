import { hash } from "node:crypto";
import type { Duplex } from "node:stream";
import { Refusal, type RefusalCode, refusals } from "../shared/refusal.ts";
import { isWitnessed } from "../shared/witness.ts";
import { type Answer, problem } from "./problem.ts";
import type { Route } from "./routes.ts";
import type { Visit } from "./visit.edge.ts";

type Headers = Record<string, string>;

/** What is the same result again is not written out again. */
const written = new WeakMap<object, { route: Route; answer: Answer }>();

/** An action's result as the contract says it is to be answered. */
export function answerOf(route: Route, result: unknown): Answer {
  if (!isWitnessed(result)) return writtenOut(route, result);
  const known = written.get(result);
  if (known?.route === route) return known.answer;
  const answer = { ...writtenOut(route, result), of: result };
  written.set(result, { route, answer });
  return answer;
}

function writtenOut({ rest, method }: Route, result: unknown): Answer {
  const status = rest.pendingIs202 && isPending(result) ? 202 : (rest.status ?? 200);
  if (status === 204) return { status, headers: {}, body: "" };
  const isText = rest.gives !== undefined && rest.gives !== "application/json";
  const body = isText ? String(result) : JSON.stringify(result);
  const headers: Headers = {
    "content-type": isText ? `${rest.gives}; charset=utf-8` : "application/json",
    ...(method === "GET" ? { etag: etag(body, result) } : {}),
    ...(rest.cacheSeconds ? { "cache-control": `public, max-age=${rest.cacheSeconds}` } : {}),
  };
  return { status, headers, body };
}

const isPending = (result: unknown) => (result as { status?: unknown } | null)?.status === "pending";

/**
 * Changes with every byte of the answer: a product shows its stock, which moves without the product's
 * version. The version leads, so that If-Match understands what a read has answered.
 */
export function etag(body: string | Buffer, result?: unknown): string {
  const version = (result as { version?: unknown } | null | undefined)?.version;
  const digest = hash("sha1", body, "base64url");
  return typeof version === "number" ? `"v${version}-${digest}"` : `"${digest}"`;
}

/** The client has it already. */
export function unchanged(answer: Answer, ifNoneMatch: string | undefined): boolean {
  const tag = answer.headers.etag;
  if (!ifNoneMatch || !tag || answer.status !== 200) return false;
  return ifNoneMatch.trim() === "*" || ifNoneMatch.split(",").some((one) => one.trim().replace(/^W\//, "") === tag);
}

/** On every answer, whatever it is. HSTS is heeded by browsers only where the shop is reached by TLS. */
const safety: Headers = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  "cross-origin-opener-policy": "same-origin",
};

const nothing = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";

/**
 * An API's answers load nothing. A page of ours may use what is ours, and run the one script that it ends
 * with: whatever else found its way into the page does not run.
 */
export function contentPolicy({ headers, body }: Answer): string {
  if (!headers["content-type"]?.startsWith("text/html")) return nothing;
  const [, script] = /<script>((?:(?!<script)[\s\S])*)<\/script>\s*<\/body>\s*<\/html>\s*$/.exec(String(body)) ?? [];
  const own = script === undefined ? "" : ` 'sha256-${hash("sha256", script, "base64")}'`;
  return [
    nothing,
    `script-src 'self'${own}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
  ].join("; ");
}

const heard =
  "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-Guest-Token, X-Request-Id, traceparent";
const shown = "ETag, Idempotent-Replayed, Retry-After, X-Request-Id";

/** Lets the browser show an answer to the pages of exactly these origins. Nothing is said to others. */
export function corsHeaders(origin: string | undefined, allowed: readonly string[]): Headers {
  const vary: Headers = allowed.length ? { vary: "Origin" } : {};
  if (!origin || !allowed.includes(origin)) return vary;
  return { ...vary, "access-control-allow-origin": origin, "access-control-expose-headers": shown };
}

/** The answer to OPTIONS: what the path understands, and for a browser what its page may send. */
export function optionsAnswer(methods: readonly string[], isAllowedOrigin: boolean): Answer {
  const allow = methods.join(", ");
  const cors: Headers = {
    "access-control-allow-methods": allow,
    "access-control-allow-headers": heard,
    "access-control-max-age": "600",
  };
  return { status: 204, headers: { allow, ...(isAllowedOrigin ? cors : {}) }, body: "" };
}

/** Sends an answer with all that every answer has. `isLast`: no further request on this connection. */
export function send(visit: Visit, answer: Answer, corsOrigins: readonly string[], isLast: boolean): void {
  const { request, response } = visit;
  if (response.headersSent || response.destroyed) return;
  const isRead = request.method === "GET" || request.method === "HEAD";
  const { status, headers, body } =
    isRead && unchanged(answer, request.headers["if-none-match"]) ? notModified(answer) : answer;
  response.writeHead(status, {
    ...everywhere(visit, answer, corsOrigins),
    ...(isLast || status === 408 ? { connection: "close" } : {}),
    ...headers,
    ...(status === 204 || status === 304 ? {} : { "content-length": Buffer.byteLength(body) }),
  });
  response.end(request.method === "HEAD" ? "" : body);
}

/** The head of an answer that goes on for as long as its connection. */
export function sendHead(visit: Visit, answer: Answer, corsOrigins: readonly string[]): void {
  visit.response.writeHead(answer.status, {
    ...everywhere(visit, answer, corsOrigins),
    connection: "close",
    ...answer.headers,
  });
}

const everywhere = ({ request, requestId, traceparent }: Visit, answer: Answer, corsOrigins: readonly string[]) => ({
  ...safety,
  ...corsHeaders(request.headers.origin, corsOrigins),
  "cache-control": "no-store",
  "content-security-policy": contentPolicy(answer),
  "x-request-id": requestId,
  ...(traceparent ? { traceparent } : {}),
});

function notModified({ headers }: Answer): Answer {
  const { "content-type": _type, ...rest } = headers;
  return { status: 304, headers: rest, body: "" };
}

/** What was wrong with bytes that are no request, by the parser's code for it. */
const brokenBy: Record<string, RefusalCode> = {
  HPE_HEADER_OVERFLOW: "headers_too_large",
  ERR_HTTP_REQUEST_TIMEOUT: "request_timeout",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "body_too_large",
};

/** The last word to a connection that did not send a request. Nothing is said into another answer. */
export function closeBroken(error: NodeJS.ErrnoException, socket: Duplex, requestId: string): void {
  const { _httpMessage: pending } = socket as { _httpMessage?: { headersSent: boolean } };
  if (!socket.writable || pending?.headersSent || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const code = brokenBy[error.code ?? ""] ?? "malformed_request";
  const { status, headers, body } = problem(new Refusal(code), requestId);
  const policy = { "cache-control": "no-store", "content-security-policy": nothing };
  const length = { "x-request-id": requestId, "content-length": Buffer.byteLength(body) };
  const all = { ...safety, ...policy, ...headers, ...length };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${refusals[code][1]}\r\nconnection: close\r\n${lines.join("")}\r\n${body}`, () =>
    socket.destroy(),
  );
}
