import { argon2Sync } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createLocalJWKSet, jwtVerify } from "jose";
import { realWorld } from "../../services/shared/world.ts";
import { Passwords } from "../../services/users/password.edge.ts";
import { openShop, type Shop } from "../shop.ts";

const eva = { email: "eva@lonja.test", password: "seven salty sardines", name: "Eva" };
const refused = { type: "invalid_credentials", code: 401 };

describe("signing in", () => {
  let shop: Shop;

  beforeEach(async () => {
    shop = await openShop({ services: ["users"] });
  });
  afterEach(() => shop.close());

  const register = (who: Partial<typeof eva> = {}) => shop.call("users.register", { ...eva, ...who });
  const login = (email = eva.email, password = eva.password) => shop.call("users.login", { email, password });
  const as = (userId: string) => ({ meta: { caller: { userId, role: "customer" as const } } });
  const refusalOf = (call: Promise<unknown>) =>
    call.then(
      () => undefined,
      ({ type, code, message, data }) => ({ type, code, message, data }),
    );

  test("an account is opened, signed in to and looked at", async () => {
    const { user } = await register();
    const again = await login("EVA@lonja.test");

    expect(user).toMatchObject({ email: eva.email, name: "Eva", role: "customer", disabled: false });
    expect(again).toMatchObject({ user, expiresIn: 600 });
    expect(await shop.call("users.me", {}, as(user.id))).toEqual(user);
    expect(await shop.call("users.changeMe", { name: "Eva M." }, as(user.id))).toMatchObject({ name: "Eva M." });
  });

  test("a wrong password, an unknown address and a disabled account are refused alike", async () => {
    const { user } = await register();
    const { user: gone } = await register({ email: "gone@lonja.test" });
    await shop.call("users.change", { id: gone.id, disabled: true });

    const wrong = await refusalOf(login(user.email, "seven sweet sardines"));

    expect(wrong).toMatchObject(refused);
    expect(await refusalOf(login("nobody@lonja.test"))).toEqual(wrong);
    expect(await refusalOf(login(gone.email))).toEqual(wrong);
  });

  test("two who register one address at once open one account", async () => {
    const outcomes = await Promise.allSettled([register(), register({ email: "Eva@Lonja.Test" }), register()]);
    const { data } = await shop.call("users.list", { email: eva.email });

    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(outcomes.find((one) => one.status === "rejected")?.reason).toMatchObject({ type: "already_exists" });
    expect(data).toHaveLength(1);
  });

  test("passwords of 128 characters and of any script are taken whole", async () => {
    const long = `${"🐟".repeat(127)}1`;
    await register({ password: long });
    await register({ email: "ines@lonja.test", password: "contrasen\u0303a muy salada" });

    expect(await login(eva.email, long)).toMatchObject({ user: { email: eva.email } });
    await expect(login(eva.email, `${"🐟".repeat(127)}2`)).rejects.toMatchObject(refused);
    expect(await login("ines@lonja.test", "contraseña muy salada")).toMatchObject({ expiresIn: 600 });
  });

  test.each([
    ["too short", "sardine"],
    ["too long", "s".repeat(129)],
    ["too common", "Password123"],
    ["half of a surrogate pair", "\ud83d sardines"],
  ])("a password that is %s is bad input", async (_what, password) => {
    await expect(register({ password })).rejects.toMatchObject({
      type: "invalid_input",
      data: { errors: [{ path: "password" }] },
    });
  });

  test("an access token is what the published keys say, and tells nothing of the person", async () => {
    const { user, accessToken } = await register();
    const jwks = await shop.call("users.keys", {});

    expect(jwks.keys).toEqual([
      { kty: "OKP", crv: "Ed25519", use: "sig", alg: "EdDSA", x: expect.any(String), kid: expect.any(String) },
    ]);
    const { payload, protectedHeader } = await jwtVerify(accessToken, createLocalJWKSet(jwks), {
      issuer: "lonja",
      audience: "lonja",
      typ: "at+jwt",
      algorithms: ["EdDSA"],
    });
    expect(protectedHeader).toEqual({ alg: "EdDSA", typ: "at+jwt", kid: jwks.keys[0]?.kid });
    expect(Object.keys(payload).sort()).toEqual(["aud", "exp", "iat", "iss", "jti", "nbf", "role", "sub"]);
    expect(payload).toMatchObject({ sub: user.id, role: "customer", exp: (payload.iat ?? 0) + 600 });
  });

  test("a token altered by one letter does not verify", async () => {
    const { accessToken } = await register();
    const keys = createLocalJWKSet(await shop.call("users.keys", {}));
    const [head, body, signature = ""] = accessToken.split(".");
    const altered = `${signature[0] === "A" ? "B" : "A"}${signature.slice(1)}`;

    await expect(jwtVerify([head, body, altered].join("."), keys)).rejects.toThrow();
  });

  test("somebody who is not signed in, or disabled since, is nobody", async () => {
    const { user } = await register();
    await shop.call("users.change", { id: user.id, disabled: true });

    await expect(shop.call("users.me", {})).rejects.toMatchObject({ type: "unauthenticated" });
    await expect(shop.call("users.me", {}, as(user.id))).rejects.toMatchObject({ type: "unauthenticated" });
    await expect(shop.call("users.changeMe", { name: "x" }, as(user.id))).rejects.toMatchObject({
      type: "unauthenticated",
    });
  });

  test("an address of unusual letters is kept as it is, and is no other's", async () => {
    const { user } = await register({ email: "\u212Aarl@lonja.test" });

    expect(user.email).toBe("\u212Aarl@lonja.test");
    await expect(login("karl@lonja.test")).rejects.toMatchObject(refused);
    expect(await register({ email: `${"İ".repeat(64)}@lonja.test` })).toMatchObject({ expiresIn: 600 });
  });
});

