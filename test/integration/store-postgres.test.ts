import { PostgresAdapter } from "../../mixins/postgres.adapter.ts";
import { PostgresPool } from "../../mixins/postgres.pool.ts";
import { noFigures } from "../../services/shared/figures.ts";
import { realWorld } from "../../services/shared/world.ts";
import { storeConformance } from "../conformance/store.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { type BreakableServer, describeWith } from "../servers/server.ts";

describeWith([needPostgres], "PostgreSQL", () => {
  let server: BreakableServer;
  let pool: PostgresPool;
  const newPool = (url: string) => new PostgresPool(url, { figures: noFigures(), world: realWorld });
  const reset = async () => {
    pool = newPool(await newDatabase(server, "lonja_test"));
  };
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  storeConformance("PostgreSQL", () => new PostgresAdapter(pool), reset);
});
