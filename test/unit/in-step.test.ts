import fc from "fast-check";
import { firstKey, Stream } from "../../services/doctor/reader.edge.ts";

/** Pages of a list, as a service answers them. */
const streamOf = (keys: readonly string[], size: number) =>
  new Stream(
    async (cursor) => {
      const from = Number(cursor ?? 0);
      const nextCursor = from + size < keys.length ? String(from + size) : null;
      return { data: keys.slice(from, from + size).map((key) => ({ key })), nextCursor };
    },
    ({ key }: { key: string }) => key,
  );

describe("lists that are read in step", () => {
  const sorted = fc.array(fc.constantFrom("a", "b", "c", "d", "e"), { maxLength: 12 }).map((keys) => keys.toSorted());

  test("each record is taken once, with those of the same key, wherever the pages end", async () => {
    await fc.assert(
      fc.asyncProperty(
        sorted,
        sorted,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        async (a, b, n, m) => {
          const streams = [streamOf(a, n), streamOf(b, m)];
          const taken: string[] = [];
          for (let key = await firstKey(streams as never); key; key = await firstKey(streams as never)) {
            const [left, right] = [await streams[0]?.take(key), await streams[1]?.take(key)];
            taken.push(`${key} ${left?.length} ${right?.length}`);
          }
          const count = (all: string[], key: string) => all.filter((one) => one === key).length;
          const wanted = [...new Set([...a, ...b])].toSorted().map((key) => `${key} ${count(a, key)} ${count(b, key)}`);
          expect(taken).toEqual(wanted);
        },
      ),
    );
  });
});
