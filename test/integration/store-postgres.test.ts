import { Client } from "pg";
import { Collection, type Doc } from "../../mixins/collection.ts";
import { PostgresAdapter } from "../../mixins/postgres.adapter.ts";
import { PostgresPool } from "../../mixins/postgres.pool.ts";
import { noFigures } from "../../services/shared/figures.ts";
import { realWorld } from "../../services/shared/world.ts";
import { until } from "../client.ts";
import { serverConformance } from "../conformance/server.ts";
import { storeConformance } from "../conformance/store.ts";
import { quietHouse } from "../house.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { type BreakableServer, describeWith, ours } from "../servers/server.ts";

describeWith([needPostgres, ours("LONJA_TEST_POSTGRES_URL")], "PostgreSQL", () => {
  let server: BreakableServer;
  let url: string;
  let pool: PostgresPool;
  const newPool = () => new PostgresPool(url, { figures: noFigures(), world: realWorld });
  const reset = async () => {
    url = await newDatabase(server, "lonja_test");
    pool = newPool();
  };
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  storeConformance("PostgreSQL", () => new PostgresAdapter(pool), reset);
  serverConformance(
    () => server,
    () => new PostgresAdapter(newPool()),
    reset,
  );

  const preparing = "lonja test_slow";
  /** Another node that is at it. */
  const busyWith = async () => {
    const other = new Client({ connectionString: url });
    other.on("error", () => {});
    await other.connect();
    await other.query("SELECT pg_advisory_lock(hashtextextended($1, 0))", [preparing]);
    return other;
  };
  const waitsForIt = (other: Client) =>
    until(
      async () => (await other.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")).rowCount,
      (waiting) => waiting === 1,
    );
  const prepare = (): Promise<PostgresAdapter> => {
    const adapter = new PostgresAdapter(newPool());
    adapter.init({}, { schema: { collection: "test_slow" } });
    return adapter.connect().then(() => adapter);
  };

  test("what another node prepares is waited for, also where it takes longer than any request may", async () => {
    await reset();
    const other = await busyWith();
    const [adapter] = await Promise.all([prepare(), other.query("SELECT pg_sleep(7)").then(() => other.end())]);
    expect(await adapter.count()).toBe(0);
    await adapter.disconnect();
  });

  test("a server that dies while something is prepared is away, and no more than that", async () => {
    await reset();
    const other = await busyWith();
    const outcome = prepare().catch((error) => error);
    await waitsForIt(other);
    await server.kill();
    expect(await outcome).toMatchObject({ name: "Refusal", type: "unavailable" });
    await server.start();
  });

  test("what was asked of an empty store does not read all of it when it has grown", async () => {
    await reset();
    const adapter = new PostgresAdapter(pool);
    adapter.init({}, { schema: { collection: "test_growing" } });
    const options = { fields: ["dueAt", "orderId"], indexes: [["dueAt"], ["orderId", "_id"]] as const };
    const docs = new Collection<Doc & { orderId: string }>("growing", adapter, options, quietHouse(realWorld));
    await adapter.connect();
    const watcher = new Client({ connectionString: url });
    await watcher.connect();
    await watcher.query("ALTER TABLE test_growing SET (autovacuum_enabled = off)");
    const keys = ["o1", "o2"];
    const ask = async () => {
      await docs.find({ where: { dueAt: { $lte: "2026" } }, sort: "dueAt" });
      await docs.find({ where: { orderId: { $in: keys } }, sort: "orderId", limit: 1_000 });
      await docs.walk("orderId", { keys }, ({ id }) => id);
    };
    for (let n = 0; n < 10; n++) await ask();
    await docs.insertMany(Array.from({ length: 2_000 }, (_, n) => ({ id: `m${n}`, orderId: `o${n}` })));
    for (let n = 0; n < 10; n++) await ask();
    // What a connection has counted, the server knows at its end.
    await adapter.disconnect();
    const counted = async () =>
      (
        await watcher.query<{ whole: number; looks: number; found: number }>(
          "SELECT seq_tup_read::int AS whole, idx_scan::int AS looks, idx_tup_fetch::int AS found FROM pg_stat_user_tables WHERE relname = 'test_growing'",
        )
      ).rows[0];
    const seen = await until(counted, (seen) => (seen?.looks ?? 0) >= 60 && (seen?.found ?? 0) >= 40);
    await watcher.end();

    expect(seen).toMatchObject({ whole: 0, found: 40 });
  });

  test("a password that is wrong, or a database that is not there, stops the start with one line", async () => {
    const nowhere = new PostgresPool(
      Object.assign(new URL(server.url), { pathname: "/nowhere", password: "hunter2" }).href,
      {
        figures: noFigures(),
        world: realWorld,
      },
    );
    const adapter = new PostgresAdapter(nowhere);
    adapter.init({}, { schema: { collection: "things" } });
    const failure = await adapter.connect().catch((error) => error);
    expect(failure).toMatchObject({ name: "UnusableStore", message: expect.stringMatching(/nowhere.*does not exist/) });
    expect(failure.message).not.toContain("hunter2");
  });
});
