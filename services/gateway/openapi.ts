import * as catalog from "../catalog/catalog.contract.ts";
import * as gateway from "../gateway/gateway.contract.ts";
import * as inventory from "../inventory/inventory.contract.ts";
import * as notifications from "../notifications/notifications.contract.ts";
import * as orders from "../orders/orders.contract.ts";
import * as payments from "../payments/payments.contract.ts";
import * as sandbox from "../sandbox/sandbox.contract.ts";
import type { Contract } from "../shared/contract.ts";
import * as delivery from "../shared/delivery.ts";
import { type RefusalCode, refusals } from "../shared/refusal.ts";
import * as shared from "../shared/schema.ts";
import * as users from "../users/users.contract.ts";
import { type Route, takesBody } from "./routes.ts";

export type Json = { [key: string]: unknown };

/** The exports of contracts that are schemas give the components their names. */
const modules: Readonly<Record<string, object>> = {
  shared,
  delivery,
  users,
  catalog,
  inventory,
  orders,
  payments,
  sandbox,
  notifications,
  gateway,
};

/** The whole public contract as OpenAPI 3.1, derived from the services' contracts. */
export function openapi(
  contracts: Readonly<Record<string, Contract>>,
  routes: readonly Route[],
  version: string,
): Json {
  const hoist = hoister(schemaNames());
  const paths: Record<string, Json> = {};
  const refused: Json = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, hoist, refused) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Lonja",
      version,
      description: conventions,
    },
    servers: [{ url: "/" }],
    tags: Object.values(contracts).map(({ name, about }) => ({ name, description: about })),
    paths,
    components: {
      schemas: { ...hoist.components, Problem },
      responses: refused,
      parameters: headerParameters,
      headers: answerHeaders,
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "An access token." },
        guestToken: { type: "apiKey", in: "header", name: "X-Guest-Token", description: guestMeaning },
        guestTokenInLink: { type: "apiKey", in: "query", name: "token", description: guestMeaning },
      },
    },
  };
}

const conventions = `Money is in whole minor units, times are ISO 8601 in UTC, lists are read page by page with \`cursor\`.

Errors are problem documents (RFC 9457), whose \`code\` is stable. Beside those that are listed, any request may be
answered with 404 or 405 for a path or method that is not known, and 431 for too many headers.

Every answer carries \`X-Request-Id\`, yours if you send one of 8 to 64 letters, digits, \`-\` and \`_\`. A W3C
\`traceparent\` is taken and passed on.

To try it out: \`POST /v1/orders\` buys as a guest. For the rest sign in with \`POST /v1/auth/login\` and give the
\`accessToken\` to *Authorize*.`;
const guestMeaning = "The `guestToken` that the order's creation has answered.";

