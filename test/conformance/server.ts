import type { StoreAdapter } from "../../mixins/store.ts";
import { until } from "../client.ts";
import type { BreakableServer } from "../servers/server.ts";

const shape = { fields: ["name"], lists: [], unique: [["name"]] as const, indexes: [], schemaVersion: 1 };

/**
 * What a store that is a server of its own has to bear. `open` gives a new adapter with connections of its own, to the
 * same empty database within one test.
 */
export function serverConformance(server: () => BreakableServer, open: () => StoreAdapter, reset: () => Promise<void>) {
  describe("the server", () => {
    const opened: StoreAdapter[] = [];
    const connect = async (): Promise<StoreAdapter> => {
      const adapter = open();
      adapter.init({}, { schema: { collection: "test_breakables" } });
      adapter.shape(shape);
      await adapter.connect();
      opened.push(adapter);
      return adapter;
    };
    const isThere = (adapter: StoreAdapter) =>
      until(
        () => adapter.count().catch(() => undefined),
        (count) => count !== undefined,
      );
    const unavailable = expect.objectContaining({ name: "Refusal", type: "unavailable" });

    beforeEach(reset);
    afterEach(async () => {
      for (const adapter of opened.splice(0)) await adapter.disconnect();
    });

    test("many nodes that start at once prepare the same collection", async () => {
      const nodes = await Promise.all(Array.from({ length: 8 }, connect));
      const inserted = await Promise.allSettled(
        nodes.map((node, n) => node.insert({ _id: `t${n}`, version: 1, name: "one" })),
      );
      expect(inserted.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    });

    test("a node may start before its store", async () => {
      await server().kill();
      const waiting = connect();
      await server().start();
      expect(await (await waiting).count()).toBe(0);
    });

    test("while it is away everything is refused as unavailable, and goes on when it is back", async () => {
      const store = await connect();
      await store.insert({ _id: "a", version: 1 });
      await server().kill();
      const outcomes = await Promise.allSettled([
        store.findById("a"),
        store.find({ query: { name: "x" } }),
        store.insert({ _id: "b", version: 1 }),
        store.replace({ _id: "a", version: 2 }, 1),
        store.removeById("a"),
      ]);
      await server().start();
      await isThere(store);
      expect(outcomes).toEqual(outcomes.map(() => ({ status: "rejected", reason: unavailable })));
      expect(await store.replace({ _id: "a", version: 2 }, 1)).toBe(true);
    });

    test("one that does not answer any more keeps nobody waiting for ever", async () => {
      const store = await connect();
      server().freeze();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 40 }, (_, n) => store.insert({ _id: `f${n}`, version: 1 })),
      );
      server().thaw();
      await isThere(store);
      expect(outcomes).toEqual(outcomes.map(() => ({ status: "rejected", reason: unavailable })));
    });

    test("what it has acknowledged is there after it was killed in the middle of writing", async () => {
      const store = await connect();
      const acknowledged: string[] = [];
      let goesOn = true;
      const write = async (writer: number) => {
        for (let n = 0; goesOn; n++) {
          const _id = `w${writer}-${n}`;
          await store.insert({ _id, version: 1 }).then(
            () => acknowledged.push(_id),
            () => {
              goesOn = false;
            },
          );
        }
      };
      const writers = Array.from({ length: 8 }, (_, writer) => write(writer));
      await until(
        async () => acknowledged.length,
        (count) => count > 200,
      );
      await server().kill();
      await Promise.all(writers);
      await server().start();
      await isThere(store);

      const found = new Set((await store.findByIds(acknowledged)).map(({ _id }) => _id));
      expect(acknowledged.length).toBeGreaterThan(200);
      expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
    });
  });
}
