import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { needRedis, startRedis } from "../servers/redis.ts";
import { combination } from "./combination.ts";

const servers = { redis: [needRedis, startRedis], postgres: [needPostgres, startPostgres] } as const;
combination("Redis and PostgreSQL", servers, async ({ redis, postgres }) => ({
  TRANSPORTER: redis,
  STORE: await newDatabase({ url: postgres }, "on_redis"),
}));
