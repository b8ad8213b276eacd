import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { realWorld, type World } from "../../services/shared/world.ts";
import { adminOf, Client } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

const eva = { email: "eva@lonja.test", password: "seven salty sardines" };

describe("who is asking", () => {
  let shop: Shop;
  let guest: Client;
  let admin: Client;
  let customer: Client;
  let token: string;
  let aheadMs = 0;
  const world: World = { ...realWorld, now: () => realWorld.now() + aheadMs };

  beforeAll(async () => {
    shop = await openShop({ services: ["gateway", "inventory", "users"], world });
    guest = new Client(shop.url);
    admin = await adminOf(shop.url);
    token = (await guest.post("/v1/auth/register", eva)).body.accessToken;
    customer = await new Client(shop.url).login(eva.email, eva.password);
  });
  afterAll(() => shop.close());

  const withToken = (path: string, authorization: string) => guest.get(path, { authorization });

  test("nobody, a customer and an admin get as far as they may", async () => {
    const asked = (path: string) => Promise.all([guest, customer, admin].map((one) => one.get(path)));
    const statuses = async (path: string) => (await asked(path)).map(({ status }) => status);

    expect(await statuses("/.well-known/jwks.json")).toEqual([200, 200, 200]);
    expect(await statuses("/v1/me")).toEqual([401, 200, 200]);
    expect(await statuses("/v1/admin/users")).toEqual([401, 403, 200]);
    const [refused, forbidden] = await asked("/v1/admin/users");
    expect([refused?.body.code, refused?.headers.get("www-authenticate")]).toEqual(["unauthenticated", "Bearer"]);
    expect(forbidden?.body.code).toBe("forbidden");
  });

  test("refused before anything of a body is read", async () => {
    const answer = await guest.post("/v1/admin/imports", "x".repeat(5_000_000), { "content-type": "text/csv" });

    expect(answer.status).toBe(401);
  });

  test("a bad token is refused even where none is needed", async () => {
    const [header = "", payload = "", signature = ""] = token.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    const raised = Buffer.from(JSON.stringify({ ...claims, role: "admin" })).toString("base64url");
    const { privateKey, publicKey } = await generateKeyPair("EdDSA", { extractable: true });
    const { kid } = JSON.parse(Buffer.from(header, "base64url").toString());
    const foreign = await new SignJWT(claims)
      .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid, jwk: await exportJWK(publicKey) })
      .sign(privateKey);
    const none = Buffer.from(JSON.stringify({ alg: "none", typ: "at+jwt", kid })).toString("base64url");
    const bad = [
      `Bearer ${header}.${raised}.${signature}`,
      `Bearer ${foreign}`,
      `Bearer ${none}.${raised}.`,
      `Bearer ${header}.${payload}`,
      `Bearer ${token}x`,
      "Bearer lk_none",
      "Basic YWRtaW46YWRtaW4=",
      `Bearer ${"x".repeat(10_000)}`,
      token,
    ];

    for (const authorization of bad)
      for (const path of ["/v1/inventory/MUG", "/v1/me"]) {
        const { status, body, headers } = await withToken(path, authorization);
        expect([status, body.code]).toEqual([401, "invalid_token"]);
        expect(headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
      }
    expect((await withToken("/v1/me", `bearer ${token}`)).status).toBe(200);
  });

  test("a refresh token is no access token", async () => {
    const { body } = await guest.post("/v1/auth/login", eva);

    expect((await withToken("/v1/me", `Bearer ${body.refreshToken}`)).status).toBe(401);
  });

  test("a token ends with its time, though it was seen before", async () => {
    expect((await withToken("/v1/me", `Bearer ${token}`)).status).toBe(200);
    aheadMs = 700_000;
    const late = await withToken("/v1/me", `Bearer ${token}`);
    aheadMs = 0;

    expect([late.status, late.body.code]).toEqual([401, "invalid_token"]);
  });

  test("a token that has ended keeps nobody from signing in, from a new one, or from a probe", async () => {
    const ended = { authorization: `Bearer ${token}` };
    const { body: session } = await guest.post("/v1/auth/login", eva);
    aheadMs = 700_000;
    const refreshed = await guest.post("/v1/auth/refresh", { refreshToken: session.refreshToken }, ended);
    const answers = [
      await guest.post("/v1/auth/login", eva, ended),
      await guest.post("/v1/auth/logout", { refreshToken: refreshed.body.refreshToken }, ended),
      await guest.get("/health/ready", ended),
      await guest.get("/.well-known/jwks.json", { authorization: "Basic YTpi" }),
      await guest.get("/v1/me", ended),
    ];
    aheadMs = 0;

    expect(refreshed.status).toBe(200);
    expect(answers.map(({ status }) => status)).toEqual([200, 204, 200, 200, 401]);
  });

  test("If-Match holds a change to the version that was read", async () => {
    const { body, headers } = await customer.get("/v1/me");
    const rename = (name: string, ifMatch: string) =>
      customer.send("PATCH", "/v1/me", { name }, { "if-match": ifMatch });
    const first = await rename("Eva", headers.get("etag") ?? "");
    const late = await rename("Evita", `"${body.version}"`);
    const other = await rename("Evita", '"something"');

    expect([first.status, first.body.version]).toEqual([200, body.version + 1]);
    expect([late.status, late.body.code]).toEqual([412, "version_conflict"]);
    expect(other.status).toBe(412);
    expect((await rename("Eva M.", `"v${first.body.version}"`)).status).toBe(200);
  });
});