describe("what is kept", () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "lonja-"));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  test("neither passwords nor tokens are in the store", async () => {
    const shop = await openShop({ services: ["users"], dataDir });
    const first = await shop.call("users.register", eva);
    const second = await shop.call("users.refresh", { refreshToken: first.refreshToken });
    await shop.close();

    const stored = readdirSync(dataDir)
      .map((file) => readFileSync(join(dataDir, file), "latin1"))
      .join();
    expect(stored).toContain(eva.email);
    const secrets = [eva.password, first.accessToken, ...[first, second].map((one) => one.refreshToken.split(".")[1])];
    for (const secret of secrets) expect(stored).not.toContain(secret);
  });

  test("a password kept with weaker parameters is kept anew when its owner signs in", async () => {
    const shop = await openShop({ services: ["users"], dataDir });
    await shop.call("users.register", eva);
    await shop.close();
    const nonce = Buffer.alloc(16, 7);
    const weak = { message: eva.password, nonce, memory: 8192, passes: 1, parallelism: 1, tagLength: 32 };
    const kept = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "");
    const phc = `$argon2id$v=19$m=8192,t=1,p=1$${kept(nonce)}$${kept(argon2Sync("argon2id", weak))}`;
    const where = "json_extract(doc, '$.email') = ?";
    const inStore = <T>(use: (db: DatabaseSync) => T): T => {
      const db = new DatabaseSync(join(dataDir, "lonja.db"));
      try {
        return use(db);
      } finally {
        db.close();
      }
    };
    inStore((db) =>
      db.prepare(`UPDATE users_accounts SET doc = json_set(doc, '$.password', ?) WHERE ${where}`).run(phc, eva.email),
    );

    const again = await openShop({ services: ["users"], dataDir });
    await again.call("users.login", { email: eva.email, password: eva.password });
    await again.call("users.login", { email: eva.email, password: eva.password });
    await again.close();

    const row = inStore((db) => db.prepare(`SELECT doc FROM users_accounts WHERE ${where}`).get(eva.email));
    expect(JSON.parse(String(row?.doc)).password).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  test("who comes when too many wait for their password to be looked at is asked to come again", async () => {
    const passwords = new Passwords(realWorld, 2);
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => passwords.keep(eva.password)));
    const refusals = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));

    expect(refusals.length).toBeGreaterThanOrEqual(2);
    expect(refusals[0]).toMatchObject({ type: "unavailable", data: { retryAfterSeconds: expect.any(Number) } });
    await expect(passwords.matches(eva.password, await passwords.keep(eva.password))).resolves.toBe(true);
  });
});
