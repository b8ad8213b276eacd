import { createReadStream, rmSync } from "node:fs";
import { open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { UnusableFile } from "./format.ts";
import type { Source } from "./unpack.ts";

/** Standard input or output, as a name of a file. */
export const STANDARD = "-";

const MOST_LETTERS = 256_000_000;
const LINE_END = 0x0a;

/** Where lines go to. Whatever ends before `keep` leaves nothing behind. */
export interface Sink {
  write(text: string): Promise<void>;
  keep(): Promise<void>;
  /** At once, since there may be no later. */
  discard(): void;
}

export const sinkOf = (path: string, force: boolean): Promise<Sink> | Sink =>
  path === STANDARD ? standardOutput() : newFile(path, force);

/** The file gets its name when all of it is on the disk. It is for its owner only: keys and password hashes are in it. */
async function newFile(path: string, force: boolean): Promise<Sink> {
  const there = await stat(path).catch((error) => {
    if (error.code !== "ENOENT") throw cannot("written", error);
    return undefined;
  });
  if (there?.isDirectory()) throw new UnusableFile("it is a folder");
  if (there && !there.isFile()) throw new UnusableFile("it is no file; - is standard output");
  if (there && !force) throw new UnusableFile("it is there already; --force replaces it");
  const part = `${path}.part`;
  const file = await orWords("written", open(part, "w", 0o600));
  await orWords("written", file.chmod(0o600));
  return {
    write: async (text) => void (await orWords("written", file.writeFile(text))),
    async keep() {
      await orWords("written", file.sync());
      await file.close();
      await orWords("written", rename(part, path));
      const folder = await open(dirname(path));
      await folder.sync().finally(() => folder.close());
    },
    discard: () => rmSync(part, { force: true }),
  };
}

function standardOutput(): Sink {
  const { stdout } = process;
  // Each write says for itself whether it has failed.
  stdout.on("error", () => {});
  return {
    write: (text) =>
      orWords(
        "written",
        new Promise<void>((done, failed) => stdout.write(text, (error) => (error ? failed(error) : done()))),
      ),
    keep: async () => {},
    discard: () => {},
  };
}

export async function sourceOf(path: string): Promise<Source> {
  if (path === STANDARD) return { isLasting: false, lines: () => linesOf(process.stdin) };
  const there = await orWords("read", stat(path));
  if (there.isDirectory()) throw new UnusableFile("it is a folder");
  return { isLasting: there.isFile(), lines: () => linesOf(createReadStream(path, { highWaterMark: 1 << 18 })) };
}

/** In as much memory as the longest line takes. */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let letters = 0;
  const chunks = stream[Symbol.asyncIterator]();
  for (;;) {
    const { value: chunk, done } = await orWords("read", chunks.next());
    if (done) break;
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, end)]).toString();
      [parts, letters, from] = [[], 0, end + 1];
    }
    parts.push(chunk.subarray(from));
    letters += chunk.length - from;
    if (letters > MOST_LETTERS) throw new UnusableFile("it has a line that is longer than any record");
  }
  if (letters > 0) yield Buffer.concat(parts).toString();
}

const cannot = (what: string, error: Error) => new UnusableFile(`it cannot be ${what}: ${error.message}`);

const orWords = <T>(what: string, work: Promise<T>): Promise<T> =>
  work.catch((error) => {
    throw cannot(what, error);
  });
