import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Middleware } from "moleculer";
import { SqliteAdapter } from "../../mixins/sqlite.adapter.ts";
import { SqliteFile } from "../../mixins/sqlite.file.ts";
import { realWorld, type World } from "../../services/shared/world.ts";
import { adminOf, Client, type Reply } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";
import { Chance } from "./chance.ts";

const password = "seven salty sardines";
const ORDERS = 20;

describe("a session at two doors, each with accounts of its own, on one store", () => {
  let folder: string;
  let doors: [Shop, Shop];
  let clients: [Client, Client];
  let aheadMs = 0;
  let people = 0;
  const world: World = { ...realWorld, now: () => realWorld.now() + aheadMs };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "lonja-doors-"));
    const file = new SqliteFile(join(folder, "shared.db"));
    const between: Middleware = {
      created: (broker) => void Object.assign(broker, { openStore: () => new SqliteAdapter(() => file) }),
    };
    const open = () => openShop({ services: ["gateway", "users"], world, dataDir: folder, between });
    doors = [await open(), await open()];
    clients = [new Client(doors[0].url), new Client(doors[1].url)];
  });
  afterAll(async () => {
    for (const door of doors) await door.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => {
    aheadMs = 0;
  });

  const begin = async () => {
    const { body } = await clients[0].post("/v1/auth/register", { email: `p${++people}@lonja.test`, password });
    return body as { refreshToken: string; accessToken: string; user: { id: string } };
  };
  const refresh = (refreshToken: string, door = 0): Promise<Reply> =>
    (clients[door] as Client).post("/v1/auth/refresh", { refreshToken });

  test.each(Array.from({ length: ORDERS }, (_, n) => n + 1))(
    "order %d: however often a token is used at once, and wherever, it has one successor",
    async (seed) => {
      const chance = new Chance(seed);
      let { refreshToken: now } = await begin();
      const used: string[] = [];
      for (let step = 0; step < 4; step++) {
        const uses = Array.from({ length: 2 + chance.below(5) }, () => chance.below(2));
        // Some use the token that was the right one a moment ago: their answer may have been lost.
        const late = used.at(-1);
        const asked = uses.map((door) => refresh(now, door));
        const answers = await Promise.all(asked);
        expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
        const successors = new Set(answers.map(({ body }) => body.refreshToken));
        expect(successors.size).toBe(1);
        used.push(now);
        now = [...successors][0] as string;
        expect(now).not.toBe(late);
      }
      const stolen = chance.pick(used.slice(0, -1));
      const [thief, owner] = await Promise.all([refresh(stolen, chance.below(2)), refresh(now, chance.below(2))]);
      // Whoever comes first: the thief gets nothing, and what the owner may have got is worth nothing any more.
      expect(thief.status).toBe(401);
      const left = [now, owner.body.refreshToken ?? now, used.at(-1) as string];
      for (const token of left) for (const door of [0, 1]) expect((await refresh(token, door)).status).toBe(401);
    },
  );

  test("a lost answer is given again at the other door, for ten seconds and no longer", async () => {
    const { refreshToken } = await begin();
    const lost = await refresh(refreshToken, 0);
    aheadMs = 9_000;
    const again = await refresh(refreshToken, 1);
    aheadMs = 20_500;
    const late = await refresh(refreshToken, 1);

    expect([again.status, again.body.refreshToken]).toEqual([200, lost.body.refreshToken]);
    expect(late.status).toBe(401);
    expect((await refresh(lost.body.refreshToken, 0)).status).toBe(401);
  });

  test("who signs out at one door is signed out at the other", async () => {
    const { refreshToken } = await begin();
    await clients[0].post("/v1/auth/logout", { refreshToken });

    expect((await refresh(refreshToken, 1)).status).toBe(401);
  });

  test("who is disabled at one door gets no new token at the other, nor by signing in anew", async () => {
    const { refreshToken, user } = await begin();
    await doors[0].call("users.change", { id: user.id, disabled: true });

    expect((await refresh(refreshToken, 1)).status).toBe(401);
    expect((await clients[1].post("/v1/auth/login", { email: `p${people}@lonja.test`, password })).status).toBe(401);
  });

  test("who is staff no more may not do what staff do, at once and at any door, whatever the token says", async () => {
    const { user } = await begin();
    const change = (to: object) => doors[0].call("users.change", { id: user.id, ...to });
    await change({ role: "staff" });
    const login = await clients[0].post("/v1/auth/login", { email: `p${people}@lonja.test`, password });
    const authorization = `Bearer ${login.body.accessToken}`;
    const look = () =>
      Promise.all(clients.map(async (door) => (await door.get("/v1/admin/users", { authorization })).status));

    expect(await look()).toEqual([200, 200]);
    await change({ role: "customer" });
    expect(await look()).toEqual([403, 403]);
    await change({ role: "staff" });
    expect(await look()).toEqual([200, 200]);
    await change({ disabled: true });
    expect(await look()).toEqual([401, 401]);
  });

  test("a token that one door has given out is good at the other", async () => {
    const { accessToken } = await begin();
    const { status } = await clients[1].get("/v1/me", { authorization: `Bearer ${accessToken}` });
    expect(status).toBe(200);
  });
});

