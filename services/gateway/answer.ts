import { hash } from "node:crypto";
import type { Route } from "./routes.ts";

/** What goes back to the client, apart from the headers that every answer has. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string | Buffer;
}

/** An action's result as the contract says it is to be answered. */
export function answerOf({ rest, method }: Route, result: unknown): Answer {
  const status = rest.pendingIs202 && isPending(result) ? 202 : (rest.status ?? 200);
  if (status === 204) return { status, headers: {}, body: "" };
  const isText = rest.gives !== undefined && rest.gives !== "application/json";
  const body = isText ? String(result) : JSON.stringify(result);
  const headers: Record<string, string> = {
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
