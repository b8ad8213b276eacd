import { Collection, type Doc } from "../../mixins/collection.ts";
import { SqliteAdapter } from "../../mixins/sqlite.adapter.ts";
import { SqliteFile } from "../../mixins/sqlite.file.ts";
import { Together } from "../../mixins/together.ts";
import { realWorld } from "../../services/shared/world.ts";
import { quietHouse } from "../house.ts";

interface Jar extends Doc {
  beans: number;
}

/** The desks of several nodes that share a store. */
async function openDesks(nodes: number) {
  const file = new SqliteFile(":memory:").use();
  const house = quietHouse(realWorld);
  const collections = Array.from({ length: nodes }, () => {
    const adapter = new SqliteAdapter(() => file);
    adapter.init({}, { schema: { collection: "jars" } });
    return new Collection<Jar>("jars", adapter, {}, house);
  });
  for (const { adapter } of collections) await adapter.connect();
  const desks = collections.map((jars) => new Together<Jar>(() => jars));
  return { desks, jars: collections[0] as Collection<Jar>, adapter: collections[0]?.adapter as SqliteAdapter };
}

const put = (desk: Together<Jar> | undefined, ...ids: string[]) =>
  desk?.change(ids, (docs) =>
    ids.map((id) => ({ ...(docs.get(id) ?? empty(id)), beans: (docs.get(id)?.beans ?? 0) + 1 })),
  );
const empty = (id: string): Jar => ({ id, version: 0, beans: 0 });

describe("changes that are decided together", () => {
  test("are few writes, and each sees what the one before has decided", async () => {
    const { desks, jars } = await openDesks(1);
    await Promise.all(Array.from({ length: 200 }, () => put(desks[0], "a")));
    expect(await jars.get("a")).toEqual({ id: "a", version: 1, beans: 200 });
  });

  test("of nodes that decide on the same at once, none loses a decision", async () => {
    const { desks, jars } = await openDesks(4);
    await Promise.all(Array.from({ length: 200 }, (_, n) => put(desks[n % 4], n % 3 ? "a" : "b")));
    const [a, b] = [await jars.get("a"), await jars.get("b")];
    expect([a?.beans, b?.beans]).toEqual([133, 67]);
  });

  test("a decision knows what has been put on record and forgotten by another node at that moment", async () => {
    const { jars, adapter } = await openDesks(1);
    const record = new Set<string>();
    const learn = async () => new Set(record);
    const desk = new Together<Jar, ReadonlySet<string>>(() => jars, learn);
    await jars.insert({ id: "a", beans: 1 });
    const findByIds = adapter.findByIds.bind(adapter);
    adapter.findByIds = async (ids) => {
      record.add("the bean of order 1");
      await jars.change("a", (jar) => ({ ...jar, beans: 0 }));
      return findByIds(ids);
    };
    let known: unknown;
    await desk.change(
      ["a"],
      (docs, record) => {
        known = [docs.get("a")?.beans, [...record]];
        return [];
      },
      "order 1",
    );
    expect(known).toEqual([0, ["the bean of order 1"]]);
  });

  test("what is on record is looked up once for all that are decided together, also for what may be forgotten", async () => {
    const { jars } = await openDesks(1);
    const looked: string[][] = [];
    const desk = new Together<Jar, string>(
      () => jars,
      async (about, docs) => {
        looked.push([...about, ...docs.map(({ id }) => id)].toSorted());
        return "on record";
      },
      (jar, known) => ({ ...jar, beans: known === "on record" ? 0 : jar.beans }),
    );
    for (const id of ["a", "b"]) await jars.insert({ id, beans: 7 });
    const seen: unknown[] = [];
    const look = (id: string) => {
      const decide = (docs: ReadonlyMap<string, Jar>, known: string) => {
        seen.push([docs.get(id)?.beans, known]);
        return [];
      };
      return desk.change([id], decide, `order of ${id}`);
    };
    await Promise.all([look("a"), look("b")]);

    expect(looked).toEqual([["a", "b", "order of a", "order of b"]]);
    expect(seen).toEqual([
      [0, "on record"],
      [0, "on record"],
    ]);
  });

  test("one document that cannot be saved takes nobody with it who does not need it", async () => {
    const { desks, jars, adapter } = await openDesks(1);
    for (const id of ["good", "bad"]) await jars.insert({ id, beans: 0 });
    const replace = adapter.replace.bind(adapter);
    adapter.replace = async (record, version) => {
      if (record._id === "bad") throw new Error("too large to be saved");
      return replace(record, version);
    };
    const outcomes = await Promise.allSettled([put(desks[0], "good"), put(desks[0], "bad"), put(desks[0], "good")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await jars.get("good")).toMatchObject({ beans: 2 });
  });
});
