import { hash } from "node:crypto";
import { contentPolicy, corsHeaders, optionsAnswer } from "../../services/gateway/answer.edge.ts";
import { isRequestId, isTraceparent } from "../../services/gateway/reception.edge.ts";

const shop = "https://shop.example.com";

describe("headers", () => {
  test("only exactly the origins that are named may read answers", () => {
    expect(corsHeaders(shop, [shop])).toMatchObject({ "access-control-allow-origin": shop, vary: "Origin" });
    for (const origin of [
      "https://shop",
      `${shop}.evil.com`,
      "null",
      "http://shop.example.com",
      `${shop}:444`,
      undefined,
    ])
      expect(corsHeaders(origin, [shop])).toEqual({ vary: "Origin" });
    expect(corsHeaders(shop, [])).toEqual({});
  });

  test("a preflight names what may be sent, to those origins alone", () => {
    expect(optionsAnswer(["GET", "POST"], true)).toMatchObject({
      status: 204,
      headers: { allow: "GET, POST", "access-control-allow-headers": expect.stringContaining("Idempotency-Key") },
    });
    expect(optionsAnswer(["GET"], false).headers).toEqual({ allow: "GET" });
  });

  test("an API's answer may load nothing, a page runs the script that it ends with, and no other", () => {
    const policyOf = (type: string, body: string) =>
      contentPolicy({ status: 200, headers: { "content-type": type }, body });
    const pageOf = (text: string) =>
      policyOf(
        "text/html; charset=utf-8",
        `<html><body><p>${text}</p>\n<script>\nlet a;\n</script>\n</body>\n</html>\n`,
      );
    const own = hash("sha256", "\nlet a;\n", "base64");

    expect(policyOf("application/json", "<script>1</script></body></html>")).toBe(
      "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    );
    for (const text of ["Hello", "<script>steal()</script>", "<script>steal()</script></body></html>", "<script>"])
      expect(pageOf(text)).toMatch(new RegExp(`script-src 'self' 'sha256-${RegExp.escape(own)}';`));
    expect(policyOf("text/html", "<p>Hello</p>")).toMatch(/script-src 'self';/);
  });

  test("ids of requests and traces are taken over when they can be nothing else", () => {
    expect(["abcdefgh", "req_01-x", "a".repeat(64)].every(isRequestId)).toBe(true);
    expect(["short", "a".repeat(65), "with space", "a\r\nb: c", "", undefined, ["abcdefgh"]].some(isRequestId)).toBe(
      false,
    );
    expect(isTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")).toBe(true);
    expect(isTraceparent("00-00000000000000000000000000000000-00f067aa0ba902b7-01")).toBe(false);
    expect(isTraceparent("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")).toBe(false);
    expect(isTraceparent("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")).toBe(false);
  });
});
