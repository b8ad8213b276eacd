import { type Answered, Description, describedApi } from "../description.ts";

const description = new Description(describedApi);
const requestId = { "x-request-id": "req_1" };
const json = { "content-type": "application/json; charset=utf-8", ...requestId };
const problemType = { "content-type": "application/problem+json", ...requestId };

const answered = (status: number, headers: Record<string, string>, body: unknown): Answered => ({
  status,
  headers: new Headers(headers),
  text: typeof body === "string" ? body : JSON.stringify(body),
});
const stock = { method: "GET", path: "/v1/inventory/MUG" };
const problem = (status: number, code: string) => ({
  type: `/problems/${code}`,
  title: "No",
  status,
  detail: "No.",
  code,
  requestId: "req_1",
});

describe("answers are held to the description of the API", () => {
  test.each([
    ["an answer", stock, answered(200, { ...json, etag: '"1"' }, { sku: "MUG", available: 1 })],
    ["one that has not changed", stock, answered(304, { ...requestId, etag: '"1"' }, "")],
    ["a refusal", stock, answered(404, problemType, problem(404, "not_found"))],
    ["nothing", { method: "POST", path: "/v1/auth/logout" }, answered(204, requestId, "")],
    ["a head", { ...stock, method: "HEAD" }, answered(200, { ...json, etag: '"1"' }, "")],
    [
      "text",
      { method: "GET", path: "/metrics" },
      answered(200, { ...json, "content-type": "text/plain", etag: '"1"' }, "up 1"),
    ],
    ["a path that is none", { method: "GET", path: "/nothing" }, answered(404, problemType, problem(404, "not_found"))],
    ["a page", { method: "GET", path: "/docs/?a=b" }, answered(200, { "content-type": "text/html" }, "<html>")],
    [
      "a slash at the end",
      { ...stock, path: "/v1/inventory/MUG/?a=b" },
      answered(404, problemType, problem(404, "not_found")),
    ],
  ])("%s is as described", (_, asked, answer) => {
    expect(description.complaints(asked, answer)).toEqual([]);
  });

  test.each([
    ["another status", stock, answered(201, { ...json, etag: '"1"' }, { sku: "MUG", available: 1 }), /status 201/],
    ["a field more", stock, answered(200, { ...json, etag: '"1"' }, { sku: "MUG", available: 1, held: 2 }), /held/],
    ["a field less", stock, answered(200, { ...json, etag: '"1"' }, { sku: "MUG" }), /available/],
    [
      "another type of field",
      stock,
      answered(200, { ...json, etag: '"1"' }, { sku: "MUG", available: "1" }),
      /integer/,
    ],
    ["no JSON", stock, answered(200, { ...json, etag: '"1"' }, "{"), /object/],
    ["another type", stock, answered(200, { ...json, "content-type": "text/html", etag: '"1"' }, "<p>"), /text\/html/],
    ["no type", stock, answered(200, { ...requestId, etag: '"1"' }, "1"), /no content-type/],
    [
      "no request id",
      stock,
      answered(200, { "content-type": "application/json", etag: '"1"' }, { sku: "MUG", available: 1 }),
      /X-Request-Id/,
    ],
    ["no ETag", stock, answered(200, json, { sku: "MUG", available: 1 }), /ETag/],
    ["a code of elsewhere", stock, answered(404, problemType, problem(404, "forbidden")), /allowed/],
    [
      "a wait that is no number",
      stock,
      answered(503, { ...problemType, "retry-after": "soon" }, problem(503, "unavailable")),
      /Retry-After/,
    ],
    ["no wait", stock, answered(503, problemType, problem(503, "unavailable")), /Retry-After/],
    [
      "something where there should be nothing",
      { method: "POST", path: "/v1/auth/logout" },
      answered(204, json, "{}"),
      /not described/,
    ],
    [
      "a path that is not described and taken",
      { method: "GET", path: "/v1/secrets" },
      answered(200, json, {}),
      /not described/,
    ],
    [
      "a method that is not described and taken",
      { method: "DELETE", path: "/v1/inventory/MUG" },
      answered(204, requestId, ""),
      /not described/,
    ],
    [
      "a refusal that is no problem",
      { method: "GET", path: "/nothing" },
      answered(404, json, { error: "no" }),
      /not described/,
    ],
  ])("%s is noticed", (_, asked, answer, complaint) => {
    expect(description.complaints(asked, answer).join()).toMatch(complaint);
  });
});
