import { MongoAdapter } from "../../mixins/mongo.adapter.ts";
import { SharedMongoClient } from "../../mixins/mongo.client.ts";
import { noFigures } from "../../services/shared/figures.ts";
import { realWorld } from "../../services/shared/world.ts";
import { serverConformance } from "../conformance/server.ts";
import { storeConformance } from "../conformance/store.ts";
import { needMongo, newMongoDatabase, startMongo } from "../servers/mongo.ts";
import { type BreakableServer, describeWith, ours } from "../servers/server.ts";

describeWith([needMongo, ours("LONJA_TEST_MONGO_URL")], "MongoDB", () => {
  let server: BreakableServer;
  let url: string;
  let client: SharedMongoClient;
  let databases = 0;
  const newClient = () => new SharedMongoClient(url, { figures: noFigures(), world: realWorld });
  const reset = async () => {
    url = newMongoDatabase(server, `lonja_${process.pid}_${databases++}`);
    client = newClient();
  };
  beforeAll(async () => {
    server = await startMongo();
  }, 600_000);
  afterAll(() => server.stop());

  storeConformance("MongoDB", () => new MongoAdapter(client), reset);
  serverConformance(
    () => server,
    () => new MongoAdapter(newClient()),
    reset,
  );
});
