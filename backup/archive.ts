import { createCipheriv, createDecipheriv, createHash, type DecipherGCM, randomBytes, scryptSync } from "node:crypto";
import { once } from "node:events";
import { createReadStream, rmSync } from "node:fs";
import { open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdCompress, createZstdDecompress } from "node:zlib";
import { linesOf } from "../moving/file.ts";
import { UnusableFile } from "../moving/format.ts";
import type { Source } from "../moving/unpack.ts";

/**
 * A backup is an export (moving/format.ts) in an envelope: a line of JSON that says what it is, the lines of the export,
 * compressed and perhaps encrypted, and a line with the SHA-256 of all before it.
 */
export interface Label {
  format: typeof FORMAT;
  formatVersion: typeof FORMAT_VERSION;
  lonja: string;
  /** The moment that it holds. */
  at: string;
  compression: "zstd";
  /** Null: it is not encrypted. */
  encryption: Encryption | null;
}
/** What the key is made of, with a passphrase. */
interface Encryption {
  cipher: "aes-256-gcm";
  kdf: "scrypt";
  salt: string;
  iv: string;
}

const FORMAT = "lonja-backup";
const FORMAT_VERSION = 1;
const LINE_END = 0x0a;
const TAG_BYTES = 16;
const SUM_LINE = 65;
const LONGEST_LABEL = 1_000;

const keyFor = (passphrase: string, salt: string): Buffer =>
  scryptSync(passphrase, Buffer.from(salt, "base64"), 32, { N: 1 << 15, r: 8, p: 1, maxmem: 1 << 26 });

/** Where the lines of an export go. The file gets its name last. */
export interface Archive {
  write(text: string): Promise<void>;
  /** All of it is on the disk, in a file of a name that nobody takes for a backup. Answers how many bytes it has. */
  finish(): Promise<{ part: string; bytes: number }>;
  keep(): Promise<void>;
  /** At once, since there may be no later. */
  discard(): void;
}

export async function newArchive(
  path: string,
  about: Pick<Label, "lonja" | "at">,
  passphrase: string | undefined,
): Promise<Archive> {
  const part = `${path}.part`;
  const file = await orWords("written", open(part, "wx", 0o600));
  const encryption = passphrase === undefined ? null : newEncryption();
  const label: Label = { format: FORMAT, formatVersion: FORMAT_VERSION, ...about, compression: "zstd", encryption };
  const head = Buffer.from(`${JSON.stringify(label)}\n`);
  const cipher = encryption && cipherOf(passphrase ?? "", encryption, head);

  const sum = createHash("sha256");
  let bytes = 0;
  const put = async (chunk: Buffer) => {
    sum.update(chunk);
    bytes += chunk.length;
    await file.writeFile(chunk);
  };
  const input = new PassThrough();
  const output = new Writable({ write: (chunk, _encoding, done) => void put(chunk).then(() => done(), done) });
  await orWords("written", put(head));
  const written = orWords("written", pipeline([input, createZstdCompress(), ...(cipher ? [cipher] : []), output]));
  // Whoever writes next, or keeps it, is told.
  written.catch(() => {});
  return {
    async write(text) {
      if (!input.write(text)) await Promise.race([written, once(input, "drain")]);
    },
    async finish() {
      input.end();
      await written;
      if (cipher) await orWords("written", put(cipher.getAuthTag()));
      await orWords("written", file.writeFile(`${sum.digest("hex")}\n`));
      await orWords("written", file.sync());
      await file.close();
      return { part, bytes: bytes + SUM_LINE };
    },
    async keep() {
      await orWords("written", rename(part, path));
      await syncFolder(dirname(path));
    },
    discard: () => rmSync(part, { force: true }),
  };
}

const cipherOf = (passphrase: string, { salt, iv }: Encryption, head: Buffer) =>
  createCipheriv("aes-256-gcm", keyFor(passphrase, salt), Buffer.from(iv, "base64")).setAAD(head);

