import { Compile } from "typebox/compile";
import { contracts } from "../../services/contracts.ts";
import type { Json } from "../../services/gateway/names.ts";
import { openapi } from "../../services/gateway/openapi.ts";
import { routesOf, streamsOf } from "../../services/gateway/routes.ts";
import type { Contract } from "../../services/shared/contract.ts";
import { refusals } from "../../services/shared/refusal.ts";

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security: Json[];
  parameters: { name?: string; in?: string; required?: boolean; schema?: Json; $ref?: string }[];
  requestBody?: { content: Record<string, { schema: Json; example?: Json }> };
  responses: Record<string, { $ref?: string; content?: Json }>;
}

const map = contracts as Record<string, Contract>;
const routes = routesOf(map);
const document = openapi(map, routes, "1.2.3") as {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, Json>>;
};
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);
const operationOf = (id: string) => operations.find(({ operation }) => operation.operationId === id)?.operation;

function* references(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value))
    if (key === "$ref") yield item as string;
    else yield* references(item);
}

describe("the description of the API", () => {
  test("has every route, each with an operation of its own name", () => {
    const described = operations.map(
      ({ path, method }) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`,
    );

    const doors = [...routes, ...streamsOf(routes)];
    expect(described.toSorted()).toEqual(doors.map(({ method, path }) => `${method} ${path}`).toSorted());
    const names = doors.map(({ action, isStream }) => (isStream ? `${action}.stream` : action));
    expect(operations.map(({ operation }) => operation.operationId).toSorted()).toEqual(names.toSorted());
  });

  test("a list that can be followed says so, and nothing of pages", () => {
    const stream = operationOf("orders.events.stream");
    expect(stream?.responses[200]?.content).toEqual({ "text/event-stream": { schema: { type: "string" } } });
    expect(stream?.responses).not.toHaveProperty("304");
    expect(stream?.parameters.map(({ name, $ref }) => name ?? $ref?.split("/").at(-1))).toEqual([
      "id",
      "cursor",
      "LastEventId",
    ]);
    expect(stream?.security).toEqual(operationOf("orders.events")?.security);
  });

  test.each(operations)("$method $path: $operation.operationId", ({ path, operation }) => {
    const inPath = operation.parameters.filter((one) => one.in === "path");
    const answered = Object.keys(operation.responses).map(Number);

    expect(operation.summary).not.toBe("");
    expect(inPath.map(({ name }) => name)).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    expect(inPath.every(({ required }) => required)).toBe(true);
    expect(answered.some((status) => status < 300)).toBe(true);
    for (const status of [400, 422, 429, 500, 503]) expect(answered).toContain(status);
    if (operation.security.length > 0) expect(answered).toContain(401);
  });

  test("every reference leads somewhere, and no component is left over", () => {
    const used = new Set(references(document));
    for (const reference of used) {
      const [kind = "", name = ""] = reference.replace("#/components/", "").split("/");
      expect(document.components[kind]?.[name]).toBeDefined();
    }
    for (const kind of ["schemas", "responses", "parameters", "headers"])
      for (const name of Object.keys(document.components[kind] ?? {}))
        expect(used).toContain(`#/components/${kind}/${name}`);
  });

  test("every refusal that a contract names is described, as a problem with its code", () => {
    for (const { action, contract } of routes)
      for (const code of contract.refuses ?? []) {
        const reference = operationOf(action)?.responses[refusals[code][0]]?.$ref?.split("/").at(-1) ?? "";
        expect(reference.split(".")).toContain(code);
      }
    expect(document.components.responses?.forbidden).toMatchObject({
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    });
  });

  test("bodies are described without what comes by path or header", () => {
    const schemaOf = (id: string) => operationOf(id)?.requestBody?.content["application/json"]?.schema;

    expect(schemaOf("orders.place")).toEqual({ $ref: "#/components/schemas/PlaceOrder" });
    expect(Object.keys((schemaOf("inventory.adjust")?.properties as Json | undefined) ?? {})).toEqual([
      "delta",
      "reason",
    ]);
    expect(Object.keys((schemaOf("users.changeMe")?.properties as Json | undefined) ?? {})).not.toContain("ifVersion");
    expect(operationOf("catalog.startImport")?.requestBody?.content).toHaveProperty(["text/csv"]);
    expect(operationOf("users.me")?.requestBody).toBeUndefined();
  });

  test("examples are what the contracts take, and stand where they are to be filled in", () => {
    const exemplary = routes.filter(({ contract }) => contract.example);
    for (const { contract } of exemplary) expect(Compile(contract.params).Errors(contract.example)).toEqual([]);

    expect(exemplary.map(({ action }) => action)).toEqual(
      expect.arrayContaining(["orders.place", "users.login", "catalog.create", "inventory.adjust"]),
    );
    const adjust = operationOf("inventory.adjust");
    expect(adjust?.requestBody?.content["application/json"]?.example).toEqual({ delta: 12, reason: "delivery" });
    expect(adjust?.parameters[0]).toMatchObject({ name: "sku", example: "MUG-SALT" });
  });

  test("what is our own is written out: formats as patterns, and what If-Match may say", () => {
    const email = operationOf("users.login")?.requestBody?.content["application/json"]?.schema.properties as Json;

    expect(email.email).toMatchObject({ type: "string", pattern: expect.stringContaining("@") });
    expect(JSON.stringify(document)).not.toMatch(/"format":"(text|email)"/);
    expect(document.components.parameters?.IfMatch?.schema).toMatchObject({ pattern: expect.any(String) });
    expect(operationOf("catalog.startImport")?.requestBody?.content["text/csv"]?.schema).toMatchObject({
      minLength: 1,
    });
  });

  test("headers that are always there are said to be, and when to come again where one is to wait", () => {
    const headersAt = (status: number) =>
      Object.entries(document.components.responses ?? {}).flatMap(([name, { headers }]) =>
        name.includes(status === 503 ? "unavailable" : "request_in_progress")
          ? [(headers as Record<string, Json>)["Retry-After"]?.$ref]
          : [],
      );

    expect(document.components.headers).toMatchObject({ RequestId: { required: true }, ETag: { required: true } });
    expect(new Set(headersAt(503))).toEqual(new Set(["#/components/headers/RetryAfter"]));
    expect(new Set(headersAt(409))).toEqual(new Set(["#/components/headers/MayRetryAfter"]));
  });

  test("headers are described where they count", () => {
    const headersOf = (id: string) => operationOf(id)?.parameters.flatMap(({ $ref }) => $ref?.split("/").at(-1) ?? []);

    expect(headersOf("orders.place")).toEqual(["RequiredIdempotencyKey"]);
    expect(headersOf("users.register")).toEqual(["IdempotencyKey"]);
    expect(headersOf("users.changeMe")).toEqual(["IfMatch"]);
    expect(headersOf("users.me")).toEqual(["IfNoneMatch"]);
  });

  test("who may use a route is said: anyone, a guest with a token, a user", () => {
    expect(operationOf("catalog.list")?.security).toEqual([{}, { bearer: [] }]);
    expect(operationOf("orders.get")?.security).toEqual([
      {},
      { bearer: [] },
      { guestToken: [] },
      { guestTokenInLink: [] },
    ]);
    expect(operationOf("users.me")?.security).toEqual([{ bearer: [] }]);
    expect(operationOf("users.login")?.security).toEqual([]);
  });

  test("schemas that contracts share are written down once, by their names", () => {
    expect(operationOf("orders.get")?.responses[200]?.content).toEqual({
      "application/json": { schema: { $ref: "#/components/schemas/Order" } },
    });
    expect(Object.keys(document.components.schemas ?? {})).toEqual(
      expect.arrayContaining(["Money", "Address", "Product"]),
    );
  });
});
