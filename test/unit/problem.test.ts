import { Errors } from "moleculer";
import { loudnessOf, problem, refusalOf } from "../../services/gateway/problem.ts";
import { Refusal, type RefusalCode, refusals } from "../../services/shared/refusal.ts";

const told = (error: unknown) => {
  const { status, headers, body } = problem(refusalOf(error), "req_1");
  return { status, headers, body: JSON.parse(String(body)) };
};

describe("problem documents", () => {
  test.each(Object.keys(refusals) as RefusalCode[])("%s has its status, its title and the request's id", (code) => {
    const { status, headers, body } = told(new Refusal(code));

    expect(status).toBe(refusals[code][0]);
    expect(headers["content-type"]).toBe("application/problem+json");
    expect(body).toMatchObject({
      type: `/problems/${code}`,
      code,
      status,
      requestId: "req_1",
      title: refusals[code][1],
    });
  });

  test("a refusal that came over the wire is still one", () => {
    const error = Object.assign(new Error("Only 3 left."), {
      name: "Refusal",
      type: "insufficient_stock",
      code: 409,
      data: { errors: [{ path: "lines", message: "not enough", sku: "MUG" }], secret: "x" },
    });

    expect(told(error)).toMatchObject({
      status: 409,
      body: { detail: "Only 3 left.", errors: [{ path: "lines", sku: "MUG" }] },
    });
    expect(told(error).body).not.toHaveProperty("secret");
  });

  test.each([
    ["a service is away", new Errors.ServiceNotFoundError({ action: "orders.place" })],
    ["its node is", new Errors.ServiceNotAvailableError({ action: "orders.place", nodeID: "node-7" })],
    ["it is too slow", new Errors.RequestTimeoutError({ action: "orders.place", nodeID: "node-7" })],
    ["it is busy", new Errors.QueueIsFullError({ action: "orders.place", nodeID: "node-7" })],
    ["its store is full", new Refusal("unavailable", "The disk is full.")],
  ])("%s: come back later, and no word of what lies behind", (_what, error) => {
    const { status, headers, body } = told(error);

    expect(status).toBe(503);
    expect(headers["retry-after"]).toBe("1");
    expect(JSON.stringify(body)).not.toMatch(/node-7|orders\.place|disk/);
  });

  test.each([
    new TypeError("Cannot read properties of undefined (reading 'password')"),
    Object.assign(new Error("SQLITE_ERROR: no such column: price"), { code: 404, data: { sql: "SELECT" } }),
    new Errors.MoleculerClientError("client", 422, "SECRET", { dsn: "postgres://u:p@h" }),
    Object.assign(new Error("x"), { name: "Refusal", type: "no_such_code", data: { errors: [{ path: "leak" }] } }),
    "thrown text",
    undefined,
    null,
  ])("a bug (%p) is kept quiet", (error) => {
    const { status, body } = told(error);

    expect(status).toBe(500);
    expect(body).toEqual({
      type: "/problems/internal_error",
      title: refusals.internal_error[1],
      status: 500,
      detail: refusals.internal_error[1],
      code: "internal_error",
      requestId: "req_1",
    });
  });

  test.each([
    ["debug", new Refusal("not_found")],
    ["debug", new Refusal("unavailable", undefined, { errors: [], retryAfterSeconds: 1 })],
    ["warn", new Refusal("unavailable", "The store cannot be used.")],
    ["warn", new Errors.ServiceNotFoundError({ action: "orders.place" })],
    ["error", new TypeError("Cannot read properties of undefined")],
    ["error", undefined],
  ])("the log is as loud as it has to be: %s for %p", (loudness, error) => {
    expect(loudnessOf(error)).toBe(loudness);
  });

  test("how long to wait and how to sign in are told in headers", () => {
    expect(told(new Refusal("too_many_requests", undefined, { retryAfterSeconds: 6.2 })).headers["retry-after"]).toBe(
      "7",
    );
    expect(told(new Refusal("request_in_progress", undefined, { retryAfterSeconds: 0 })).headers["retry-after"]).toBe(
      "1",
    );
    expect(told(new Refusal("unauthenticated")).headers["www-authenticate"]).toBe("Bearer");
    expect(told(new Refusal("invalid_token")).headers["www-authenticate"]).toBe('Bearer error="invalid_token"');
    expect(told(new Refusal("not_found")).headers).not.toHaveProperty("retry-after");
  });
});
