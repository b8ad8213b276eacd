import { type CsvRow, csvBlocks, UnreadableFile } from "../../services/catalog/csv.ts";

const read = (text: string): CsvRow[] => [...csvBlocks(Buffer.from(text))].flat();
const fieldsByLine = (text: string) =>
  read(text).map(({ line, fields, damage }) => [line, damage ? "damaged" : fields]);

describe("a CSV file", () => {
  test("rows carry the line on which they start, whatever breaks lines", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = ["a,b", '"x', 'y","1', '2"', "", "c,d", ""].join(end);
      expect(fieldsByLine(text)).toEqual([
        [1, ["a", "b"]],
        [2, [`x${end}y`, `1${end}2`]],
        [5, [""]],
        [6, ["c", "d"]],
      ]);
    }
  });

  test("a byte order mark and a missing last line break do not matter", () => {
    expect(fieldsByLine('\ufeffa,b\r\n"c ""d""",é')).toEqual([
      [1, ["a", "b"]],
      [2, ['c "d"', "é"]],
    ]);
    expect(read("")).toEqual([]);
    expect(read("\ufeff")).toEqual([]);
  });

  test("a stray quote costs its line only", () => {
    expect(fieldsByLine('a,b\nx,5" pipe\ny,1\nz,"q"r\n"v","w"\n')).toEqual([
      [1, ["a", "b"]],
      [2, "damaged"],
      [3, ["y", "1"]],
      [4, "damaged"],
      [5, ["v", "w"]],
    ]);
  });

  test("a quote that is not closed does not swallow the rows up to the next one", () => {
    expect(fieldsByLine('a,b\nx,"open\ny,1\nz,"closed"\n')).toEqual([
      [1, ["a", "b"]],
      [2, "damaged"],
      [3, ["y", "1"]],
      [4, ["z", "closed"]],
    ]);
  });

  test("a file that ends within a quote is not taken for a whole one", () => {
    const reading = () => read('a,b\n1,2\n3,"cut of');
    expect(reading).toThrow(UnreadableFile);
    expect(reading).toThrow(/complete/);
    try {
      reading();
    } catch (error) {
      expect((error as UnreadableFile).line).toBe(3);
    }
  });

  test("rows that cross the blocks in which a file is read are whole", () => {
    const rows = Array.from({ length: 6_000 }, (_, n) => [`${n}`, `"${n}\r\n${"é,".repeat(n % 60)}"`, "z"].join(","));
    const found = read(rows.join("\r\n"));
    expect(found).toHaveLength(rows.length);
    expect(found.every(({ line, fields }, n) => line === 1 + 2 * n && fields[0] === `${n}` && fields[2] === "z")).toBe(
      true,
    );
  });

  test("a row may be longer than a block, and not endless", () => {
    const long = `"${"x".repeat(300_000)}"`;
    expect(read(`a\n${long}\nb\n`).map(({ line }) => line)).toEqual([1, 2, 3]);
    expect(() => read(`a\n"${"x\n".repeat(3_000_000)}"\n`)).toThrow(/2 MB/);
  });
});
