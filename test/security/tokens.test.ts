import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject, sign as signBytes } from "node:crypto";
import type { Collection } from "../../mixins/store.mixin.ts";
import { realWorld, type World } from "../../services/shared/world.ts";
import type { Secrets } from "../../services/users/token.edge.ts";
import { Client } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

const eva = { email: "eva@lonja.test", password: "seven salty sardines" };
const encoded = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** Everything that there is to make an access token of. */
interface Makings {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  key: KeyObject;
  refreshToken: string;
  /** The published key, as bytes, as it stands in the key set, and its name. */
  x: string;
  kid: string;
  now: number;
}
type Make = (makings: Makings) => string;

const signed = ({ header, claims, key }: Pick<Makings, "header" | "claims" | "key">): string => {
  const text = `${encoded(header)}.${encoded(claims)}`;
  return `${text}.${signBytes(null, Buffer.from(text), key).toString("base64url")}`;
};
const withHeader =
  (more: Record<string, unknown>): Make =>
  (from) =>
    signed({ ...from, header: { ...from.header, ...more } });
const withClaims =
  (more: (now: number) => Record<string, unknown>): Make =>
  (from) =>
    signed({ ...from, claims: { ...from.claims, ...more(from.now) } });
/** The published key taken for a secret, as who mixes up algorithms would. */
const withHmac =
  (alg: string, secretOf: (from: Makings) => Buffer | string): Make =>
  (from) => {
    const text = `${encoded({ ...from.header, alg })}.${encoded({ ...from.claims, role: "admin" })}`;
    return `${text}.${createHmac(alg.replace("HS", "sha"), secretOf(from)).update(text).digest("base64url")}`;
  };
const unsigned =
  (alg: string, signature = ""): Make =>
  ({ header, claims }) =>
    `${encoded({ ...header, alg })}.${encoded({ ...claims, role: "admin" })}.${signature}`;
const stranger = generateKeyPairSync("ed25519");
const ofStranger =
  (more: Record<string, unknown> = {}): Make =>
  (from) =>
    signed({ ...from, header: { ...from.header, ...more }, key: stranger.privateKey });
const parts = (from: Makings) => signed(from).split(".") as [string, string, string];