/** Looks at every byte of a backup before anything of it is believed. */
export async function openArchive(
  path: string,
  passphrase: string | undefined,
): Promise<{ label: Label; source: Source }> {
  const { size } = await orWords("read", stat(path));
  const first = await bytesOf(path, 0, LONGEST_LABEL);
  const head = first.subarray(0, first.indexOf(LINE_END) + 1);
  const label = labelIn(head);
  await checkSum(path, size);
  const { encryption } = label;
  const decipher = encryption ? await decipherOf(path, head, size, encryption, passphrase) : undefined;
  return { label, source: sourceOf(path, head, size, decipher) };
}

/** Its lines, read anew each time. */
function sourceOf(
  path: string,
  head: Buffer,
  size: number,
  decipher: (() => Promise<DecipherGCM>) | undefined,
): Source {
  const end = size - SUM_LINE - (decipher ? TAG_BYTES : 0) - 1;
  return {
    isLasting: true,
    async *lines() {
      const payload = createReadStream(path, { start: head.length, end, highWaterMark: 1 << 18 });
      const output = createZstdDecompress();
      const read = pipeline([payload, ...(decipher ? [await decipher()] : []), output]).catch((error) => {
        throw new UnusableFile(decipher ? "its passphrase is another one" : `it is damaged: ${error.message}`);
      });
      // Whoever reads is told first.
      read.catch(() => {});
      try {
        yield* linesOf(output);
      } catch (error) {
        await read;
        throw error;
      }
      await read;
    },
  };
}

async function decipherOf(
  path: string,
  head: Buffer,
  size: number,
  { salt, iv }: Encryption,
  passphrase: string | undefined,
) {
  if (passphrase === undefined)
    throw new UnusableFile("it is encrypted, and --passphrase-file has to name the file with its passphrase");
  const key = keyFor(passphrase, salt);
  const tag = await bytesOf(path, size - SUM_LINE - TAG_BYTES, TAG_BYTES);
  return async () => createDecipheriv("aes-256-gcm", key, Buffer.from(iv, "base64")).setAAD(head).setAuthTag(tag);
}

async function bytesOf(path: string, from: number, length: number): Promise<Buffer> {
  const file = await orWords("read", open(path));
  const { buffer, bytesRead } = await file
    .read(Buffer.alloc(length), 0, length, Math.max(0, from))
    .finally(() => file.close());
  return buffer.subarray(0, bytesRead);
}

function labelIn(head: Buffer): Label {
  let label: Partial<Label> = {};
  try {
    label = JSON.parse(head.toString());
  } catch {
    // Whatever it is, it is not ours: said below.
  }
  if (label?.format !== FORMAT) throw new UnusableFile("it is no backup of a shop");
  if (label.formatVersion !== FORMAT_VERSION)
    throw new UnusableFile(`it has format ${label.formatVersion}, of Lonja ${label.lonja}: use the newer one`);
  return label as Label;
}

async function checkSum(path: string, size: number): Promise<void> {
  const sum = createHash("sha256");
  const end = Math.max(0, size - SUM_LINE - 1);
  await orWords("read", pipeline(createReadStream(path, { end, highWaterMark: 1 << 20 }), sum));
  const written = await bytesOf(path, size - SUM_LINE, SUM_LINE);
  if (written.toString("latin1") !== `${sum.digest("hex")}\n`)
    throw new UnusableFile("it is not what was written: its checksum is another one");
}

const newEncryption = (): Encryption => ({
  cipher: "aes-256-gcm",
  kdf: "scrypt",
  salt: randomBytes(16).toString("base64"),
  iv: randomBytes(12).toString("base64"),
});

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  await folder.sync().finally(() => folder.close());
}

const orWords = <T>(what: string, work: Promise<T>): Promise<T> =>
  work.catch((error) => {
    throw new UnusableFile(`it cannot be ${what}: ${error.message}`);
  });
