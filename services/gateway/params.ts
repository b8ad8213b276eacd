import { type InputError, Refusal } from "../shared/refusal.ts";
import { type Route, takesBody } from "./routes.ts";

/** What a request brings for the action, each part as it came. */
export interface Given {
  path: Readonly<Record<string, string>>;
  query: Query;
  body: unknown;
  ifMatch: string | undefined;
  /** Of the raw body. */
  signature: string | undefined;
}

export type Query = readonly (readonly [name: string, value: string])[];

/** The pairs of a query, decoded. */
export function parseQuery(text: string): Query {
  const pairs = text.split("&").filter((pair) => pair !== "");
  return pairs.map((pair) => {
    const split = pair.indexOf("=");
    const [name, value] = split < 0 ? [pair, ""] : [pair.slice(0, split), pair.slice(split + 1)];
    return [decoded(name), decoded(value)] as const;
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new Refusal("malformed_request", "The query is not encoded as it has to be.");
  }
}

const DEEPEST = 20;
/** Keys with which a careless copy would reach the prototype of every object. */
const forbidden = new Set(["__proto__", "constructor", "prototype"]);

/** What a body says, once it is certain that its keys, depth and text harm nobody further in. */
export function parseJson(text: string): unknown {
  const value = wellFormed(text);
  const errors: InputError[] = [];
  inspect(value, "", 0, errors);
  if (errors.length) throw new Refusal("invalid_input", undefined, { errors });
  return value;
}

function wellFormed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal("malformed_json");
  }
}

function inspect(value: unknown, path: string, depth: number, errors: InputError[]): void {
  if (depth > DEEPEST) throw new Refusal("malformed_json", `It is nested more than ${DEEPEST} deep.`);
  if (errors.length >= DEEPEST) return;
  if (typeof value === "string" && !value.isWellFormed()) errors.push({ path, message: "has half a character" });
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    const here = (path ? `${path}/${key}` : key).slice(0, 200).toWellFormed();
    if (forbidden.has(key) || !key.isWellFormed()) errors.push({ path: here, message: "is not allowed as a name" });
    else inspect(item, here, depth + 1, errors);
  }
}

/**
 * The params of the action: path and query, or path and body, and nothing twice. What they may be is
 * not judged here but by the contract; a query can only say text, so that whole numbers and yes or no
 * are read out of it where the contract wants them.
 */
export function paramsOf(route: Route, given: Given): Record<string, unknown> {
  const errors: InputError[] = [];
  const params = new Map<string, unknown>();
  const put = (name: string, value: unknown) => {
    const elsewhere = isElsewhere(route, name);
    if (elsewhere) errors.push({ path: name, message: elsewhere });
    else if (params.has(name)) errors.push({ path: name, message: "is given more than once" });
    else params.set(name, value);
  };
  const body = takesBody(route.method) ? Object.entries(fieldsOf(route, given)) : [];
  for (const [name, value] of given.query)
    if (takesBody(route.method)) errors.push({ path: name, message: "is not known in the query" });
    else put(name, converted(value, route.params[name]?.type));
  for (const [name, value] of body) put(name, value);
  if (errors.length) throw new Refusal("invalid_input", undefined, { errors: errors.slice(0, 20) });

  for (const [name, value] of Object.entries(given.path)) params.set(name, converted(value, route.params[name]?.type));
  const isHeeded = "ifVersion" in route.params && given.ifMatch !== undefined;
  const version = isHeeded ? versionIn(given.ifMatch?.trim() ?? "") : undefined;
  if (version) params.set("ifVersion", version);
  return Object.fromEntries(params);
}

function isElsewhere({ pathNames, params }: Route, name: string): string | undefined {
  if (pathNames.includes(name)) return "comes with the path";
  const isVersion = name === "ifVersion" || (name === "version" && !(name in params));
  return isVersion && "ifVersion" in params ? "comes with the If-Match header" : undefined;
}

function fieldsOf({ rest }: Route, { body, signature }: Given): Record<string, unknown> {
  if (rest.takes === "raw") return { body, signature: signature ?? "" };
  if (rest.takes === "text/csv") return { body };
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new Refusal("invalid_input", undefined, { errors: [{ path: "", message: "must be an object" }] });
}

function converted(text: string, type: string | undefined): unknown {
  if (type === "integer" && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (type === "boolean" && /^(true|false)$/.test(text)) return text === "true";
  return text;
}

const tag = '(W/)?"[!#-~]*"';
/** ETags as RFC 9110 has them, and a version without its quotes. */
export const ifMatchPattern = new RegExp(`^([*]|(W/)?v?[1-9][0-9]{0,14}(-[0-9A-Za-z_-]+)?|${tag}( *, *${tag})*)$`);

/** Of no record: who names something else than a version has read something else. */
const NO_VERSION = Number.MAX_SAFE_INTEGER;

/**
 * `"3"`, `"v3"` and the ETags of our own answers name version 3; `*` is fine with any. Whether it is the right one is
 * asked when all else is in order, as RFC 9110 has it.
 */
function versionIn(ifMatch: string): number | undefined {
  if (ifMatch === "*") return undefined;
  const version = /^(?:W\/)?"?v?([1-9]\d{0,14})(?:-[\w-]+)?"?$/.exec(ifMatch)?.[1];
  if (version) return Number(version);
  if (ifMatchPattern.test(ifMatch)) return NO_VERSION;
  throw new Refusal("invalid_input", undefined, { errors: [{ path: "If-Match", message: "is no ETag" }] });
}
