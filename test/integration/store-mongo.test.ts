import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { MongoAdapter } from "../../mixins/mongo.adapter.ts";
import { SharedMongoClient } from "../../mixins/mongo.client.ts";
import { Duplicate } from "../../mixins/store.ts";
import { noFigures } from "../../services/shared/figures.ts";
import { realWorld } from "../../services/shared/world.ts";
import { serverConformance } from "../conformance/server.ts";
import { storeConformance } from "../conformance/store.ts";
import { needMongo, newMongoDatabase, startMongo } from "../servers/mongo.ts";
import { type BreakableServer, describeWith, ours } from "../servers/server.ts";

const LONGER_THAN_A_REQUEST_MS = 6_000;

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

  test("an index that takes longer than any request may is waited for", async () => {
    await reset();
    const { port, hostname } = new URL(server.url);
    let held = 0;
    const slow = createServer((caller) => {
      const peer = connect(Number(port), hostname);
      for (const socket of [caller, peer])
        socket.on("error", () => {}).on("close", () => [caller, peer].map((one) => one.destroy()));
      peer.pipe(caller);
      caller.on("data", async (request) => {
        const isHeld = request.includes("createIndexes") && held++ === 0;
        if (isHeld) await pause(LONGER_THAN_A_REQUEST_MS);
        peer.write(request);
      });
    })
      .listen(0, "127.0.0.1")
      .unref();
    await once(slow, "listening");
    url = url.replace(port, String((slow.address() as { port: number }).port));
    const adapter = new MongoAdapter(newClient());
    adapter.init({}, { schema: { collection: "large" } });
    adapter.shape({ fields: ["name"], lists: [], unique: [["name"]], indexes: [], schemaVersion: 1 });
    await adapter.connect();
    expect(held).toBeGreaterThan(0);
    await adapter.disconnect();
    slow.close();
  });

  test("of many documents from before an index was declared, each is found by it and none is there twice", async () => {
    await reset();
    const open = async (unique: [string][]) => {
      const adapter = new MongoAdapter(newClient());
      adapter.init({}, { schema: { collection: "grown" } });
      adapter.shape({ fields: ["name"], lists: [], unique, indexes: [], schemaVersion: 1 });
      await adapter.connect();
      return adapter;
    };
    const before = await open([]);
    const records = Array.from({ length: 450 }, (_, n) => ({ _id: `r${n}`, version: 1, name: `n${n}` }));
    await before.insertMany(records);
    await before.disconnect();
    const after = await open([["name"]]);
    expect(await after.count()).toBe(records.length);
    for (const name of ["n0", "n449"])
      await expect(after.insert({ _id: "other", version: 1, name })).rejects.toThrow(Duplicate);
    await after.disconnect();
  });
});
