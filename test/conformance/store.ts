import fc from "fast-check";
import { Collection, collectionOptions, type Doc } from "../../mixins/store.mixin.ts";
import type { StoreAdapter } from "../../mixins/store.ts";
import type { KeptEntry } from "../../services/notifications/entry.ts";
import { entryOptions, Journal } from "../../services/notifications/journal.edge.ts";
import type { Paging } from "../../services/shared/schema.ts";
import { realWorld } from "../../services/shared/world.ts";
import { quietHouse } from "../house.ts";

interface Thing extends Doc {
  name?: string;
  size: number;
  tags: string[];
  dueAt?: string;
}

const things = collectionOptions<Thing>({
  fields: ["name", "size", "dueAt"],
  numbers: ["size"],
  lists: ["tags"],
  unique: [["name"], ["size", "name"]],
  indexes: [["dueAt"]],
});

const house = quietHouse(realWorld);

type Connect = (options: typeof things) => Promise<Collection<Thing>>;
async function openJournal(connect: Connect): Promise<Journal> {
  const entries = (await connect(entryOptions as never)) as unknown as Collection<KeptEntry>;
  return new Journal({ entries, world: realWorld, logger: console as never });
}

/** Reads on and on, while others write, until it has so many. */
async function reading(journal: Journal, many: number): Promise<{ ids: string[]; cursors: string[] }> {
  const [ids, read]: [string[], string[]] = [[], []];
  while (ids.length < many) {
    const { data, cursors = [] } = await journal.page({ limit: 7, cursor: read.at(-1), cursors: true });
    ids.push(...data.map(({ id }) => id));
    read.push(...cursors);
    await new Promise<void>((later) => void setImmediate(later));
  }
  return { ids, cursors: read };
}

/**
 * What every store has to be able to do. `open` gives a fresh adapter on the same data each time it is
 * called within one test; `reset` makes the next one begin empty.
 */
