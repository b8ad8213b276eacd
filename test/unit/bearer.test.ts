import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { bearerToken, Tokens } from "../../services/gateway/bearer.edge.ts";
import { VirtualWorld } from "../virtual-world.ts";

type Claims = Record<string, unknown>;

async function openDesk() {
  const world = new VirtualWorld(1);
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { extractable: true });
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid: "one", alg: "EdDSA", use: "sig" };
  const state = { keys: [jwk], asked: 0, isAway: false };
  const tokens = new Tokens({
    world,
    issuer: "lonja",
    fetchKeys: async () => {
      state.asked++;
      if (state.isAway) throw new Error("away");
      return { keys: state.keys };
    },
  });
  const now = () => Math.floor(world.now() / 1000);
  const sign = (claims: Claims = {}, header: Claims = {}, key = privateKey) =>
    new SignJWT({ iss: "lonja", aud: "lonja", sub: "usr_1", role: "staff", nbf: now(), exp: now() + 600, ...claims })
      .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: "one", ...header })
      .sign(key);
  return { world, tokens, state, sign, privateKey, publicKey, jwk };
}

describe("access tokens", () => {
  test("one that we signed names its owner, and is checked once", async () => {
    const { tokens, sign } = await openDesk();
    const token = await sign();

    expect(tokens.known(token)).toBeUndefined();
    expect(await tokens.verify(token)).toEqual({ userId: "usr_1", role: "staff" });
    expect(tokens.known(token)).toEqual({ userId: "usr_1", role: "staff" });
  });

  test("a token that was remembered ends when it says so", async () => {
    const { tokens, sign, world } = await openDesk();
    const token = await sign();
    await tokens.verify(token);
    await world.run(601_000);

    expect(tokens.known(token)).toBeUndefined();
    await world.run(10_000);
    await expect(tokens.verify(token)).rejects.toMatchObject({ type: "invalid_token" });
  });

  test.each<[string, Claims, Claims]>([
    ["another issuer", { iss: "other" }, {}],
    ["no issuer", { iss: undefined }, {}],
    ["another audience", { aud: "other" }, {}],
    ["no audience", { aud: undefined }, {}],
    ["no owner", { sub: undefined }, {}],
    ["an empty owner", { sub: "" }, {}],
    ["an owner that is an object", { sub: { $ne: null } }, {}],
    ["no end", { exp: undefined }, {}],
    ["an end that is past", { exp: 1_700_000_000 }, {}],
    ["a beginning that is to come", { nbf: 4_000_000_000 }, {}],
    ["an unknown role", { role: "root" }, {}],
    ["no role", { role: undefined }, {}],
    ["a role that is a list", { role: ["admin"] }, {}],
    ["another type", {}, { typ: "JWT" }],
    ["no type", {}, { typ: undefined }],
    ["an unknown key", {}, { kid: "two" }],
    ["no key", {}, { kid: undefined }],
    ["a key that is a path", {}, { kid: "../../etc/passwd" }],
    ["a key of its own", {}, { kid: "two", jku: "https://evil.example/keys" }],
  ])("%s is refused", async (_what, claims, header) => {
    const { tokens, sign } = await openDesk();

    await expect(tokens.verify(await sign(claims, header))).rejects.toMatchObject({ type: "invalid_token" });
  });

  test("the token's own word on algorithm and key counts for nothing", async () => {
    const { tokens, sign, jwk } = await openDesk();
    const token = await sign();
    const [, payload] = token.split(".");
    const head = (header: object) => Buffer.from(JSON.stringify(header)).toString("base64url");
    const none = `${head({ alg: "none", typ: "at+jwt", kid: "one" })}.${payload}.`;
    const publicBytes = Buffer.from(jwk.x ?? "", "base64url");
    const confused = await new SignJWT({ iss: "lonja", aud: "lonja", sub: "usr_1", role: "admin" })
      .setProtectedHeader({ alg: "HS256", typ: "at+jwt", kid: "one" })
      .setExpirationTime("1h")
      .sign(new Uint8Array(Buffer.concat([publicBytes, publicBytes])));
    const other = await generateKeyPair("EdDSA", { extractable: true });
    const foreign = await sign({}, { jwk: await exportJWK(other.publicKey) }, other.privateKey);

    for (const forged of [none, confused, foreign])
      await expect(tokens.verify(forged)).rejects.toMatchObject({ type: "invalid_token" });
  });

  test("a token with any byte changed is refused", async () => {
    const { tokens, sign } = await openDesk();
    const token = await sign();
    for (let at = 0; at < token.length - 1; at += 7) {
      const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
      await expect(tokens.verify(changed)).rejects.toMatchObject({ type: "invalid_token" });
    }
  });

  test("an unknown key is looked for, but not with every token that names one", async () => {
    const { tokens, sign, state, world } = await openDesk();
    await tokens.verify(await sign());
    const stranger = await sign({}, { kid: "two" });
    await world.run(4_000);
    for (let n = 0; n < 20; n++) await tokens.verify(stranger).catch(() => {});
    expect(state.asked).toBe(2);

    state.keys = [...state.keys, { ...(state.keys[0] as JWK), kid: "two" }];
    await world.run(4_000);
    expect(await tokens.verify(stranger)).toMatchObject({ userId: "usr_1" });
  });

  test("tokens of a new key that come together are all good, though the key is asked for once", async () => {
    const { tokens, sign, state, world } = await openDesk();
    await tokens.verify(await sign());
    const fresh = await Promise.all([1, 2, 3].map((n) => sign({ sub: `usr_${n}` }, { kid: "two" })));
    state.keys = [...state.keys, { ...(state.keys[0] as JWK), kid: "two" }];
    await world.run(4_000);

    const callers = await Promise.all(fresh.map((token) => tokens.verify(token)));
    expect(callers.map(({ userId }) => userId)).toEqual(["usr_1", "usr_2", "usr_3"]);
    expect(state.asked).toBe(2);
  });

  test("while nobody gives out keys, the known ones go on; without any, it is said to come back", async () => {
    const { tokens, sign, state, world } = await openDesk();
    state.isAway = true;
    await expect(tokens.verify(await sign())).rejects.toMatchObject({ type: "unavailable" });

    state.isAway = false;
    await tokens.verify(await sign());
    state.isAway = true;
    await world.run(400_000);
    expect(await tokens.verify(await sign())).toMatchObject({ userId: "usr_1" });
  });

  test("a key that was withdrawn stops counting", async () => {
    const { tokens, sign, state, world } = await openDesk();
    await tokens.verify(await sign());
    state.keys = [{ ...(state.keys[0] as JWK), kid: "two" }];
    await world.run(301_000);
    await tokens.verify(await sign());
    await world.run(1);

    await expect(tokens.verify(await sign({ role: "admin" }))).rejects.toMatchObject({ type: "invalid_token" });
  });

  test.each(["", "Basic YTpi", "Bearer", "Bearer a b", `Bearer ${"a".repeat(5000)}`, "Bearer a\u00e9"])(
    "Authorization: %s holds no token",
    (header) => {
      expect(() => bearerToken(header)).toThrow(expect.objectContaining({ type: "invalid_token" }));
    },
  );
});
