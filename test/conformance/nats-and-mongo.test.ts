import { needMongo, newMongoDatabase, startMongo } from "../servers/mongo.ts";
import { needNats, startNats } from "../servers/nats.ts";
import { combination } from "./combination.ts";

combination(
  "NATS and MongoDB",
  { nats: [needNats, startNats], mongo: [needMongo, startMongo] },
  async ({ nats, mongo }) => ({
    TRANSPORTER: nats,
    STORE: newMongoDatabase({ url: mongo }, `on_nats_${process.pid}`),
  }),
);
