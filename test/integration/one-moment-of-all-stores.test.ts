import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nobodyToAsk } from "../../backup/hush.ts";
import { openStill } from "../../backup/still.ts";
import { Gate } from "../../mixins/gate.ts";
import type { Hush } from "../../mixins/mongo.snapshot.ts";
import { SqliteSnapshot } from "../../mixins/sqlite.snapshot.ts";
import { storesOf } from "../../mixins/stores.ts";
import { noFigures } from "../../services/shared/figures.ts";
import { readSettings } from "../../services/shared/settings.ts";
import { realWorld } from "../../services/shared/world.ts";
import { until } from "../client.ts";
import { needMongo, newMongoDatabase, startMongo } from "../servers/mongo.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { describeWith, type RunningServer } from "../servers/server.ts";
import { openWritten, writeOn, written } from "../writing.ts";

const services = ["orders", "payments", "inventory"] as const;
const MOMENTS = 12;

describeWith(
  [needPostgres, needMongo],
  "one moment of all stores, while each write causes the next in another store",
  () => {
    let folder: string;
    let postgres: RunningServer;
    let mongo: RunningServer;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "lonja-moment-"));
      [postgres, mongo] = await Promise.all([startPostgres(), startMongo()]);
    });
    afterAll(async () => {
      await Promise.all([postgres.stop(), mongo.stop()]);
      rmSync(folder, { recursive: true, force: true });
    });

    /** How many records each of the three has in one moment. */
    async function momentIn(env: Record<string, string>, hush: Hush = nobodyToAsk): Promise<number[]> {
      const node = { settings: readSettings(env), world: realWorld };
      const still = await openStill(node, services, { scratch: folder, hush });
      const counts = written.map((name) => still.shelves.find((shelf) => shelf.name === name)?.adapter.count() ?? 0);
      const found = await Promise.all(counts);
      await still.close();
      return found;
    }

    /** No effect without its cause: none has more than the one before it, and the first is ahead by one at most. */
    function expectOneMoment(counts: readonly number[]): void {
      const [first = 0, second = 0, third = 0] = counts;
      expect({ counts, isOne: first >= second && second >= third && third >= first - 1 }).toEqual({
        counts,
        isOne: true,
      });
    }

    test("two files of SQLite and PostgreSQL", async () => {
      const env = {
        DATA_DIR: folder,
        STORE: await newDatabase(postgres, "moment"),
        ORDERS_STORE: "sqlite:orders.db",
        INVENTORY_STORE: "sqlite:inventory.db",
      };
      const writer = fork("test/writing.ts", { env: { PATH: process.env.PATH, ...env }, execArgv: [] });
      await once(writer, "message");
      const moments: number[][] = [];
      for (let n = 0; n < MOMENTS; n++) moments.push(await momentIn(env));
      writer.kill("SIGKILL");
      for (const counts of moments) expectOneMoment(counts);
      expect(new Set(moments.map(([first]) => first)).size).toBeGreaterThan(2);
    });

    test("MongoDB, whose nodes hold back what they write, and PostgreSQL", async () => {
      const documents = newMongoDatabase(mongo, "moment");
      const env = {
        DATA_DIR: folder,
        STORE: documents,
        PAYMENTS_STORE: await newDatabase(postgres, "moment_payments"),
      };
      const { close } = await openWritten(env);
      const gate = new Gate(realWorld);
      const stores = readSettings(env).stores;
      const openStore = await storesOf(stores, { dataDir: folder, figures: noFigures(), world: realWorld, gate });
      const adapters = written.map((name) => {
        const [service = "", collection] = name.split(".");
        const adapter = openStore(service);
        adapter.init({}, { schema: { collection: `${service}_${collection}` } });
        return adapter;
      });
      for (const adapter of adapters) await adapter.connect();
      let goesOn = true;
      const writing = writeOn(adapters, () => goesOn);
      const hush: Hush = {
        isAlone: false,
        begin: async () => void (await gate.close("moment", 4_000)),
        end: async () => gate.open("moment"),
      };
      const moments: number[][] = [];
      for (let n = 0; n < MOMENTS / 3; n++) moments.push(await momentIn(env, hush));
      // Those who do not wait are noticed, and what was seen of them is not taken for a moment.
      const unasked = () =>
        momentIn(env).then(
          (counts) => void moments.push(counts),
          ({ message }: Error) => message,
        );
      expect(await until(unasked, (said) => said !== undefined)).toMatch(
        /is being written by nodes that cannot be asked to wait/,
      );
      goesOn = false;
      await writing;
      for (const adapter of adapters) await adapter.disconnect();
      await close();
      for (const counts of moments) expectOneMoment(counts);
      expect(new Set(moments.map(([first]) => first)).size).toBeGreaterThan(1);
    });

    test("who would have to wait for too long is held back once, and not again and again", async () => {
      const env = { DATA_DIR: folder, STORE: newMongoDatabase(mongo, "slow") };
      await (await openWritten(env)).close();
      let times = 0;
      const slow: Hush = {
        isAlone: false,
        async begin() {
          times++;
          await new Promise((resolve) => setTimeout(resolve, 3_100));
        },
        end: async () => false,
      };
      await expect(momentIn(env, slow)).rejects.toThrow("longer than buyers wait");
      expect(times).toBe(1);
    });

    test("a holder of a file lets nobody write until it lets go, or dies", async () => {
      const env = { DATA_DIR: join(folder, "held") };
      const writer = fork("test/writing.ts", { env: { PATH: process.env.PATH, ...env }, execArgv: [] });
      await once(writer, "message");
      const snapshot = new SqliteSnapshot(join(folder, "held", "lonja.db"));
      await snapshot.connect();
      const countNow = async () => {
        await snapshot.begin();
        const adapter = snapshot.adapter();
        adapter.init({}, { schema: { collection: "orders_orders" } });
        await adapter.connect();
        return adapter.count();
      };
      await until(countNow, (count) => count > 0);
      const hold = () =>
        snapshot.hold().then(
          () => true,
          () => false,
        );
      await until(hold, (isHeld) => isHeld);
      const held = await countNow();
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(await countNow()).toBe(held);
      // As the system does for a process that dies.
      await snapshot.end();
      await snapshot.connect();
      expect(await until(countNow, (count) => count > held)).toBeGreaterThan(held);
      await snapshot.end();
      writer.kill("SIGKILL");
    });
  },
);
