import { Client } from "pg";
import { PostgresAdapter } from "../../mixins/postgres.adapter.ts";
import { PostgresPool } from "../../mixins/postgres.pool.ts";
import { noFigures } from "../../services/shared/figures.ts";
import { realWorld } from "../../services/shared/world.ts";
import { until } from "../client.ts";
import { serverConformance } from "../conformance/server.ts";
import { storeConformance } from "../conformance/store.ts";
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
  }, 30_000);

  test("a server that dies while something is prepared is away, and no more than that", async () => {
    await reset();
    const other = await busyWith();
    const outcome = prepare().catch((error) => error);
    await waitsForIt(other);
    await server.kill();
    expect(await outcome).toMatchObject({ name: "Refusal", type: "unavailable" });
    await server.start();
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
