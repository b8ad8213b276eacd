import { answerOf, etag, unchanged } from "../../services/gateway/answer.edge.ts";
import type { Route } from "../../services/gateway/routes.ts";
import type { Rest } from "../../services/shared/contract.ts";

const route = (rest: Partial<Rest> = {}, method = "GET") =>
  ({ method, rest: { route: "GET /x", access: "anyone", ...rest } }) as unknown as Route;

describe("answers", () => {
  test("a result is JSON with an ETag that leads with its version", () => {
    const { status, headers, body } = answerOf(route(), { id: "a", version: 3 });

    expect({ status, body }).toEqual({ status: 200, body: '{"id":"a","version":3}' });
    expect(headers).toMatchObject({ "content-type": "application/json" });
    expect(headers.etag).toMatch(/^"v3-[\w-]{27}"$/);
  });

  test("an ETag changes with what is shown, though the version stays", () => {
    expect(etag('{"available":1}', { version: 3 })).not.toBe(etag('{"available":2}', { version: 3 }));
  });

  test("pending is 202 where the contract says so", () => {
    const place = route({ status: 201, pendingIs202: true }, "POST");

    expect(answerOf(place, { status: "pending" }).status).toBe(202);
    expect(answerOf(place, { status: "confirmed" }).status).toBe(201);
    expect(answerOf(route({ status: 201 }, "POST"), { status: "pending" }).status).toBe(201);
  });

  test("nothing is 204, text is given as it is, and what may be kept says so", () => {
    expect(answerOf(route({ status: 204 }), null)).toEqual({ status: 204, headers: {}, body: "" });
    expect(answerOf(route({ gives: "text/html", cacheSeconds: 60 }), "<p>")).toMatchObject({
      body: "<p>",
      headers: { "content-type": "text/html; charset=utf-8", "cache-control": "public, max-age=60" },
    });
  });

  test("who has it already is told so, by a list, a weak tag or a star", () => {
    const answer = answerOf(route(), { a: 1 });
    const tag = answer.headers.etag ?? "";

    for (const header of [tag, `W/${tag}`, `"x", ${tag}`, "*"]) expect(unchanged(answer, header)).toBe(true);
    for (const header of [undefined, '"x"', tag.slice(1, -1)]) expect(unchanged(answer, header)).toBe(false);
    expect(unchanged({ ...answer, status: 404 }, tag)).toBe(false);
  });
});
