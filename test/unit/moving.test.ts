import fc from "fast-check";
import type { StoredRecord } from "../../mixins/store.ts";
import { Digest, Prints, printOf } from "../../moving/digest.ts";
import { linesOf } from "../../moving/file.ts";
import { type Line, Reader, Writer } from "../../moving/format.ts";

const record = (_id: string, more: object = {}): StoredRecord => ({ _id, version: 1, ...more });
const header = (...records: number[]) => ({
  lonja: "0.1.0",
  at: "2026-01-01T12:00:00.000Z",
  collections: records.map((count, n) => ({ name: `c${n}`, schemaVersion: 1, records: count })),
});

/** A file of two collections, as its lines. */
function aFile(): string[] {
  const writer = new Writer();
  return [
    writer.header(header(2, 1, 0)),
    writer.record("c0", record("a", { name: "mug", outbox: [{ id: "evt_1" }] })),
    writer.record("c0", record("b", { schemaVersion: 3 })),
    writer.record("c1", record("a", { name: "ñ 🐟 \0 \ud800" })),
    writer.end(),
  ].map((line) => line.slice(0, -1));
}

function read(lines: readonly string[]): Line[] {
  const reader = new Reader();
  const records = lines.map((line) => reader.take(line)).filter((said) => said !== undefined && "record" in said);
  reader.finish();
  return records;
}

function refusalOf(lines: readonly string[]): string {
  try {
    read(lines);
  } catch (error) {
    expect(error).toMatchObject({ name: "UnusableFile" });
    return (error as Error).message;
  }
  return "taken";
}

describe("a shop as lines", () => {
  test("comes back as it was, whatever its records hold", () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue())), (all) => {
        const records = all.map((fields, n) => ({ ...fields, _id: `r${n}`, version: n }));
        const writer = new Writer();
        const lines = [
          writer.header(header(records.length)),
          ...records.map((one) => writer.record("c0", one)),
          writer.end(),
        ];
        const plain = records.map((one) => JSON.parse(JSON.stringify(one)));
        expect(read(lines.map((line) => line.trimEnd())).map((line) => line.record)).toEqual(plain);
      }),
      { numRuns: 50 },
    );
  });

  test("any letter that is changed, anywhere, is found out in its line", () => {
    const lines = aFile();
    for (const [n, line] of lines.entries())
      for (let at = 0; at < line.length; at++) {
        const damaged = `${line.slice(0, at)}${line[at] === "0" ? "1" : "0"}${line.slice(at + 1)}`;
        expect(refusalOf(lines.with(n, damaged))).toMatch(
          n === 0 ? /line 1 |format/ : new RegExp(`^line ${n + 1} is not`),
        );
      }
  });

  test("a line that is lost, doubled, moved or cut is found out where it is", () => {
    const lines = aFile();
    for (let n = 1; n < lines.length; n++) {
      const [line = "", next] = lines.slice(n, n + 2);
      const isLast = next === undefined;
      const where = `line ${n + 1} is not what was written there: it was changed, moved, cut or left out`;
      expect(refusalOf(lines.toSpliced(n, 1))).toBe(
        isLast ? "it ends after line 4, before its end: it is not complete" : where,
      );
      expect(refusalOf(lines.toSpliced(n, 0, line))).toMatch(isLast ? /^line 6 comes after/ : `line ${n + 2} is not`);
      expect(refusalOf(lines.with(n, line.slice(0, -9)))).toBe(where);
      if (next) expect(refusalOf(lines.toSpliced(n, 2, next, line))).toBe(where);
    }
  });

  test("one that ends before its end says after which line, wherever that is", () => {
    const lines = aFile();
    for (let n = 1; n < lines.length; n++)
      expect(refusalOf(lines.slice(0, n))).toBe(`it ends after line ${n}, before its end: it is not complete`);
  });

  test.each([
    [[]],
    [["", ""]],
    [["{}"]],
    [["null"]],
    [["[1]"]],
    [["Handle,Title", "mug,Mug"]],
    [["\0\0"]],
    [['{"format":"lonja-shop"}']],
  ])("%j is none", (lines) => {
    expect(refusalOf(lines)).toMatch(/^(it is empty|line 1 is not the first line of a shop that was exported)$/);
  });

  test("one in a newer format says which Lonja wrote it, and not that it is damaged", () => {
    const [first = "", ...rest] = aFile();
    const newer = first.replace('"formatVersion":1,"lonja":"0.1.0"', '"formatVersion":2,"lonja":"7.0.0","new":{}');
    expect(refusalOf([newer, ...rest])).toBe(
      "it has format 2, of Lonja 7.0.0; this one reads format 1: use the newer one",
    );
  });

  test.each([
    ["a collection that it does not announce", (writer: Writer) => [writer.record("c9", record("a"))]],
    ["fewer records than it announces", (writer: Writer) => [writer.end()]],
    ["a record without an id", (writer: Writer) => [writer.record("c0", { version: 1 } as StoredRecord)]],
  ])("one with %s is refused, however right its checksums are", (_what, rest) => {
    const writer = new Writer();
    const lines = [writer.header(header(1)), ...rest(writer)].map((line) => line.trimEnd());
    expect(refusalOf(lines)).toMatch(/^line 2 /);
  });
});

