import { Collection } from "../../mixins/collection.ts";
import { SqliteAdapter } from "../../mixins/sqlite.adapter.ts";
import { SqliteFile } from "../../mixins/sqlite.file.ts";
import type { KeptEntry } from "../../services/notifications/entry.ts";
import { entryOptions, Journal } from "../../services/notifications/journal.edge.ts";
import { noFigures } from "../../services/shared/figures.ts";
import type { Paging } from "../../services/shared/schema.ts";
import { timeAt } from "../../services/shared/world.ts";
import { quietHouse } from "../house.ts";
import { VirtualWorld } from "../virtual-world.ts";

const DAY_MS = 86_400_000;
const lost = expect.objectContaining({ type: "invalid_input" });

/** A journal on a clock that can be set ahead, and what happens to its store. */
async function open() {
  const world = new VirtualWorld(11);
  const file = new SqliteFile(":memory:", noFigures()).use();
  const adapter = new SqliteAdapter(() => file);
  adapter.init({}, { schema: { collection: "entries" } });
  const removed: string[] = [];
  const { removeById } = adapter;
  adapter.removeById = (id) => {
    removed.push(id);
    return removeById.call(adapter, id);
  };
  const entries = new Collection<KeptEntry>("entries", adapter, entryOptions, quietHouse(world));
  await adapter.connect();
  const complaints: string[] = [];
  const journal = new Journal({ entries, world, logger: { warn: (text: string) => complaints.push(text) } as never });
  journal.start();
  let happened = 0;
  const idOf = (n: number) => `evt_${String(n).padStart(10, "0")}`;
  return {
    world,
    journal,
    removed,
    complaints,
    idOf,
    async happen(many: number) {
      const now = timeAt(world);
      const told = Array.from({ length: many }, () => idOf(++happened));
      const entry = (id: string) => ({ id, type: "payment.captured" as const, at: now, data: {}, keptAt: now });
      await Promise.all(told.map((id) => journal.add(entry(id))));
    },
    numbersFrom: async (asked: Paging & { since?: string } = {}) => {
      const { cursors = [] } = await journal.page({ ...asked, limit: 100, cursors: true });
      return cursors.map((cursor) => Number.parseInt(cursor, 10));
    },
    /** The journal looks whether something is to be forgotten, and has forgotten it. */
    async later(ms: number) {
      world.leap(ms);
      for (let before = -1; removed.length > before; ) {
        before = removed.length;
        await world.run(61_000);
      }
    },
  };
}

describe("the journal of events", () => {
  test("forgets after thirty days, from the oldest on, and goes on counting", async () => {
    const { journal, happen, numbersFrom, later, removed, idOf, complaints } = await open();
    await happen(450);
    await later(20 * DAY_MS);
    await happen(10);
    expect(removed).toEqual([]);
    await later(11 * DAY_MS);

    expect(removed).toEqual(Array.from({ length: 450 }, (_, n) => idOf(n + 1)));
    expect(await numbersFrom()).toEqual([451, 452, 453, 454, 455, 456, 457, 458, 459, 460]);
    expect(await numbersFrom({ cursor: `450.${idOf(450)}` })).toHaveLength(10);
    await expect(journal.page({ cursor: `449.${idOf(449)}` })).rejects.toEqual(lost);
    await happen(1);
    expect(await numbersFrom({ cursor: `460.${idOf(460)}` })).toEqual([461]);
    expect(complaints).toEqual([]);
  });

  test("never forgets the last one, so that whoever has read it can go on, however long nothing happens", async () => {
    const { happen, numbersFrom, later, idOf } = await open();
    await happen(3);
    await later(400 * DAY_MS);
    expect(await numbersFrom()).toEqual([3]);
    expect(await numbersFrom({ cursor: `3.${idOf(3)}` })).toEqual([]);
    await happen(2);
    expect(await numbersFrom({ cursor: `3.${idOf(3)}` })).toEqual([4, 5]);
  });

  test("begins with what was written down since a time, and with what comes where there is nothing yet", async () => {
    const { world, happen, numbersFrom, later } = await open();
    await happen(2);
    await later(60_000);
    const since = timeAt(world);
    expect(await numbersFrom({ since })).toEqual([]);
    await happen(3);
    await later(60_000);
    expect(await numbersFrom({ since })).toEqual([3, 4, 5]);
    expect(await numbersFrom({ since: "2020-01-01T00:00:00.000Z" })).toEqual([1, 2, 3, 4, 5]);
  });

  test("refuses a cursor of a time that was taken back: the shop was put back to a backup", async () => {
    const { journal, happen, idOf } = await open();
    await happen(5);
    await expect(journal.page({ cursor: `5.${idOf(77)}` })).rejects.toEqual(lost);
    await expect(journal.page({ cursor: `9.${idOf(9)}` })).rejects.toEqual(lost);
  });

  test("an entry that cannot be written is not acknowledged, and is written when it comes again", async () => {
    const { journal, happen, numbersFrom, world } = await open();
    const { insertMany } = Collection.prototype;
    Collection.prototype.insertMany = () => Promise.reject(new Error("the disk is full"));
    const now = timeAt(world);
    const entry = { id: "evt_9999999999", type: "payment.captured" as const, at: now, data: {}, keptAt: now };
    const failed = await journal.add(entry).catch((error) => error.message);
    Collection.prototype.insertMany = insertMany;
    expect(failed).toBe("the disk is full");
    await happen(1);
    await Promise.all([journal.add(entry), journal.add(entry)]);
    expect(await numbersFrom()).toEqual([1, 2]);
  });
});
