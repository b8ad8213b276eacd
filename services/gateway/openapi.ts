import * as webhooks from "../notifications/webhooks.contract.ts";
import type { Access, Contract } from "../shared/contract.ts";
import { type RefusalCode, refusals } from "../shared/refusal.ts";
import { formats } from "../shared/schema.ts";
import { type Json, keyOf, type Named, namedSchemas } from "./names.ts";
import { ifMatchPattern } from "./params.ts";
import { isForGuests, type Route, streamsOf, takesBody } from "./routes.ts";

/** The whole public contract as OpenAPI 3.1, derived from the services' contracts. */
export function openapi(
  contracts: Readonly<Record<string, Contract>>,
  routes: readonly Route[],
  version: string,
): Json {
  const hoist = hoister(namedSchemas());
  const paths: Record<string, Json> = {};
  const refused: Json = {};
  for (const route of [...routes, ...streamsOf(routes)]) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, hoist, refused) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Lonja",
      version,
      description: conventions,
      contact: { name: "Whoever runs this shop" },
      license: { name: "All rights reserved", identifier: "LicenseRef-All-Rights-Reserved" },
    },
    servers: [{ url: "/" }],
    tags: Object.values(contracts).map(({ name, about }) => ({ name, description: about })),
    paths,
    webhooks: webhooksSent(hoist),
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

const conventions = `The same shop can be asked by [GraphQL](/docs/graphql); both are made of one contract.

Money is in whole minor units, times are ISO 8601 in UTC, lists are read page by page with \`cursor\`.

Errors are problem documents (RFC 9457), whose \`code\` is stable. Beside those that are listed, any request may be
answered with 404 or 405 for a path or method that is not known, and 431 for too many headers.

Every answer carries \`X-Request-Id\`, yours if you send one of 8 to 64 letters, digits, \`-\` and \`_\`. A W3C
\`traceparent\` is taken and passed on.

To try it out: \`POST /v1/orders\` buys as a guest. For the rest sign in with \`POST /v1/auth/login\` and give the
\`accessToken\` to *Authorize*.`;
const streamMeaning =
  "Server-sent events: the `id` of each is the cursor behind the item, `event` its type, `data` the item as the list has it. A stream ends after ten minutes at the latest, or with its token; begun anew with `Last-Event-ID` it goes on, at any gateway, without a gap or a repeat.";
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
        properties: {
          path: { type: "string", examples: ["lines/0/sku"] },
          message: { type: "string" },
          sku: { type: "string", description: "With `insufficient_stock`: of what there is not enough." },
          requested: { type: "integer", description: "With `insufficient_stock`: how much was wanted." },
          available: { type: "integer", description: "With `insufficient_stock`: how much there is." },
        },
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
  IfMatch: header("If-Match", 'The version that is to be changed, as `"3"` or as the ETag of a read.', {
    type: "string",
    pattern: ifMatchPattern.source,
  }),
  IfNoneMatch: header("If-None-Match", "An ETag; 304 when nothing has changed."),
  LastEventId: header("Last-Event-ID", "The id of the last event that has arrived: what comes behind it is sent."),
};

const seconds = { description: "Seconds to wait.", schema: { type: "integer", minimum: 1 } };
const answerHeaders: Json = {
  RequestId: { description: "Names this request in the shop's log.", required: true, schema: { type: "string" } },
  ETag: { description: "Changes with the answer.", required: true, schema: { type: "string" } },
  RetryAfter: { ...seconds, required: true },
  /** Of the codes that have this status, some say when to come again. */
  MayRetryAfter: seconds,
  SignIn: { description: "How to sign in, as RFC 6750 has it.", required: true, schema: { type: "string" } },
  Replayed: { description: "This is the first answer again.", schema: { type: "string", enum: ["true"] } },
};
const ref = (kind: string, name: string): Json => ({ $ref: `#/components/${kind}/${name}` });

function operation(route: Route, hoist: Hoist, refused: Json): Json {
  const { action, service, method, rest, contract, isStream } = route;
  const meaning = isStream ? streamMeaning : undefined;
  const description = [contract.description, meaning, audience[rest.access]].filter(Boolean).join("\n\n");
  const body = takesBody(method) ? requestBody(route, hoist) : undefined;
  return {
    operationId: isStream ? `${action}.stream` : action,
    tags: [service],
    summary: isStream ? `${contract.summary}, and on as it grows` : contract.summary,
    description,
    security: security(route),
    parameters: parameters(route, hoist),
    ...(body ? { requestBody: body } : {}),
    responses: { ...success(route, hoist), ...refusalAnswers(route, refused) },
  };
}

const isForAll = ({ access }: Route["rest"]) => access === "anyone" || access === "open";

const audience: Readonly<Record<Access, string>> = {
  open: "Open to everybody; a token is not looked at.",
  anyone: "Needs no token, though one is looked at.",
  user: "Asks for: a user who is signed in.",
  staff: "Asks for: staff.",
  admin: "Asks for: an admin.",
};

