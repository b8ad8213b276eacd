import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { backedUp, disagreementsAfter } from "../backup.ts";
import { Buyers } from "../buyers.ts";
import { adminOf, Client, stockMugs } from "../client.ts";
import { ShopCluster } from "../cluster.ts";
import { needMongo, newMongoDatabase, startMongo } from "../servers/mongo.ts";
import { needNats, startNats } from "../servers/nats.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { describeWith, type RunningServer } from "../servers/server.ts";

jest.setTimeout(400_000);

const MOST_TRIES = 3;

const opened = { MUG: 900, JAR: 900 };
const secret = "a secret that only these nodes know";

/** Where a machine has too much to do, writers would have to be held back for longer than buyers wait: one tries again. */
async function untilStill<T>(backUp: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await backUp();
    } catch (error) {
      if (tries === MOST_TRIES || !/longer than buyers wait/.test((error as Error).message)) throw error;
    }
}

describeWith([needNats, needPostgres, needMongo], "a cluster that sells while it is backed up", () => {
  let folder: string;
  let nats: RunningServer;
  let postgres: RunningServer;
  let mongo: RunningServer;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "lonja-backups-"));
    [nats, postgres, mongo] = await Promise.all([startNats(), startPostgres(), startMongo()]);
  });
  afterAll(async () => {
    await Promise.all([nats, postgres, mongo].map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  const one = { users: 1, catalog: 1, inventory: 1, orders: 1, payments: 1, sandbox: 1, notifications: 1, gateway: 1 };
  test.each([
    // One database is one snapshot.
    [
      "in one PostgreSQL",
      { ...one, orders: 2, inventory: 2 },
      /Nobody was held back/,
      async () => ({
        STORE: await newDatabase(postgres, "backed_up"),
      }),
    ],
    // A file whose owner is another process, two databases with locks, and one that has neither locks nor snapshots.
    [
      "in two PostgreSQL, MongoDB and a file",
      { ...one, orders: 2 },
      /Writers were held back for \d+ ms/,
      async () => ({
        STORE: newMongoDatabase(mongo, "backed_up"),
        ORDERS_STORE: await newDatabase(postgres, "backed_up_orders"),
        PAYMENTS_STORE: await newDatabase(postgres, "backed_up_payments"),
        INVENTORY_STORE: `sqlite:${join(folder, "inventory.db")}`,
      }),
    ],
  ])(
    "%s comes back from its backups, in each kind of store, with books that agree",
    async (name, scale, held, storesOf) => {
      const stores = await storesOf();
      const NAMESPACE = `backup-${process.pid}-${name.length}`;
      const env = { TRANSPORTER: nats.url, NAMESPACE, BUS_SECRET: secret, ...stores };
      const cluster = await ShopCluster.open({ env, scale });
      const [url = ""] = cluster.urls;
      const admin = await adminOf(url);
      for (const [sku, units] of Object.entries(opened)) await stockMugs(admin, units, sku);
      const guest = { email: "stroller@example.com", password: "a quiet stroll" };
      const { body: session } = await new Client(url).post("/v1/auth/register", guest);
      const buyers = new Buyers({ urls: () => cluster.urls, skus: Object.keys(opened), session });
      await buyers.come(4);

      const paths: string[] = [];
      for (let n = 0; n < 3; n++) {
        await buyers.untilCalm(6);
        const { path, said } = await untilStill(() => backedUp(env, join(folder, NAMESPACE)));
        expect(said).toMatch(held);
        paths.push(path);
      }
      await buyers.untilCalm(6);
      await buyers.goHome();
      // A machine with too much to do lets buyers wait at the door, which is no loss.
      const unanswered = buyers.failures.filter(({ why }) => why !== "no door is open");
      expect([unanswered, cluster.errors()]).toEqual([[], []]);
      await cluster.close();
      const database = `restored_${name.length}`;
      const empty = [
        {},
        { STORE: await newDatabase(postgres, database) },
        { STORE: newMongoDatabase(mongo, database) },
      ];
      for (const [n, path] of paths.entries()) expect(await disagreementsAfter(path, opened, empty[n])).toEqual([]);
    },
  );
});
