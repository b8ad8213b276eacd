import { digest, requestKey, sealed, sealOf, unsealed } from "../../services/gateway/seal.edge.ts";

const nonce = (n: number) => Buffer.alloc(12, n);

describe("kept answers", () => {
  test("whoever sends the same key again can open what was sealed", () => {
    const text = sealed(sealOf("key-1", "guest ada@example.com"), "the answer €", nonce(1));

    expect(unsealed(sealOf("key-1", "guest ada@example.com"), text)).toBe("the answer €");
    expect(Buffer.from(text, "base64").toString("latin1")).not.toContain("answer");
  });

  test("another key, another caller or a changed byte opens nothing", () => {
    const text = sealed(sealOf("key-1", "user a"), "the answer", nonce(1));
    const changed = Buffer.from(text, "base64");
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;

    expect(() => unsealed(sealOf("key-2", "user a"), text)).toThrow();
    expect(() => unsealed(sealOf("key-1", "user b"), text)).toThrow();
    expect(() => unsealed(sealOf("key-1", "user a"), changed.toString("base64"))).toThrow();
  });

  test("bodies are told apart, but not guessed from what is kept", () => {
    const seal = sealOf("key-1", "user a");

    expect(digest(seal, "x")).toBe(digest(sealOf("key-1", "user a"), "x"));
    expect(digest(seal, "x")).not.toBe(digest(seal, "y"));
    expect(digest(seal, "x")).not.toBe(digest(sealOf("key-2", "user a"), "x"));
  });

  test("a request's name depends on where its parts end", () => {
    expect(requestKey(["a", "bc"])).not.toBe(requestKey(["ab", "c"]));
    expect(requestKey(["a", "b"])).toMatch(/^[0-9a-f]{64}$/);
  });
});