export function storeConformance(store: string, open: () => StoreAdapter, reset: () => Promise<void>): void {
  describe(`the ${store} store`, () => {
    let things_: Collection<Thing>;
    const opened: StoreAdapter[] = [];

    async function connect(options = things): Promise<Collection<Thing>> {
      const adapter = open();
      adapter.init({}, { schema: { collection: "test_things" } });
      const collection = new Collection<Thing>("things", adapter, options, house);
      await adapter.connect();
      opened.push(adapter);
      await collection.migrate();
      return collection;
    }
    async function reopen(options = things): Promise<Collection<Thing>> {
      for (const adapter of opened.splice(0)) await adapter.disconnect();
      return connect(options);
    }

    beforeEach(async () => {
      await reset();
      things_ = await connect();
    });
    afterEach(async () => {
      for (const adapter of opened.splice(0)) await adapter.disconnect();
    });

    const thing = (id: string, size: number, more: Partial<Thing> = {}) => ({ id, size, tags: [], ...more });

    test("has no collection whose name not every store would keep as it is", () => {
      const named = (collection: string) => () => open().init({}, { schema: { collection } });
      expect(named("test_things")).not.toThrow();
      for (const name of ["test_newThings", "test-things", "test.things", ""])
        expect(named(name)).toThrow("is no name for a collection");
    });

    test("gives back what was put in, after a restart too", async () => {
      const odd = thing("a", 1, { name: "quote ' \" ; DROP TABLE x; -- ñ 🐟 \u2028", tags: ["x"] });
      expect(await things_.insert(odd)).toEqual({ ...odd, version: 1 });
      expect(await (await reopen()).get("a")).toEqual({ ...odd, version: 1 });
      expect(await things_.get("b").catch(() => undefined)).toBeUndefined();
    });

    test("gives back text and names that a database may stumble over", async () => {
      const odd = {
        ...thing("a \0 b", 1, { name: "\0 \ud800 \uE0FF \uE0FF0000", tags: ["\0", "$x"] }),
        deep: { "a.b": 1, $set: { $where: "\udfff" }, "\0": null, list: [{}, "", null], _bsontype: "Long" },
        _unique_name: "a field like any other",
        large: 2 ** 53 - 1,
        small: -0.1,
      };
      await things_.insert(odd);
      expect(await things_.get(odd.id)).toEqual({ ...odd, version: 1 });
      expect((await things_.find({ where: { name: odd.name } })).data).toHaveLength(1);
      expect((await things_.find({ where: { tags: "\0" } })).data).toHaveLength(1);
      expect((await things_.getMany([odd.id, "a"])).map(({ id }) => id)).toEqual([odd.id]);
    });

    test("sorts text by its bytes, and numbers by their size", async () => {
      const names = ["a", "B", "é", "z", "Z", "_", "~", "ab", "a b", "ñ", "🐟", "Ａ"];
      await things_.insertMany(
        names.map((name, n) => thing(`t${n}`, [5, -1, 10, 9, 0, 100, -20, 7, 8, 6, 11, 2 ** 53 - 1][n] ?? 0, { name })),
      );
      const bytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
      expect((await things_.find({ sort: "name" })).data.map(({ name }) => name)).toEqual(names.toSorted(bytes));
      const sizes = (await things_.find({ sort: "-size" })).data.map(({ size }) => size);
      expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
      expect(
        (await things_.find({ where: { size: { $gte: 9, $lt: 101 } }, sort: "size" })).data.map(({ size }) => size),
      ).toEqual([9, 10, 11, 100]);
    });

    test("refuses a second document with the same id or unique fields, and names them", async () => {
      await things_.insert(thing("a", 1, { name: "mug" }));
      await expect(things_.insert(thing("a", 2))).rejects.toMatchObject({ name: "Duplicate", fields: "_id" });
      await expect(things_.insert(thing("b", 2, { name: "mug" }))).rejects.toMatchObject({
        name: "Duplicate",
        fields: "name",
      });
      expect(await things_.count()).toBe(1);
    });

    test("documents without the unique field are not in each other's way", async () => {
      await Promise.all([things_.insert(thing("a", 1)), things_.insert(thing("b", 1))]);
      expect(await things_.count()).toBe(2);
    });

    test("a change that takes a unique value of another document is refused and changes nothing", async () => {
      await things_.insertMany([thing("a", 1, { name: "mug" }), thing("b", 2, { name: "tray" })]);
      await expect(things_.change("b", (one) => ({ ...one, name: "mug" }))).rejects.toMatchObject({
        name: "Duplicate",
        fields: "name",
      });
      expect(await things_.get("b")).toMatchObject({ name: "tray", version: 1 });
    });

    test("insertMany keeps the order and stops at the first that cannot be inserted", async () => {
      await things_.insert(thing("c", 1, { name: "mug" }));
      const many = [thing("d", 4), thing("e", 5, { name: "mug" }), thing("f", 6)];
      await expect(things_.insertMany(many)).rejects.toMatchObject({ name: "Duplicate" });
      expect(await things_.get("f")).toBeUndefined();
    });

    test("of 64 concurrent changes of one document none is lost", async () => {
      await things_.insert(thing("a", 0));
      const versions = await Promise.all(
        Array.from({ length: 64 }, () =>
          things_.change("a", (one) => ({ ...one, size: one.size + 1 })).then((one) => one.version),
        ),
      );
      expect(await things_.get("a")).toMatchObject({ size: 64, version: 65 });
      expect(new Set(versions).size).toBe(64);
    });

    test("of 64 writers with the same version exactly one gets through", async () => {
      const first = await things_.insert(thing("a", 0));
      const outcomes = await Promise.all(
        Array.from({ length: 64 }, (_, size) => things_.replace(first, { ...first, size })),
      );
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect((await things_.get("a"))?.version).toBe(2);
    });

    test("of 64 concurrent inserts of one unique value exactly one gets through", async () => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 64 }, (_, n) => things_.insert(thing(`t${n}`, n, { name: "mug" }))),
      );
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      expect(await things_.count({ name: "mug" })).toBe(1);
    });

    test("of several who insert a document that is to be there once, one does, and nobody else's failure is hidden", async () => {
      const others = await connect();
      const once = [things_, others, things_].map((one) => one.insertOnce(thing("a", 1, { name: "taken" })));
      expect((await Promise.all(once)).filter((made) => made !== undefined)).toHaveLength(1);
      await expect(things_.insertOnce(thing("b", 2, { name: "taken" }))).rejects.toMatchObject({ fields: "name" });
    });

    test("a document that is made when it is first asked for is the same for all who ask", async () => {
      const others = await connect();
      let n = 0;
      const ask = (one: Collection<Thing>) => one.getOrMake("a", () => ({ size: ++n, tags: [] }));
      const made = await Promise.all([ask(things_), ask(others), ask(things_)]);
      expect(new Set(made.map(({ size }) => size)).size).toBe(1);
      expect(await ask(others)).toEqual(made[0]);
    });

    test("a decision that changes nothing writes nothing", async () => {
      await things_.insert(thing("a", 1));
      expect(await things_.change("a", (one) => one)).toMatchObject({ version: 1 });
    });

    test("a change that expects another version is refused", async () => {
      await things_.insert(thing("a", 1));
      await things_.change("a", (one) => ({ ...one, size: 2 }));
      await expect(things_.change("a", (one) => ({ ...one, size: 3 }), { ifVersion: 1 })).rejects.toMatchObject({
        type: "version_conflict",
        code: 412,
      });
      expect(await things_.get("a")).toMatchObject({ size: 2, version: 2 });
    });

    test("a fact that is heard twice counts once", async () => {
      await things_.insert(thing("a", 0));
      const more = (one: Thing) => ({ ...one, size: one.size + 1 });
      await things_.change("a", more, { heard: "evt_1" });
      await things_.change("a", more, { heard: "evt_1" });
      await things_.change("a", more, { heard: "evt_2" });
      expect((await things_.get("a"))?.size).toBe(2);
    });

    test("a fact counts once, and an expected version is checked, also where the document is at hand", async () => {
      const first = await things_.insert(thing("a", 0));
      const more = (one: Thing) => ({ ...one, size: one.size + 1 });
      await things_.change(first, more, { heard: "evt_1" });
      const second = await things_.change(first, more, { heard: "evt_1" });

      expect(second).toMatchObject({ size: 1, version: 2 });
      await expect(things_.change(second, more, { ifVersion: 1 })).rejects.toMatchObject({ type: "version_conflict" });
    });

    test("a refusal that was decided on an old document is decided again on what is there", async () => {
      const empty = await things_.insert(thing("a", 0));
      await things_.change("a", (one) => ({ ...one, size: 5 }));
      const take = (one: Thing) => {
        if (one.size === 0) throw new Error("nothing is left");
        return { ...one, size: one.size - 1 };
      };
      expect(await things_.change(empty, take)).toMatchObject({ size: 4 });
    });

    test("what decides with a refusal leaves the document as it was", async () => {
      await things_.insert(thing("a", 1));
      await expect(
        things_.change("a", () => {
          throw new Error("no");
        }),
      ).rejects.toThrow("no");
      expect(await things_.get("a")).toMatchObject({ size: 1, version: 1 });
    });

    test("filters by equality, membership, comparison and absence", async () => {
      await things_.insertMany([
        thing("a", 1, { tags: ["red", "blue"] }),
        thing("b", 2, { name: "two", tags: ["blue"] }),
        thing("c", 3, { name: "three", dueAt: "2026-01-01T00:00:00.000Z" }),
      ]);
      const ids = async (where: Parameters<typeof things_.find>[0]) =>
        (await things_.find(where)).data.map(({ id }) => id);
      expect(await ids({ where: { tags: "blue" } })).toEqual(["a", "b"]);
      expect(await ids({ where: { size: { $gte: 2 } } })).toEqual(["b", "c"]);
      expect(await ids({ where: { size: { $in: [1, 3] } } })).toEqual(["a", "c"]);
      expect(await ids({ where: { dueAt: { $lte: "2026-06-01T00:00:00.000Z" } } })).toEqual(["c"]);
      expect(await ids({ where: { name: null } })).toEqual(["a"]);
      expect(await ids({ where: { name: { $ne: null } } })).toEqual(["b", "c"]);
      expect(await ids({ where: { $or: [{ size: 1 }, { name: "two" }] } })).toEqual(["a", "b"]);
      expect(await ids({ where: { name: undefined, size: 2 } })).toEqual(["b"]);
    });

    test("a field that is not declared cannot be searched by", async () => {
      await expect(things_.find({ where: { secret: "x" } })).rejects.toThrow(/declare the field$/);
      await expect(things_.find({ sort: "secret" })).rejects.toThrow(/declare the field$/);
    });

    test("a field of numbers is searched by numbers, and any other by none", async () => {
      for (const where of [{ size: "1" }, { name: 1 }, { size: { $in: [1, "2"] } }, { $or: [{ name: { $gt: 1 } }] }])
        await expect(things_.find({ where })).rejects.toThrow("declare the field as what it holds");
    });

    test("text that looks like a number is text", async () => {
      const names = ["007", "1000", "1e3", "7", "7.0"];
      await things_.insertMany(names.toReversed().map((name) => ({ ...thing(name, 1), name, dueAt: name })));
      for (const name of names) expect((await things_.first({ name, dueAt: name }))?.id).toBe(name);
      expect((await things_.find({ sort: "name" })).data.map(({ name }) => name)).toEqual(names);
    });

    test("pages through equal values without a gap or a repeat, while documents are added", async () => {
      await things_.insertMany(Array.from({ length: 25 }, (_, n) => thing(`t${String(n).padStart(2, "0")}`, n % 3)));
      for (const sort of ["_id", "-_id", "size", "-size"]) {
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await things_.find({ sort, limit: 4, cursor });
          seen.push(...page.data.map(({ id }) => id));
          cursor = page.nextCursor ?? undefined;
        } while (cursor);
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen).toHaveLength(25);
        const sizes = seen.map((id) => Number(id.slice(1)) % 3);
        if (sort === "size") expect(sizes).toEqual(sizes.toSorted());
        if (sort === "-size") expect(sizes).toEqual(sizes.toSorted().reverse());
      }
    });

    test("a list goes on behind any item of it, whatever was added by then", async () => {
      let runs = 0;
      const sizes = (minLength: number) => fc.array(fc.nat(3), { minLength, maxLength: 8 });
      const property = fc.asyncProperty(
        sizes(1),
        sizes(0),
        fc.constantFrom("added before", "later"),
        fc.constantFrom(undefined, "_id", "-_id", "size", "-size"),
        fc.integer({ min: 1, max: 9 }),
        async (first, later, name, sort, limit) => {
          const run = `run ${runs++}`;
          const add = (sizes: number[], name: string) =>
            things_.insertMany(sizes.map((size, n) => thing(`${run} ${name} ${n}`, size, { tags: [run] })));
          const which = { where: { tags: run }, ...(sort ? { sort } : {}) };
          const list = (asked: Paging) => things_.page(asked, which, ({ id }) => id);

          await add(first, "first");
          const { data, cursors = [] } = await list({ limit: 100, cursors: true });
          expect([data.length, cursors.length]).toEqual([first.length, first.length]);
          const page = await list({ limit, cursors: true });
          const nextCursor = limit < first.length ? page.cursors?.at(-1) : null;
          expect(page).toEqual({ data: data.slice(0, limit), nextCursor, cursors: cursors.slice(0, limit) });
          expect(Object.keys(await list({ limit }))).toEqual(["data", "nextCursor"]);

          await add(later, name);
          const now = await list({ limit: 100, cursors: true });
          for (const [place, cursor] of cursors.entries()) {
            const behind = now.data.indexOf(data[place] ?? "") + 1;
            expect(await list({ limit: 100, cursor, cursors: true })).toEqual({
              data: now.data.slice(behind),
              nextCursor: null,
              cursors: now.cursors?.slice(behind),
            });
          }
        },
      );
      await fc.assert(property, { numRuns: 25 });
    });

    test.each([1, 2, 4, 100])(
      "walks through all there is by a key, %i at a time, each once and in its order",
      async (limit) => {
        const sizes = [3, 1, 2, 2, 2, 2, 2, 3, 1];
        for (const [n, size] of sizes.entries())
          await things_.insert(thing(`t${n}`, size, n % 2 ? { name: `n${n}` } : {}));
        const walked = async (by: string, keys?: string[]) => {
          const ids: string[] = [];
          for (let cursor: string | null | undefined; cursor !== null; ) {
            const asked = { limit, ...(keys ? { keys } : {}), ...(cursor ? { cursor } : {}) };
            const page = await things_.walk(by, asked, ({ id }) => id);
            expect(page.data.length).toBeLessThanOrEqual(limit);
            ids.push(...page.data);
            cursor = page.nextCursor;
          }
          return ids;
        };
        expect(await walked("size")).toEqual(["t1", "t8", "t2", "t3", "t4", "t5", "t6", "t0", "t7"]);
        expect(await walked("_id")).toEqual(sizes.map((_, n) => `t${n}`));
        // What has no name is left out.
        expect(await walked("name")).toEqual(["t1", "t3", "t5", "t7"]);
        expect(await walked("name", ["n7", "n3", "nobody"])).toEqual(["t3", "t7"]);
      },
    );

    test("a cursor of another list, or no cursor at all, is refused", async () => {
      await things_.insertMany([thing("a", 1), thing("b", 2)]);
      const { nextCursor } = await things_.find({ sort: "size", limit: 1 });
      const madeUp = ['["-size","1","a"]', '["-size",1.5,"a"]', '["-size",1e300,"a"]', '["-size",1e400,"a"]'];
      const written = madeUp.map((text) => Buffer.from(text).toString("base64url"));
      for (const cursor of [nextCursor ?? "", "nonsense", "W10", "bnVsbA", ...written])
        await expect(things_.find({ sort: "-size", cursor })).rejects.toMatchObject({ type: "invalid_input" });
    });

    test("alternatives in a filter are not lost on the second page", async () => {
      await things_.insertMany([1, 2, 3].map((size) => thing(`t${size}`, size)));
      const where = { $or: [{ size: 1 }, { size: 3 }] };
      const first = await things_.find({ where, sort: "size", limit: 1 });
      const second = await things_.find({ where, sort: "size", limit: 2, cursor: first.nextCursor ?? undefined });
      expect(second.data.map(({ id }) => id)).toEqual(["t3"]);
    });

    test("removes", async () => {
      await things_.insert(thing("a", 1));
      expect(await things_.remove("a")).toBe(true);
      expect(await things_.remove("a")).toBe(false);
    });

    test("brings documents of an older schema version up to date, once", async () => {
      await things_.insertMany(Array.from({ length: 150 }, (_, n) => thing(`t${n}`, n)));
      const doubling = {
        ...things,
        schemaVersion: 2,
        migrations: { 2: (one: Thing) => ({ ...one, size: one.size * 2 }) },
      };
      expect((await (await reopen(doubling)).get("t7"))?.size).toBe(14);
      expect((await (await reopen(doubling)).get("t7"))?.size).toBe(14);
    });

    test("a migration that was interrupted goes on where it stopped, and changes no document twice", async () => {
      await things_.insertMany(Array.from({ length: 150 }, (_, n) => thing(`t${n}`, n)));
      let left = 60;
      const doubling = (dies: boolean) => ({
        ...things,
        schemaVersion: 2,
        migrations: {
          2: (one: Thing) => {
            if (dies && left-- === 0) throw new Error("the process dies");
            return { ...one, size: one.size * 2 };
          },
        },
      });
      await expect(reopen(doubling(true))).rejects.toThrow("the process dies");

      const migrated = await reopen(doubling(false));
      const { data } = await migrated.find({ limit: 200 });
      expect(data.map(({ id, size }) => [id, size])).toEqual(data.map(({ id }) => [id, 2 * Number(id.slice(1))]));
    });

    test("a document of an older schema, left by a node of an older version, is read and saved as a new one", async () => {
      const doubling = {
        ...things,
        schemaVersion: 2,
        migrations: { 2: (one: Thing) => ({ ...one, size: one.size * 2 }) },
      };
      const newer = await reopen(doubling);
      await opened[0]?.insert({ _id: "late", version: 1, size: 7, tags: [] });

      expect(await newer.get("late")).toEqual({ id: "late", version: 1, size: 14, tags: [] });
      await newer.change("late", (one) => ({ ...one, size: one.size + 1 }));
      expect(await newer.get("late")).toMatchObject({ version: 2, size: 15 });
      expect(await (await reopen(doubling)).get("late")).toMatchObject({ version: 2, size: 15 });
    });

    test("a store that was written by a newer version is left alone", async () => {
      await reopen({ ...things, schemaVersion: 3 });
      await expect(reopen(things)).rejects.toThrow("start the newer one");
    });

    test("a journal has no gap in its numbers, whichever node writes, and has once what is heard twice", async () => {
      const journals = await Promise.all([1, 2, 3].map(() => openJournal(connect)));
      const told = Array.from({ length: 150 }, (_, n) => ({
        id: `evt_${String(n).padStart(10, "0")}`,
        type: "payment.captured" as const,
        at: "2026-01-01T12:00:00.000Z",
        data: {},
        keptAt: "2026-01-01T12:00:00.000Z",
      }));
      const [reader] = await Promise.all([
        reading(journals[0] as Journal, told.length),
        // Each is heard by two of them, and every tenth by one of these twice.
        ...told.flatMap((entry, n) =>
          [n, n + 1, ...(n % 10 ? [] : [n])].map((node) => (journals[node % 3] as Journal).add(entry)),
        ),
      ]);
      expect(reader.ids.toSorted()).toEqual(told.map(({ id }) => id));
      expect(reader.cursors.map((cursor) => Number.parseInt(cursor, 10))).toEqual(told.map((_, n) => n + 1));
      for (const entry of told) await journals[1]?.add(entry);
      expect(await journals[2]?.page({ cursor: reader.cursors.at(-1) })).toEqual({ data: [], nextCursor: null });
    });

    test("a field that is declared later can be searched by at once", async () => {
      await things_.insert({ ...thing("a", 1), colour: "red" } as Thing);
      const wider = await reopen({ ...things, fields: [...(things.fields ?? []), "colour"], indexes: [["colour"]] });
      expect((await wider.find({ where: { colour: "red" } })).data).toHaveLength(1);
    });
  });
}
