import { needPostgres, newDatabase, startPostgres } from "../servers/postgres.ts";
import { needRabbitMq, startRabbitMq } from "../servers/rabbitmq.ts";
import { combination } from "./combination.ts";

const servers = { rabbit: [needRabbitMq, startRabbitMq], postgres: [needPostgres, startPostgres] } as const;
combination("RabbitMQ and PostgreSQL", servers, async ({ rabbit, postgres }) => ({
  TRANSPORTER: rabbit,
  STORE: await newDatabase({ url: postgres }, "on_rabbitmq"),
}));