const Problem: Json = {
  type: "object",
  required: ["type", "title", "status", "detail", "code", "requestId"],
  properties: {
    type: { type: "string", format: "uri-reference" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", enum: Object.keys(refusals), description: "Stable: branch on this." },
    requestId: { type: "string", description: "Names this request in the shop's log." },
    errors: {
      type: "array",
      description: "What is wrong, place by place.",
      items: {
        type: "object",
        required: ["path", "message"],
        properties: { path: { type: "string", examples: ["lines/0/sku"] }, message: { type: "string" } },
        additionalProperties: true,
      },
    },
  },
};

const header = (name: string, description: string, schema: Json = { type: "string" }, required = false): Json => ({
  name,
  in: "header",
  required,
  description,
  schema,
});

const keySchema = { type: "string", minLength: 1, maxLength: 255, pattern: "^[\\x21-\\x7e]+$" };
const keyMeaning =
  "A repeat with the same key and body gets the first answer again, for 7 days. Make one up for each thing to do.";
const headerParameters: Json = {
  IdempotencyKey: header("Idempotency-Key", keyMeaning, keySchema),
  RequiredIdempotencyKey: { ...header("Idempotency-Key", keyMeaning, keySchema, true), example: "a-key-of-mine-1" },
  IfMatch: header("If-Match", 'The version that is to be changed, as `"3"` or as the ETag of a read.'),
  IfNoneMatch: header("If-None-Match", "An ETag; 304 when nothing has changed."),
};

const answerHeaders: Json = {
  RequestId: { description: "Names this request in the shop's log.", schema: { type: "string" } },
  ETag: { description: "Changes with the answer.", schema: { type: "string" } },
  RetryAfter: { description: "Seconds to wait.", schema: { type: "integer" } },
  SignIn: { description: "How to sign in, as RFC 6750 has it.", schema: { type: "string" } },
  Replayed: { description: "This is the first answer again.", schema: { type: "string", enum: ["true"] } },
};
const ref = (kind: string, name: string): Json => ({ $ref: `#/components/${kind}/${name}` });

function operation(route: Route, hoist: Hoist, refused: Json): Json {
  const { action, service, method, rest, contract } = route;
  const description = [contract.description, isForAll(rest) ? "" : `Asks for: ${rest.access}.`]
    .filter(Boolean)
    .join("\n\n");
  const body = takesBody(method) ? requestBody(route, hoist) : undefined;
  return {
    operationId: action,
    tags: [service],
    summary: contract.summary,
    ...(description ? { description } : {}),
    security: security(route),
    parameters: parameters(route, hoist),
    ...(body ? { requestBody: body } : {}),
    responses: { ...success(route, hoist), ...refusalAnswers(route, refused) },
  };
}

const isForAll = ({ access }: Route["rest"]) => access === "anyone" || access === "open";

const bearer = { bearer: [] };
const nobody = {};

/** Only what belongs to an order can be a guest's. */
function security({ rest, pathNames, params }: Route): Json[] {
  if (rest.access === "open") return [];
  if (rest.access !== "anyone") return [bearer];
  const isGuests = pathNames.some((name) => /^\^(ord|pay)_/.test(params[name]?.pattern ?? ""));
  return isGuests ? [bearer, { guestToken: [] }, { guestTokenInLink: [] }] : [nobody, bearer];
}

function parameters(route: Route, hoist: Hoist): Json[] {
  const { params, pathNames, method, rest } = route;
  const required = requiredOf(route);
  const inQuery = takesBody(method) ? [] : freeNames(route);
  return [
    ...pathNames.map((name) => parameter(name, "path", route, true, hoist)),
    ...inQuery.map((name) => parameter(name, "query", route, required.includes(name), hoist)),
    ...(method === "POST" ? [ref("parameters", rest.keyRequired ? "RequiredIdempotencyKey" : "IdempotencyKey")] : []),
    ...("ifVersion" in params ? [ref("parameters", "IfMatch")] : []),
    ...(method === "GET" ? [ref("parameters", "IfNoneMatch")] : []),
  ];
}

function parameter(name: string, where: string, { params, contract }: Route, required: boolean, hoist: Hoist): Json {
  const schema = params[name] ?? {};
  const example = contract.example?.[name];
  return {
    name,
    in: where,
    required,
    ...(schema.description ? { description: schema.description } : {}),
    schema: hoist.inside(schema),
    ...(example === undefined ? {} : { example }),
  };
}

/** The params that come neither with the path nor with a header. */
const freeNames = ({ params, pathNames }: Route): string[] =>
  Object.keys(params).filter((name) => !pathNames.includes(name) && name !== "ifVersion");

const requiredOf = ({ contract }: Route): readonly string[] =>
  (contract.params as { required?: readonly string[] }).required ?? [];

function requestBody(route: Route, hoist: Hoist): Json | undefined {
  const { rest, contract, params } = route;
  if (rest.takes === "text/csv") return { required: true, content: { "text/csv": { schema: { type: "string" } } } };
  if (rest.takes === "raw") return { required: true, content: { "*/*": { schema: { type: "string" } } } };
  const names = freeNames(route);
  if (names.length === 0) return undefined;
  const required = requiredOf(route).filter((name) => names.includes(name));
  const isWhole = names.length === Object.keys(params).length;
  const schema = isWhole
    ? contract.params
    : {
        type: "object",
        ...(required.length ? { required } : {}),
        properties: Object.fromEntries(names.map((name) => [name, params[name]])),
        additionalProperties: false,
      };
  const given = Object.entries(contract.example ?? {}).filter(([name]) => names.includes(name));
  const example = given.length ? { example: Object.fromEntries(given) } : {};
  return {
    required: required.length > 0,
    content: { "application/json": { schema: hoist.inside(schema as Json), ...example } },
  };
}

function success({ rest, method, contract }: Route, hoist: Hoist): Json {
  const headers: Json = {
    "X-Request-Id": ref("headers", "RequestId"),
    ...(method === "GET" ? { ETag: ref("headers", "ETag") } : {}),
    ...(method === "POST" ? { "Idempotent-Replayed": ref("headers", "Replayed") } : {}),
  };
  const status = rest.status ?? 200;
  const type = rest.gives ?? "application/json";
  const content = { [type]: { schema: hoist.inside(contract.result as Json) } };
  const answer = { description: contract.summary, headers, ...(status === 204 ? {} : { content }) };
  return {
    [status]: answer,
    ...(rest.pendingIs202
      ? { 202: { ...answer, description: "The outcome is not known yet. It goes on by itself." } }
      : {}),
    ...(method === "GET" ? { 304: { description: "Nothing has changed.", headers } } : {}),
  };
}

/** The refusals that a route may answer beside those that its contract names. */
function refusalsOf({ method, rest, params, contract }: Route): RefusalCode[] {
  const hasBody = takesBody(method);
  const codes: [boolean, ...RefusalCode[]][] = [
    [true, ...(contract.refuses ?? [])],
    [true, "malformed_request", "invalid_input", "too_many_requests", "internal_error", "unavailable"],
    [rest.access !== "open", "invalid_token"],
    [!isForAll(rest), "unauthenticated"],
    [rest.access === "staff" || rest.access === "admin", "forbidden"],
    [hasBody, "body_too_large", "request_timeout"],
    [hasBody && rest.takes !== "raw", "unsupported_media_type"],
    [hasBody && rest.takes === undefined, "malformed_json"],
    [method === "POST", "request_in_progress", "idempotency_key_reused"],
    [rest.keyRequired === true, "idempotency_key_required"],
    ["ifVersion" in params, "version_conflict"],
  ];
  return [...new Set(codes.flatMap(([applies, ...some]) => (applies ? some : [])))].sort();
}

/** One answer a status, with the codes that it may carry. Equal ones are written down once. */
function refusalAnswers(route: Route, refused: Json): Json {
  const byStatus = Map.groupBy(refusalsOf(route), (code) => refusals[code][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const name = codes.join(".");
      const waits = status === 429 || status === 503 || codes.includes("request_in_progress");
      refused[name] ??= {
        description: codes.map((code) => `\`${code}\`: ${refusals[code][1]}.`).join("\n\n"),
        headers: {
          "X-Request-Id": ref("headers", "RequestId"),
          ...(waits ? { "Retry-After": ref("headers", "RetryAfter") } : {}),
          ...(status === 401 ? { "WWW-Authenticate": ref("headers", "SignIn") } : {}),
        },
        content: {
          "application/problem+json": {
            schema: { ...ref("schemas", "Problem"), properties: { code: { enum: codes } } },
          },
        },
      };
      return [status, ref("responses", name)];
    }),
  );
}

