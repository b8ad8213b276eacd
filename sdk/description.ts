import type { JSONSchema as Schema } from "json-schema-to-typescript";
import { type Name, nameOf } from "./names.ts";

type Content = Readonly<Record<string, { schema: Schema }>>;

interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  schema: Schema;
  $ref?: string;
}

interface Operation {
  operationId: string;
  summary: string;
  description?: string;
  parameters: Parameter[];
  requestBody?: { required: boolean; content: Content };
  responses: Readonly<Record<string, { content?: Content; $ref?: string }>>;
}

/** As much of an OpenAPI document as a client is made of. */
export interface Document {
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  components: {
    schemas: Readonly<Record<string, Schema>>;
    responses: Readonly<Record<string, { content: Content }>>;
  };
}

/** What a program can ask a shop, as the shop's description has it. */
export interface Described extends Name {
  /** How `src/calls.ts` asks it. */
  kind: string;
  path: string;
  says: string[];
  /** All that does not come with the path: an object, or a file as a text. */
  params: Schema | undefined;
  isParamsNeeded: boolean;
  isFile: boolean;
  /** What it brings: of a list or a stream, one item. Undefined for nothing. */
  brings: Schema | undefined;
  refuses: string[];
}

/** All but what is there for browsers, probes and payment providers, and what the client does by itself. */
export const describedIn = (document: Document): Described[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) => described(document, path, method, operation) ?? []),
  );

function described(document: Document, path: string, method: string, operation: Operation): Described | undefined {
  const { operationId, summary, description = "", requestBody } = operation;
  const [takes] = Object.keys(requestBody?.content ?? {});
  const followed = operationOf(document, operationId.replace(/\.stream$/, ""));
  const item = itemOf(followed);
  const name = nameOf(operationId, method, path, item !== undefined);
  const given = paramsOf(document, operation);
  const kind = followed === operation ? kindOf(operation, method, given) : "STREAM";
  if (!name || !kind || takes === "*/*") return undefined;
  // Whose session ends is known.
  const params = kind === "SIGNOUT" ? undefined : kind === "STREAM" ? withoutPaging(given) : given;
  return {
    ...name,
    kind,
    path: path.replace(/\{(\w+)\}/g, ":$1"),
    says: [summary, ...description.split("\n\n")].filter(Boolean),
    params,
    isParamsNeeded: requestBody?.required || Array.isArray(params?.required),
    isFile: takes === "text/csv",
    brings: item ?? jsonOf(operation),
    refuses: refusalsOf(document, operation),
  };
}

function kindOf(operation: Operation, method: string, params: Schema | undefined): string | undefined {
  const answer = jsonOf(operation);
  if (!answer && !("204" in operation.responses)) return undefined;
  const takesToken = Object.keys(params?.properties ?? {}).join() === "refreshToken";
  const givesTokens = answer?.$ref === "#/components/schemas/Session";
  // A session is renewed by the client, when it is time.
  if (takesToken) return givesTokens ? undefined : "SIGNOUT";
  if (givesTokens) return "SIGNIN";
  return itemOf(operation) ? "LIST" : method.toUpperCase();
}

function operationOf({ paths }: Document, operationId: string): Operation {
  const all = Object.values(paths).flatMap((methods) => Object.values(methods));
  const found = all.find((operation) => operation.operationId === operationId);
  if (!found) throw new Error(`There is no operation ${operationId}.`);
  return found;
}

/** What a success brings; undefined where it brings nothing, or no JSON. */
function jsonOf({ responses }: Operation): Schema | undefined {
  const [status = ""] = Object.keys(responses).filter((status) => status.startsWith("2"));
  return responses[status]?.content?.["application/json"]?.schema;
}

const ofPages = ["data", "nextCursor", "cursors"];

/** What a list is a list of. */
function itemOf(operation: Operation): Schema | undefined {
  const { properties = {} } = jsonOf(operation) ?? {};
  const isPage = "data" in properties && Object.keys(properties).every((name) => ofPages.includes(name));
  return isPage ? (properties.data?.items as Schema) : undefined;
}

function paramsOf({ components }: Document, { parameters, requestBody }: Operation): Schema | undefined {
  const [given] = Object.values(requestBody?.content ?? {}).map(({ schema }) => schema);
  const inQuery = parameters.filter((parameter) => parameter.in === "query");
  const isVersioned = parameters.some(({ $ref }) => $ref?.endsWith("/IfMatch"));
  if (given && !isVersioned) return given;
  const body = given?.$ref ? components.schemas[lastOf(given.$ref)] : given;
  const properties: Record<string, Schema> = {
    ...(isVersioned ? { ifVersion: { type: "integer", description: "The version that is to be changed." } } : {}),
    ...(body?.properties as Record<string, Schema> | undefined),
    ...Object.fromEntries(
      inQuery.map(({ name, schema, description }) => [
        name,
        schema.$ref ? schema : ({ description, ...schema } as Schema),
      ]),
    ),
  };
  const needed = inQuery.flatMap(({ name, required }) => (required ? [name] : []));
  const required = [...needed, ...((body?.required as string[] | undefined) ?? [])];
  if (Object.keys(properties).length === 0) return undefined;
  return { type: "object", properties, ...(required.length ? { required } : {}) };
}

const ofPaging = ["limit", "cursor", "cursors"];

/** Where a stream begins is an option, and its pages are nobody's business. */
function withoutPaging(params: Schema | undefined): Schema | undefined {
  const left = Object.entries(params?.properties ?? {}).filter(([name]) => !ofPaging.includes(name));
  return left.length ? { ...params, properties: Object.fromEntries(left) } : undefined;
}

function refusalsOf({ components }: Document, { responses }: Operation): string[] {
  return Object.values(responses).flatMap(({ $ref = "" }) => {
    const { schema } = components.responses[lastOf($ref)]?.content["application/problem+json"] ?? {};
    return (schema?.properties?.code?.enum as string[] | undefined) ?? [];
  });
}

export const lastOf = (reference: string): string => reference.split("/").at(-1) ?? "";