const forged: readonly [what: string, make: Make][] = [
  ["no algorithm", unsigned("none")],
  ["no algorithm, in other letters", unsigned("nOnE")],
  ["an empty algorithm", unsigned("")],
  ["no algorithm, with the right signature", (from) => unsigned("none", parts(from)[2])(from)],
  ["no signature", (from) => `${parts(from).slice(0, 2).join(".")}.`],
  ["two parts", (from) => parts(from).slice(0, 2).join(".")],
  ["four parts", (from) => `${signed(from)}.x`],
  ["five parts, as if encrypted", (from) => `${signed(from)}.x.x`],
  ["empty parts", () => ".."],
  ["the published key as a secret", withHmac("HS256", ({ x }) => Buffer.from(x, "base64url"))],
  ["the published key as a secret, as text", withHmac("HS256", ({ x }) => x)],
  [
    "its key set as a secret",
    withHmac("HS512", ({ x, kid }) => JSON.stringify({ kty: "OKP", crv: "Ed25519", x, kid })),
  ],
  ["an empty secret", withHmac("HS256", () => "")],
  ["a secret of one zero", withHmac("HS384", () => Buffer.alloc(1))],
  ["the name of the key as a secret", withHmac("HS256", ({ kid }) => kid)],
  ["another algorithm's name on the right signature", withHeader({ alg: "ES256" })],
  ["RSA's name on the right signature", withHeader({ alg: "RS256" })],
  ["the algorithm as a list", withHeader({ alg: ["EdDSA"] })],
  ["no name of an algorithm", withHeader({ alg: undefined })],
  ["the key of a stranger", ofStranger()],
  ["the key of a stranger, brought along", ofStranger({ jwk: stranger.publicKey.export({ format: "jwk" }) })],
  ["the key of a stranger, to be fetched", ofStranger({ jku: "https://evil.example.com/jwks.json" })],
  ["the certificate of a stranger, to be fetched", ofStranger({ x5u: "https://evil.example.com/cert.pem" })],
  ["the certificate of a stranger", ofStranger({ x5c: ["MIIB"] })],
  ["a key that nobody knows", ofStranger({ kid: "unknown" })],
  ["the right key under another name", withHeader({ kid: "unknown" })],
  ["no name of a key", withHeader({ kid: undefined })],
  ["an empty name of a key", withHeader({ kid: "" })],
  ["a path for a key", withHeader({ kid: "../../../../dev/null" })],
  ["SQL for a key", withHeader({ kid: "x' UNION SELECT 'secret'; --" })],
  ["a prototype for a key", withHeader({ kid: "__proto__" })],
  ["a number for a key", withHeader({ kid: 0 })],
  ["an object for a key", withHeader({ kid: { toString: "x" } })],
  ["a huge name of a key", withHeader({ kid: "k".repeat(2_000) })],
  ["another type", withHeader({ typ: "JWT" })],
  ["the type of an identity", withHeader({ typ: "id_token+jwt" })],
  ["no type", withHeader({ typ: undefined })],
  ["what has to be understood and is not", withHeader({ crit: ["exp"], exp: 1 })],
  ["a payload that is not encoded", withHeader({ crit: ["b64"], b64: false })],
  ["a list that has to be understood and is empty", withHeader({ crit: [] })],
  ["another issuer", withClaims(() => ({ iss: "lonja-staging" }))],
  ["no issuer", withClaims(() => ({ iss: undefined }))],
  ["issuers", withClaims(() => ({ iss: ["lonja"] }))],
  ["another audience", withClaims(() => ({ aud: "another" }))],
  ["no audience", withClaims(() => ({ aud: undefined }))],
  ["an audience that only begins alike", withClaims(() => ({ aud: "lonja.example.com" }))],
  ["its end six seconds ago", withClaims((now) => ({ exp: now - 6 }))],
  ["its end long ago", withClaims(() => ({ exp: 0 }))],
  ["no end", withClaims(() => ({ exp: undefined }))],
  ["its end as text", withClaims((now) => ({ exp: String(now + 600) }))],
  ["an end that is no time", withClaims(() => ({ exp: "never" }))],
  ["its beginning in eight seconds", withClaims((now) => ({ nbf: now + 8 }))],
  ["a beginning that is no time", withClaims(() => ({ nbf: "now" }))],
  ["nobody", withClaims(() => ({ sub: undefined }))],
  ["an empty name", withClaims(() => ({ sub: "" }))],
  ["somebody who is a list", withClaims(() => ({ sub: ["usr_1"] }))],
  ["no role", withClaims(() => ({ role: undefined }))],
  ["a role that there is not", withClaims(() => ({ role: "root" }))],
  ["roles", withClaims(() => ({ role: ["admin"] }))],
  ["a role of the prototype", withClaims(() => ({ role: "constructor" }))],
  [
    "a role that was raised",
    (from) => [parts(from)[0], encoded({ ...from.claims, role: "admin" }), parts(from)[2]].join("."),
  ],
  [
    "another's name",
    (from) => [parts(from)[0], encoded({ ...from.claims, sub: "usr_0123456789" }), parts(from)[2]].join("."),
  ],
  [
    "a signature one letter off",
    (from) => signed(from).replace(/\.(.)([^.]*)$/, (_, a, rest) => `.${a === "A" ? "B" : "A"}${rest}`),
  ],
  ["a signature cut short", (from) => signed(from).slice(0, -4)],
  ["a signature with more to it", (from) => `${signed(from)}AAAA`],
  ["a signature of zeros", (from) => `${parts(from).slice(0, 2).join(".")}.${"A".repeat(86)}`],
  ["letters that base64 has and base64url has not", (from) => signed(from).replace(/\.(..)/, ".+/")],
  ["a header that is no JSON", (from) => `${encoded("{")}.${parts(from).slice(1).join(".")}`],
  ["a header that is a list", (from) => `${encoded([])}.${parts(from).slice(1).join(".")}`],
  ["a header that is null", (from) => `${encoded(null)}.${parts(from).slice(1).join(".")}`],
  ["claims that are a list", (from) => signed({ ...from, claims: [] as never })],
  ["claims that are null", (from) => signed({ ...from, claims: null as never })],
  ["a refresh token", ({ refreshToken }) => refreshToken],
  ["a huge token", withClaims(() => ({ more: "x".repeat(5_000) }))],
  ["one letter", () => "x"],
  ["an API key of another kind", () => "lk_0123456789abcdef"],
];