interface Hoist {
  components: Json;
  /** The schema with every named part of it replaced by a reference. */
  inside(schema: Json): unknown;
}

/** Named by what they say, as an optional field is a copy of the schema that it is made of. */
function schemaNames(): Map<string, { name: string; schema: Json }> {
  const names = new Map<string, { name: string; schema: Json }>();
  const taken = new Set<string>(["Problem"]);
  for (const [owner, exported] of Object.entries(modules))
    for (const [plain, schema] of Object.entries(exported)) {
      if (!isNamed(plain, schema) || names.has(JSON.stringify(schema))) continue;
      const name = taken.has(plain) ? `${owner}.${plain}` : plain;
      taken.add(name);
      names.set(JSON.stringify(schema), { name, schema });
    }
  return names;
}

/** Objects and lists of choices. Simple fields, such as an e-mail address, are written out where they are. */
function isNamed(name: string, value: unknown): value is Json {
  const { type, enum: choices, properties } = (value ?? {}) as { type?: unknown; enum?: unknown; properties?: object };
  return /^[A-Z]/.test(name) && ((type === "object" && properties !== undefined) || Array.isArray(choices));
}

function hoister(names: ReadonlyMap<string, { name: string; schema: Json }>): Hoist {
  const components: Json = {};
  const inside = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(inside);
    const known = names.get(JSON.stringify(value));
    if (!known) return parts(value as Json);
    if (!(known.name in components)) {
      components[known.name] = {};
      components[known.name] = parts(known.schema);
    }
    return ref("schemas", known.name);
  };
  const parts = (schema: Json) =>
    Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, inside(value)]));
  return { components, inside };
}
