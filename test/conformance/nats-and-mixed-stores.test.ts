import { needMongo, newMongoDatabase, startMongo } from "../servers/mongo.ts";
import { needNats, startNats } from "../servers/nats.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { combination } from "./combination.ts";

const servers = {
  nats: [needNats, startNats],
  mongo: [needMongo, startMongo],
  postgres: [needPostgres, startPostgres],
} as const;
combination("NATS, with orders in PostgreSQL and products in MongoDB", servers, async (urls) => {
  const documents = newMongoDatabase({ url: urls.mongo }, `mixed_${process.pid}`);
  return {
    TRANSPORTER: urls.nats,
    STORE: await newDatabase({ url: urls.postgres }, "mixed"),
    CATALOG_STORE: documents,
    USERS_STORE: documents,
    NOTIFICATIONS_STORE: documents,
  };
});
