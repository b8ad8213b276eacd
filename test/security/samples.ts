import { contracts } from "../../services/contracts.ts";
import { type Route, routesOf } from "../../services/gateway/routes.ts";
import type { Contract } from "../../services/shared/contract.ts";
import { emailPattern } from "../../services/shared/schema.ts";

/** The part of JSON Schema that contracts are written in. */
export interface Schema {
  type?: string;
  const?: unknown;
  enum?: readonly unknown[];
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  items?: Schema;
  anyOf?: readonly Schema[];
  not?: unknown;
}

/** All that can be reached over HTTP, as the contracts have it at this moment. */
export const routes: readonly Route[] = routesOf(contracts as Readonly<Record<string, Contract>>);
export const nameOf = ({ method, path }: Route): string => `${method} ${path}`;

/** One of these fits any field that is text. */
const words = [
  "EUR",
  "ES",
  "sample",
  "MUG-SALT",
  "a sample, for whatever wants text",
  "ada@example.com",
  "salt-glazed-mug.svg",
  "2026-01-01T12:00:00.000Z",
  "https://hooks.example.com/a",
  "orders.confirmed",
];
const idPrefix = /^\^([a-z]+)_/;
/** Of no record at all. */
export const nobodys = (prefix: string): string => `${prefix}_0123456789abcdefghjkmnpqrs`;

/** What kind of id a field holds, such as `ord`. */
export const prefixOf = ({ pattern = "" }: Schema): string | undefined => idPrefix.exec(pattern)?.[1];

function text({ pattern, format, minLength = 0, maxLength = 1000 }: Schema): string {
  const fits = (word: string) =>
    (!pattern || new RegExp(pattern, "u").test(word)) &&
    (format !== "email" || emailPattern.test(word)) &&
    word.length >= minLength &&
    word.length <= maxLength;
  const found = words.find(fits);
  if (found === undefined) throw new Error(`No sample fits ${pattern ?? format}: add a word that does.`);
  return found;
}

/** Something that a schema takes, with no more in it than has to be there. `ids` says whose records are meant. */
export function sampleOf(schema: Schema, ids: (prefix: string) => string = nobodys): unknown {
  const prefix = prefixOf(schema);
  if (prefix) return ids(prefix);
  if (schema.anyOf) return sampleOf(schema.anyOf[0] ?? {}, ids);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.type === "object")
    return Object.fromEntries(
      (schema.required ?? []).map((name) => [name, sampleOf(schema.properties?.[name] ?? {}, ids)]),
    );
  if (schema.type === "array")
    return Array.from({ length: schema.minItems ?? 0 }, () => sampleOf(schema.items ?? {}, ids));
  if (schema.type === "integer" || schema.type === "number") return Math.max(1, schema.minimum ?? 1);
  if (schema.type === "boolean") return true;
  if (schema.type === "null") return null;
  return text(schema);
}

/** A request that is right, as far as anybody can tell who knows the contract alone. */
export interface Request {
  path: string;
  body?: string | undefined;
  headers: Record<string, string>;
}

let keys = 0;
export function requestTo(route: Route, ids: (prefix: string) => string = nobodys): Request {
  const { method, path, params, pathNames, rest, contract } = route;
  const whole = sampleOf(contract.params as Schema, ids) as Record<string, unknown>;
  const free = Object.entries({ ...contract.example, ...whole }).filter(
    ([name]) => !pathNames.includes(name) && name !== "ifVersion",
  );
  // The example knows what the demo catalogue has; what is required and is no id comes from it.
  const fields = free.map(([name, value]): [string, unknown] => [name, exampled(route, name) ?? value]);
  const at = path.replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(String(exampled(route, name) ?? sampleOf(params[name] as Schema, ids))),
  );
  const query = new URLSearchParams(fields.map(([name, value]): [string, string] => [name, String(value)])).toString();
  const hasBody = method === "POST" || method === "PATCH";
  const kind = rest.takes === "text/csv" ? "text/csv" : "application/json";
  const body = kind === "text/csv" ? "Handle,Title\nsample,Sample\n" : JSON.stringify(Object.fromEntries(fields));
  return {
    path: query && !hasBody ? `${at}?${query}` : at,
    body: hasBody ? body : undefined,
    headers: hasBody ? { "content-type": kind, "idempotency-key": `sample-${++keys}` } : {},
  };
}

const exampled = ({ contract, params }: Route, name: string): unknown =>
  prefixOf(params[name] as Schema) ? undefined : contract.example?.[name];
