import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { newArchive, openArchive } from "../../backup/archive.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lonja-archive-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const about = { lonja: "0.1.0", at: "2026-01-01T12:00:00.000Z" };
const passphrase = "seven salty sardines";
const lines = Array.from({ length: 3_000 }, (_, n) => `{"c":"orders.orders","r":{"_id":"ord_${n}","fish":"🐟 ñ"}}`);

async function written(name: string, passphrase?: string): Promise<string> {
  const path = join(folder, name);
  const archive = await newArchive(path, about, passphrase);
  for (const line of lines) await archive.write(`${line}\n`);
  await archive.finish();
  await archive.keep();
  return path;
}

async function read(path: string, passphrase?: string): Promise<string[]> {
  const { source } = await openArchive(path, passphrase);
  return Array.fromAsync(source.lines());
}

describe.each([
  ["as it is", undefined],
  ["encrypted", passphrase],
])("a backup, %s", (name, passphrase) => {
  test("gives back what was put in, as often as it is read, and is for its owner only", async () => {
    const path = await written(name, passphrase);
    const { source, label } = await openArchive(path, passphrase);
    for (const _time of [1, 2]) expect(await Array.fromAsync(source.lines())).toEqual(lines);
    expect(label).toMatchObject(about);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  test("is refused with any byte of it changed, cut off or added", async () => {
    const path = await written(`${name} to damage`, passphrase);
    const whole = readFileSync(path);
    const damages = [
      fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] ?? 0) ^ by;
        return damaged;
      }),
      fc.nat(whole.length - 1).map((length) => whole.subarray(0, length)),
      fc.uint8Array({ minLength: 1, maxLength: 9 }).map((more) => Buffer.concat([whole, more])),
    ];
    await fc.assert(
      fc.asyncProperty(fc.oneof(...damages), async (damaged) => {
        writeFileSync(path, damaged);
        await expect(openArchive(path, passphrase)).rejects.toMatchObject({ name: "UnusableFile" });
      }),
      { numRuns: 300 },
    );
  });

  test("has no name before it is kept, and nothing is left of one that is discarded", async () => {
    const path = join(folder, `${name} unkept`);
    const archive = await newArchive(path, about, passphrase);
    await archive.write("x\n");
    await archive.finish();
    expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([false, true]);
    archive.discard();
    expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([false, false]);
  });
});

test("an encrypted backup shows nothing of what is in it, and opens for nobody else", async () => {
  const path = await written("secret", passphrase);
  expect(readFileSync(path, "latin1")).not.toMatch(/ord_|orders/);
  await expect(read(path)).rejects.toThrow("--passphrase-file");
  await expect(read(path, "seven sweet sardines")).rejects.toThrow("its passphrase is another one");
});

test("two backups of the same shop under the same passphrase have nothing in common but their label", async () => {
  const [one, other] = await Promise.all(["one", "other"].map((name) => written(name, passphrase)));
  const body = (path = "") => readFileSync(path).subarray(300, 400).toString("hex");
  expect(body(one)).not.toBe(body(other));
});

test("what is no backup is called that", async () => {
  const path = join(folder, "notes");
  for (const text of ["", "x", "{}\n", `${JSON.stringify({ format: "lonja-shop" })}\n`]) {
    writeFileSync(path, text);
    await expect(openArchive(path, undefined)).rejects.toThrow("it is no backup of a shop");
  }
  writeFileSync(path, `${JSON.stringify({ format: "lonja-backup", formatVersion: 2, lonja: "9.0.0" })}\n`);
  await expect(openArchive(path, undefined)).rejects.toThrow("it has format 2, of Lonja 9.0.0");
});