describe("an access token", () => {
  let shop: Shop;
  let guest: Client;
  let makings: Makings;
  let aheadMs = 0;
  const world: World = { ...realWorld, now: () => realWorld.now() + aheadMs };

  beforeAll(async () => {
    shop = await openShop({ services: ["gateway", "inventory", "users"], world });
    guest = new Client(shop.url);
    const { body } = await guest.post("/v1/auth/register", eva);
    const [header, claims] = body.accessToken
      .split(".")
      .map((part: string) => Buffer.from(part, "base64url").toString());
    const { secrets } = shop.broker.getLocalService("users") as unknown as { secrets: Collection<Secrets> };
    const { privateKey, kid } = (await secrets.get("current")) as Secrets;
    makings = {
      header: JSON.parse(header),
      claims: JSON.parse(claims),
      key: createPrivateKey({ key: privateKey, format: "jwk" }),
      refreshToken: body.refreshToken,
      x: privateKey.x,
      kid,
      now: Math.floor(Date.now() / 1000),
    };
  });
  afterAll(() => shop.close());

  const ask = (token: string, path = "/v1/me") => guest.get(path, { authorization: `Bearer ${token}` });
  const fresh = () => ({ ...makings, now: Math.floor(Date.now() / 1000) });

  test("signed with the shop's own key is believed, so a forged one would be if it were not looked at", async () => {
    expect((await ask(signed(makings))).status).toBe(200);
    // Even then its word for a role is not enough: staff are looked up.
    const asAdmin = withClaims(() => ({ role: "admin" }))(makings);
    expect((await ask(asAdmin, "/v1/admin/users")).status).toBe(403);
  });

  test.each(forged)("with %s is not", async (_what, make) => {
    const token = make(fresh());
    for (const path of ["/v1/me", "/v1/inventory/MUG", "/v1/admin/users"]) {
      const { status, body, headers } = await ask(token, path);
      expect([path, status, body.code]).toEqual([path, 401, "invalid_token"]);
      expect(headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
    }
  });

  test("is taken a few seconds early or late, as far as clocks are apart, and no more", async () => {
    const at = async (claims: (now: number) => Record<string, unknown>) =>
      (await ask(withClaims(claims)(fresh()))).status;
    expect(await at((now) => ({ exp: now - 2 }))).toBe(200);
    expect(await at((now) => ({ nbf: now + 2 }))).toBe(200);
    expect(await at((now) => ({ exp: now - 7 }))).toBe(401);
    expect(await at((now) => ({ nbf: now + 8 }))).toBe(401);
  });

  test("that is shown in another way than as a bearer's is none", async () => {
    const token = signed(makings);
    const shown = [
      `Basic ${token}`,
      token,
      `Bearer`,
      `Bearer  `,
      `Bearer ${token} ${token}`,
      `Bearer ${token},`,
      `Token ${token}`,
    ];
    for (const authorization of shown) expect((await guest.get("/v1/me", { authorization })).status).toBe(401);
    const elsewhere = [
      await guest.get(`/v1/me?access_token=${token}`),
      await guest.get("/v1/me", { cookie: `accessToken=${token}` }),
      await guest.get("/v1/me", { "x-authorization": `Bearer ${token}` }),
      await guest.get("/v1/me", { "x-user-id": String(makings.claims.sub), "x-role": "admin" }),
    ];
    for (const { status } of elsewhere) expect(status).toBe(401);
  });

  test("ends with its time at a gateway that has believed it before", async () => {
    const token = signed(makings);
    expect((await ask(token)).status).toBe(200);
    aheadMs = 606_000;
    const late = await ask(token);
    aheadMs = 0;
    expect(late.status).toBe(401);
  });
});