test("while nobody can say who is staff by now, the office works on with what its tokens say", async () => {
  const shop = await openShop({ services: ["gateway", "inventory", "users"] });
  const admin = await adminOf(shop.url);
  const adjust = () => admin.post("/v1/admin/inventory/MUG/adjustments", { delta: 1, reason: "delivery" });
  expect((await adjust()).status).toBe(200);
  await shop.broker.destroyService("users");
  const away = await adjust();
  await shop.close();

  expect([away.status, away.body.onHand]).toEqual([200, 2]);
});

describe("what tells whether somebody has an account", () => {
  let shop: Shop;
  let guest: Client;
  /** It stands still: nothing is forgiven meanwhile. */
  const world: World = { ...realWorld, now: () => Date.parse("2026-01-01T12:00:00.000Z") };

  beforeEach(async () => {
    shop = await openShop({ services: ["gateway", "users"], world, env: { RATE_LIMIT: "on" } });
    guest = new Client(shop.url);
    for (const name of ["ana", "gone"])
      await guest.post("/v1/auth/register", { email: `${name}@lonja.test`, password });
    const { data } = await shop.call("users.list", { email: "gone@lonja.test" });
    await shop.call("users.change", { id: data[0]?.id ?? "", disabled: true });
  });
  afterEach(() => shop.close());

  const login = (email: string, word = "seven sweet sardines", headers = {}) =>
    guest.post("/v1/auth/login", { email, password: word }, headers);
  const said = ({ status, headers, body }: Reply) => ({
    status,
    body: { ...body, requestId: undefined },
    headers: [...headers].filter(([name]) => !["x-request-id", "date", "content-length"].includes(name)),
  });

  test("is not how a sign-in is refused: no account, a wrong password and a disabled account are told alike", async () => {
    const wrong = said(await login("ana@lonja.test"));
    expect(wrong).toMatchObject({ status: 401, body: { code: "invalid_credentials" } });
    expect(said(await login("nobody@lonja.test"))).toEqual(wrong);
    expect(said(await login("gone@lonja.test", password))).toEqual(wrong);
    expect(said(await login("gone@lonja.test"))).toEqual(wrong);
  });

  test("is not how patience ends: accounts that there are and those that there are not wait alike", async () => {
    const sixth = async (email: string) => {
      for (let n = 0; n < 5; n++) await login(email);
      return said(await login(email, password));
    };
    const [known, unknown] = [await sixth("ana@lonja.test"), await sixth("nobody@lonja.test")];
    expect(known).toMatchObject({ status: 429 });
    expect(unknown).toEqual(known);
  });

  test("is not what becomes of a refresh token or a sign-out that is none", async () => {
    const garbage = ["x", `ses_${"0".repeat(32)}.${"A".repeat(43)}`, "a".repeat(512)];
    const told = await Promise.all(garbage.map((refreshToken) => guest.post("/v1/auth/refresh", { refreshToken })));
    expect(new Set(told.map((answer) => JSON.stringify(said(answer)))).size).toBe(1);
    const left = await Promise.all(garbage.map((refreshToken) => guest.post("/v1/auth/logout", { refreshToken })));
    expect(new Set(left.map((answer) => JSON.stringify(said(answer)))).size).toBe(1);
  });

  test("whoever guesses from one place waits, however many places they say they are", async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 40; n++) {
      const from = {
        "x-forwarded-for": `203.0.113.${n}`,
        "x-real-ip": `203.0.113.${n}`,
        forwarded: `for=203.0.113.${n}`,
      };
      statuses.push((await login(`guess-${n}@lonja.test`, "seven sweet sardines", from)).status);
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(30);
    expect(statuses.slice(30)).toEqual(Array(10).fill(429));
  });
});
