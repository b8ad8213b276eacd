import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { everyService } from "../cluster.ts";
import { park } from "../dead-letter.ts";
import { importFile, marketStall } from "../files.ts";
import { exported, imported, MovingProcess, madeUp, openStores } from "../moving.ts";
import { startShop } from "../process.ts";
import { needMongo, newMongoDatabase, startMongo } from "../servers/mongo.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { type BreakableServer, describeWith, ours } from "../servers/server.ts";
import { openShop, type Shop } from "../shop.ts";

jest.setTimeout(240_000);

const needs = [needPostgres, needMongo, ours("LONJA_TEST_POSTGRES_URL", "LONJA_TEST_MONGO_URL")];
describeWith(needs, "a shop that moves from SQLite to MongoDB, PostgreSQL and back", () => {
  let folder: string;
  let mongo: BreakableServer;
  let postgres: BreakableServer;
  const at = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "lonja-moving-"));
    [mongo, postgres] = await Promise.all([startMongo(), startPostgres()]);
  });
  afterAll(async () => {
    await Promise.all([mongo.stop(), postgres.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const password = "seven salty sardines";
  const buyer = "ada@example.com";
  const key = { "idempotency-key": "the-only-one" };

  /** What somebody took along who was in the shop before it moved. */
  interface Left {
    token: string;
    refreshToken: string;
    bought: { id: string; guestToken: string };
    answer: string;
    untold: { id: string };
  }

  async function lively(dataDir: string): Promise<Left> {
    const shop = await openShop({ dataDir });
    const admin = await adminOf(shop.url);
    await importFile(shop, marketStall);
    await stockMugs(admin, 20);
    const guest = new Client(shop.url);
    const { body: session } = await guest.post("/v1/auth/register", { email: buyer, password });
    const first = await guest.post("/v1/orders", anOrder(), key);
    const buy = async (token: string) => (await guest.buy(anOrder(token, 2))).body;
    const [, refunded, canceled] = [await buy("tok_declined"), await buy("tok_visa"), await buy("tok_flaky")];
    await buy("tok_3ds");
    await admin.post(`/v1/admin/payments/${refunded.payment.id}/refunds`, { amount: 700, reason: "scratched" });
    await guest.post(`/v1/orders/${canceled.id}/cancel`, {}, { "x-guest-token": canceled.guestToken });
    await untilTold(shop);
    await shop.close();

    const without = await openShop({ dataDir, services: everyService.filter((name) => name !== "notifications") });
    const untold = (await new Client(without.url).buy(anOrder())).body;
    await park(without, "TIN-7", 7);
    await without.close();
    const { accessToken: token, refreshToken } = session;
    return { token, refreshToken, bought: first.body, answer: first.text, untold };
  }

  const untilTold = (shop: Shop) =>
    until(
      async () => {
        const states = await Promise.all(everyService.map((name) => shop.call(`${name as "orders"}.outbox`, {})));
        return states.reduce((sum, { waiting }) => sum + waiting, 0);
      },
      (waiting) => waiting === 0,
      400,
    );

  /** All that can be seen through the door, with what a visit alone does not change. */
  async function visit(env: Record<string, string>, left: Left) {
    const shop = await openShop({ dataDir: at("visits"), env });
    const guest = new Client(shop.url);
    const admin = await adminOf(shop.url);
    const page = async (path: string) => (await admin.get(path)).body;
    const mailsOf = () => admin.get(`/v1/admin/mails?orderId=${left.untold.id}`);

    await until(mailsOf, ({ body }) => body.data[0]?.status === "sent", 400);
    const waiting = await untilTold(shop);
    const replayed = await guest.post("/v1/orders", anOrder(), key);
    const me = await guest.get("/v1/me", { authorization: `Bearer ${left.token}` });
    const renewed = await guest.post("/v1/auth/refresh", { refreshToken: left.refreshToken });
    const login = await guest.post("/v1/auth/login", { email: buyer, password });
    const mine = await guest.get(`/v1/orders/${left.bought.id}`, { "x-guest-token": left.bought.guestToken });
    const seen = {
      orders: await page("/v1/admin/orders?limit=100"),
      invoices: await page("/v1/admin/invoices?limit=100"),
      ledger: await page("/v1/admin/ledger?limit=100"),
      charges: await page("/v1/admin/sandbox/charges?limit=100"),
      products: await page("/v1/products?limit=100"),
      found: await page("/v1/products?q=mug"),
      categories: await page("/v1/categories"),
      level: await page("/v1/admin/inventory/MUG"),
      movements: await page("/v1/admin/inventory/MUG/movements?limit=100"),
      letters: await page("/v1/admin/dead-letters"),
      mine: mine.body,
      mails: (await mailsOf()).body.data.length,
    };
    // An order is taken up to look at its payment, and to tell of it. The digests compare the versions that moved.
    for (const order of seen.orders.data) delete order.version;
    const again = await admin.post(`/v1/admin/dead-letters/${encodeURIComponent(seen.letters.data[0]?.id)}/replay`);
    const letters = await until(
      () => admin.get("/v1/admin/dead-letters"),
      ({ body }) => body.data.length === 0,
    );
    // Whoever is new gets the next number, and nobody a number twice.
    const { body: fresh } = await guest.buy(anOrder());
    const invoice = await guest.get(`/v1/orders/${fresh.id}/invoice`, { "x-guest-token": fresh.guestToken });
    await shop.close();

    expect([waiting, seen.mails]).toEqual([0, 1]);
    expect([replayed.text, replayed.headers.get("idempotent-replayed")]).toEqual([left.answer, "true"]);
    expect([me.status, me.body?.email, renewed.status, login.status, mine.status]).toEqual([200, buyer, 200, 200, 200]);
    expect([again.status, letters.body.data]).toEqual([202, []]);
    expect(invoice.body).toMatchObject({ sequence: seen.invoices.data.length + 1 });
    return seen;
  }

  test("is the same shop in each of them, also for those who were in the middle of something", async () => {
    const a = { DATA_DIR: at("a") };
    const left = await lively(at("a"));
    const b = { STORE: newMongoDatabase(mongo, "moved") };
    const c = { STORE: await newDatabase(postgres, "moved") };
    const d = { DATA_DIR: at("d") };
    const digests: (string | undefined)[] = [];
    const note = (said: readonly string[]) => digests.push(/digest is ([\da-f]{64})/.exec(said.at(-1) ?? "")?.[1]);

    note((await exported([at("a.ndjson")], a)).said);
    note((await imported([at("a.ndjson")], b)).said);
    const pipe = `STORE="$FROM" "$0" moving/export.ts - | STORE="$TO" "$0" moving/import.ts -`;
    const env = { PATH: process.env.PATH, FROM: b.STORE, TO: c.STORE };
    note(spawnSync("sh", ["-c", pipe, process.execPath], { env, encoding: "utf8" }).stderr.trim().split("\n"));
    note((await exported([at("c.ndjson")], c)).said);
    note((await imported([at("c.ndjson")], d)).said);
    expect(digests).toEqual(Array(5).fill(expect.stringMatching(/^[\da-f]{64}$/)));
    expect(new Set(digests).size).toBe(1);

    const files = { STORE: `sqlite:${at("d/lonja.db")}`, SANDBOX_STORE: `sqlite:${at("d/sandbox.db")}` };
    const origin = { STORE: `sqlite:${at("a/lonja.db")}`, SANDBOX_STORE: `sqlite:${at("a/sandbox.db")}` };
    const seen = await visit(origin, left);
    expect(seen.orders.data.map(({ status }: { status: string }) => status).toSorted()).toEqual([
      "canceled",
      "canceled",
      "confirmed",
      "confirmed",
      "confirmed",
      "requires_action",
    ]);
    for (const moved of [b, c, files]) expect(await visit(moved, left)).toEqual(seen);
  });

  describe.each([
    ["PostgreSQL", 20_000, () => postgres, async (name: string) => newDatabase(postgres, name)],
    // Its stand-in looks at every record for each question by ids.
    ["MongoDB", 5_000, () => mongo, async (name: string) => newMongoDatabase(mongo, name)],
  ])("into %s", (_store, length, server, newStore) => {
    const records = Array.from({ length }, (_, n) => ({
      _id: `mov_${n}`,
      version: 1,
      sku: `SKU-${n}`,
      at: "x",
      text: "y".repeat(200),
    }));
    const many = () => {
      writeFileSync(at("many.ndjson"), madeUp({ "inventory.movements": records }));
      return [at("many.ndjson")];
    };
    const countIn = async (env: Record<string, string>) => {
      const stores = await openStores(env);
      const counted = await until(
        () => stores.shelves.find(({ name }) => name === "inventory.movements")?.adapter.count() ?? Promise.resolve(0),
        (count) => count > 0,
        600,
      );
      await stores.close();
      return counted;
    };

    test("an import that was killed in the middle gives an equal shop when it is repeated", async () => {
      const env = { STORE: await newStore("killed") };
      const half = new MovingProcess("import", many(), env);
      expect(await countIn(env)).toBeLessThan(records.length);
      half.child.kill("SIGKILL");
      expect(await half.ended).toMatchObject({ signal: "SIGKILL" });
      const early = await startShop(at("half"), env);
      expect([early.child.exitCode, early.output()]).toEqual([
        1,
        expect.stringMatching(/^An import has not come to its end.+\n$/),
      ]);

      const { code, said } = await imported(many(), env);
      expect([code, said]).toEqual([0, expect.arrayContaining([expect.stringMatching(/records were there already/)])]);
    });

    test("an import whose server dies says so in one line, and goes on when it is back", async () => {
      const env = { STORE: await newStore("away") };
      const half = new MovingProcess("import", many(), env);
      await countIn(env);
      await server().kill();
      const { code, said } = await half.ended;
      await server().start();
      expect([code, said.slice(3)]).toEqual([1, [expect.stringMatching(/^The store at \S+ cannot be used: .+$/)]]);
      expect((await imported(many(), env)).code).toBe(0);
    });
  });
});
