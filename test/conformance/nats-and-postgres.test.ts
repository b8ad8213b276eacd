import { needNats, startNats } from "../servers/nats.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { combination } from "./combination.ts";

combination(
  "NATS and PostgreSQL",
  { nats: [needNats, startNats], postgres: [needPostgres, startPostgres] },
  async ({ nats, postgres }) => ({
    TRANSPORTER: nats,
    STORE: await newDatabase({ url: postgres }, "on_nats"),
  }),
);
