import fc from "fast-check";
import { ConnectionError } from "../../sdk/src/errors.ts";
import { eventsOf, type ServerEvent } from "../../sdk/src/events.ts";

async function read(...pieces: (string | Uint8Array)[]): Promise<ServerEvent[]> {
  const bytes = pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece));
  const events: ServerEvent[] = [];
  for await (const event of eventsOf(
    (async function* () {
      yield* bytes;
    })(),
  ))
    events.push(event);
  return events;
}

describe("server-sent events", () => {
  test("say where they stand, what they are, and how long to wait", async () => {
    expect(await read("retry: 2000\n\n", "id: 7\nevent: confirmed\ndata: {}\n\n")).toEqual([
      { retryMs: 2000 },
      { id: "7", data: "{}" },
    ]);
  });

  test("a comment says that the server is still there, and nothing else", async () => {
    expect(await read(":\n\n", ": here\n\n")).toEqual([{}, {}]);
  });

  test("what was cut off was not sent yet", async () => {
    expect(await read("id: 1\ndata: a\n\n", "id: 2\ndata: b\n")).toEqual([{ id: "1", data: "a" }]);
  });

  test("data of several lines is one text, and one space is a part of the field", async () => {
    expect(await read("data: a\ndata:b\ndata:  c\ndata\n\n")).toEqual([{ data: "a\nb\n c\n" }]);
  });

  test("what makes no sense is passed over", async () => {
    expect(await read("retry: soon\nid: a\0b\nnonsense\ndata: x\n\n")).toEqual([{ data: "x" }]);
  });

  test("however it is cut into pieces, and whatever ends its lines, it says the same", async () => {
    const text = "id: ünï\ndata: 🐟 eins\ndata: zwei\n\n: still here\n\nid: 2\ndata: drei\n\n";
    const whole = await read(text);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.uniqueArray(fc.nat(100), { maxLength: 20 }),
        async (lineBreak, cuts) => {
          const bytes = Buffer.from(text.replaceAll("\n", lineBreak));
          const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
          const pieces = ends.map((end, n) => bytes.subarray(ends[n - 1] ?? 0, end));
          // A lone carriage return at the very end may be half of a line break.
          expect(await read(...pieces, ...(lineBreak === "\r" ? [":\r"] : []))).toEqual(whole);
        },
      ),
    );
  });

  test("one that never ends is not read for ever", async () => {
    const endless = Array.from({ length: 50 }, () => `data: ${"x".repeat(50_000)}\n`);

    await expect(read(...endless)).rejects.toThrow(ConnectionError);
    await expect(read(...endless.map((line) => line.trimEnd()))).rejects.toThrow(ConnectionError);
  });
});
