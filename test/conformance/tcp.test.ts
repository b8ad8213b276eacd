import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { freePort } from "../servers/server.ts";
import { combination } from "./combination.ts";

combination("TCP and PostgreSQL", { postgres: [needPostgres, startPostgres] }, async ({ postgres }) => ({
  TRANSPORTER: `tcp://127.0.0.1:${await freePort()},127.0.0.1:${await freePort()}`,
  STORE: await newDatabase({ url: postgres }, "on_tcp"),
}));
