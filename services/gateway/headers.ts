import { hash } from "node:crypto";
import type { Answer } from "./answer.ts";

type Headers = Record<string, string>;

/** On every answer, whatever it is. HSTS is heeded by browsers only where the shop is reached by TLS. */
export const safety: Headers = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  "cross-origin-opener-policy": "same-origin",
};

const nothing = "default-src 'none'; frame-ancestors 'none'";

/** An API's answers load nothing. A page of ours may use what is ours, and runs the scripts that it came with. */
export function contentPolicy({ headers, body }: Answer): string {
  if (!headers["content-type"]?.startsWith("text/html")) return nothing;
  const inline = [...String(body).matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script = ""]) => script);
  const hashes = inline.map((script) => ` 'sha256-${hash("sha256", script, "base64")}'`);
  return [
    nothing,
    `script-src 'self'${hashes.join("")}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
  ].join("; ");
}

const heard =
  "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Guest-Token, X-Request-Id, traceparent";
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

/** A request id is taken over when it can be nothing else; every other one is replaced. */
export const isRequestId = (text: unknown): text is string => typeof text === "string" && /^[\w-]{8,64}$/.test(text);

/** Version, trace id, span id and flags as W3C has them; all zeros are no ids. */
export const isTraceparent = (text: unknown): text is string =>
  typeof text === "string" && /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.test(text);