const bearer = { bearer: [] };
const nobody = {};

/** Nobody is turned away for lack of a token: to whom a record does not belong, its owner says that there is none. */
function security(route: Route): Json[] {
  const { access } = route.rest;
  if (access === "open") return [];
  if (access !== "anyone") return [bearer];
  return [nobody, bearer, ...(isForGuests(route) ? [{ guestToken: [] }, { guestTokenInLink: [] }] : [])];
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
    ...(method === "GET" ? [ref("parameters", route.isStream ? "LastEventId" : "IfNoneMatch")] : []),
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

/** What is sent to the endpoints that staff register. */
function webhooksSent(hoist: Hoist): Json {
  const sent = { ...webhooks.events, ...webhooks.testEvent };
  const types = Object.keys(sent) as (keyof typeof sent)[];
  return Object.fromEntries(types.map((type) => [type, { post: webhook(type, sent[type].summary, hoist) }]));
}

const webhook = (type: Parameters<typeof webhooks.bodyOf>[0], summary: string, hoist: Hoist): Json => ({
  operationId: `webhook:${type}`,
  tags: ["notifications"],
  summary,
  description: "Signed as Standard Webhooks has it. It may come more than once, then with the same `webhook-id`.",
  security: [],
  parameters: webhookHeaders,
  requestBody: {
    required: true,
    content: { "application/json": { schema: hoist.inside(webhooks.bodyOf(type) as Json) } },
  },
  responses: {
    "2XX": { description: "It has arrived. Anything else, or nothing within 15 s, and it is sent again." },
    410: { description: "Never again: the endpoint is switched off." },
    429: { description: "Later, as `Retry-After` has it." },
  },
});

const webhookHeaders: Json[] = [
  header("webhook-id", "Equal for every try: what has been seen before.", { type: "string" }, true),
  header("webhook-timestamp", "When this try was made, in seconds since 1970.", { type: "string" }, true),
  header(
    "webhook-signature",
    "`v1,` and a base64 HMAC-SHA256; several with a space between, of which one has to fit.",
    { type: "string" },
    true,
  ),
];

/** The params that come neither with the path nor with a header. */
const freeNames = ({ params, pathNames }: Route): string[] =>
  Object.keys(params).filter((name) => !pathNames.includes(name) && name !== "ifVersion");

const requiredOf = ({ contract }: Route): readonly string[] =>
  (contract.params as { required?: readonly string[] }).required ?? [];

function requestBody(route: Route, hoist: Hoist): Json | undefined {
  const { rest, contract, params } = route;
  if (rest.takes === "text/csv")
    return { required: true, content: { "text/csv": { schema: { type: "string", minLength: 1 } } } };
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

function success({ rest, method, contract, isStream }: Route, hoist: Hoist): Json {
  if (isStream) return { 200: { description: "What there is, and what comes.", ...streamed } };
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

const streamed: Json = {
  headers: { "X-Request-Id": ref("headers", "RequestId") },
  content: { "text/event-stream": { schema: { type: "string" } } },
};

/** The refusals that a route may answer beside those that its contract names. */
function refusalsOf({ method, rest, params, contract }: Route): RefusalCode[] {
  const hasBody = takesBody(method);
  const codes: [boolean, ...RefusalCode[]][] = [
    [true, ...(contract.refuses ?? [])],
    [true, "malformed_request", "invalid_input", "too_many_requests", "internal_error", "unavailable"],
    [rest.access !== "open", "invalid_token"],
    [!isForAll(rest), "unauthenticated"],
    [rest.access === "staff" || rest.access === "admin", "forbidden"],
    [hasBody, "body_too_large", "request_timeout", "unsupported_media_type"],
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
      const waits = status === 429 || status === 503 ? "RetryAfter" : "MayRetryAfter";
      const mayWait = waits === "RetryAfter" || codes.includes("request_in_progress");
      refused[name] ??= {
        description: codes.map((code) => `\`${code}\`: ${refusals[code][1]}.`).join("\n\n"),
        headers: {
          "X-Request-Id": ref("headers", "RequestId"),
          ...(mayWait ? { "Retry-After": ref("headers", waits) } : {}),
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

/** Our own formats are nothing to others, or, as with `email`, not quite the same. */
function spelledOut({ format, ...schema }: Json): Json {
  const pattern = formats[format as keyof typeof formats];
  return pattern ? { ...schema, pattern: pattern.source } : { ...(format === undefined ? {} : { format }), ...schema };
}

function hoister(names: ReadonlyMap<string, Named>): Hoist {
  const components: Json = {};
  const inside = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(inside);
    const known = names.get(keyOf(value));
    if (!known) return parts(value as Json);
    if (!(known.name in components)) {
      components[known.name] = {};
      components[known.name] = parts(known.schema);
    }
    return ref("schemas", known.name);
  };
  const parts = (schema: Json) =>
    Object.fromEntries(Object.entries(spelledOut(schema)).map(([key, value]) => [key, inside(value)]));
  return { components, inside };
}
