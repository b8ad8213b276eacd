import { needKafka, startKafka } from "../servers/kafka.ts";
import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { combination } from "./combination.ts";

const servers = { kafka: [needKafka, startKafka], postgres: [needPostgres, startPostgres] } as const;
combination("Kafka and PostgreSQL", servers, async ({ kafka, postgres }) => ({
  TRANSPORTER: kafka,
  STORE: await newDatabase({ url: postgres }, "on_kafka"),
}));