describe("a digest", () => {
  const digestOf = (...records: StoredRecord[]) => {
    const digest = new Digest();
    for (const one of records) digest.add(printOf(one));
    return digest.sum;
  };

  test("does not depend on the order of records, nor of fields", () => {
    const [a, b] = [record("a", { deep: { x: 1, y: [1, 2] }, z: null }), record("b")];
    const turned = { z: null, deep: { y: [1, 2], x: 1 }, version: 1, _id: "a" };
    expect(digestOf(a, b)).toEqual(digestOf(b, turned));
  });

  test("tells apart what is missing, null, empty, text, and in another order", () => {
    const alike = [
      {},
      { x: null },
      { x: "" },
      { x: [] },
      { x: {} },
      { x: 0 },
      { x: "0" },
      { x: [1, 2] },
      { x: [2, 1] },
    ];
    const others = [
      JSON.parse('{"__proto__":{"x":0}}'),
      { x: 2 ** 53 - 1 },
      { x: 2 ** 53 - 2 },
      { x: "\ud800" },
      { x: "\ud801" },
    ];
    const digests = [...alike, ...others].map((more) => digestOf({ ...record("a"), ...more }).digest);
    expect(new Set(digests).size).toBe(digests.length);
    expect(printOf(record("a", { x: -0, y: undefined }))).toBe(printOf(record("a", { x: 0 })));
  });

  test("does not forget what is there twice", () => {
    expect(digestOf(record("a"), record("b"), record("b"))).not.toEqual(digestOf(record("a")));
  });
});

test("prints know which records were seen, and in which lines those stood that were not found", () => {
  const prints = new Prints();
  const all = Array.from({ length: 5_000 }, (_, n) => printOf(record(`r${n}`)));
  for (const [n, print] of all.entries()) prints.add(print, n + 1);
  const missing = new Set([7, 1023, 4999]);
  for (const [n, print] of all.entries()) if (!missing.has(n)) expect(prints.find(print)).toBe(true);
  expect(all.every((print) => prints.has(print))).toBe(true);
  expect([prints.has(printOf(record("x"))), prints.find(printOf(record("x")))]).toEqual([false, false]);
  expect(prints.unfound()).toEqual([8, 1024, 5000]);
});

test("lines are the same in whatever pieces they arrive, also without an end of the last one", async () => {
  const bytes = Buffer.from("one\n\nñ 🐟 two\nthree");
  for (let size = 1; size <= bytes.length; size++) {
    async function* pieces() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    expect(await Array.fromAsync(linesOf(pieces()))).toEqual(["one", "", "ñ 🐟 two", "three"]);
  }
});
