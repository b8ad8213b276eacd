import type { Duplex } from "node:stream";
import { Refusal, type RefusalCode, refusals } from "../shared/refusal.ts";
import { type Answer, unchanged } from "./answer.ts";
import { contentPolicy, corsHeaders, safety } from "./headers.ts";
import { problem } from "./problem.ts";
import type { Visit } from "./visit.ts";

/** Sends an answer with all that every answer has. `isLast`: no further request on this connection. */
export function send(visit: Visit, answer: Answer, corsOrigins: readonly string[], isLast: boolean): void {
  const { request, response, requestId, traceparent } = visit;
  if (response.headersSent || response.destroyed) return;
  const isRead = request.method === "GET" || request.method === "HEAD";
  const { status, headers, body } =
    isRead && unchanged(answer, request.headers["if-none-match"]) ? notModified(answer) : answer;
  const bytes = Buffer.byteLength(body);
  response.writeHead(status, {
    ...safety,
    ...corsHeaders(request.headers.origin, corsOrigins),
    "cache-control": "no-store",
    "content-security-policy": contentPolicy(answer),
    "x-request-id": requestId,
    ...(traceparent ? { traceparent } : {}),
    ...(isLast || status === 408 ? { connection: "close" } : {}),
    ...headers,
    ...(status === 204 || status === 304 ? {} : { "content-length": bytes }),
  });
  response.end(request.method === "HEAD" ? "" : body);
}

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
  const all = { ...safety, ...headers, "x-request-id": requestId, "content-length": Buffer.byteLength(body) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${refusals[code][1]}\r\nconnection: close\r\n${lines.join("")}\r\n${body}`, () =>
    socket.destroy(),
  );
}
