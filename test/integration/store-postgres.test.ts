import { Client } from "pg";
import { PostgresAdapter } from "../../mixins/postgres.adapter.ts";
import { PostgresPool } from "../../mixins/postgres.pool.ts";
import { noFigures } from "../../services/shared/figures.ts";
import { realWorld } from "../../services/shared/world.ts";
import { serverConformance } from "../conformance/server.ts";
import { storeConformance } from "../conformance/store.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { type BreakableServer, describeWith } from "../servers/server.ts";

describeWith([needPostgres], "PostgreSQL", () => {
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

  test("a table that is busy for longer than a request may take does not keep a node from starting", async () => {
    const open = async () => {
      const adapter = new PostgresAdapter(newPool());
      adapter.init({}, { schema: { collection: "things" } });
      await adapter.connect();
      return adapter;
    };
    await reset();
    await (await open()).disconnect();
    const other = new Client({ connectionString: url });
    await other.connect();
    await other.query("BEGIN; LOCK TABLE things");
    const busy = other.query("SELECT pg_sleep(7); COMMIT");
    const node = await open();
    expect(await node.count()).toBe(0);
    await node.disconnect();
    await busy;
    await other.end();
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
