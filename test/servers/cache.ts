import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const cache = resolve(import.meta.dirname, "../../node_modules/.cache/lonja");

/**
 * What a command makes out of the files of a folder, made once for as long as these stay the same. `make` is run in
 * a copy of the folder; what it leaves there is kept.
 */
export async function madeOnce(folder: string, make: readonly [string, ...string[]]): Promise<string> {
  const hash = createHash("sha256").update(make.join("\n"));
  for (const file of (await readdir(folder)).toSorted()) hash.update(file).update(await readFile(join(folder, file)));
  const made = join(cache, hash.digest("hex").slice(0, 16));
  if (existsSync(made)) return made;
  const work = `${made}.${process.pid}`;
  process.stderr.write(`${basename(folder)} is made, which takes a minute or two, once\n`);
  await mkdir(cache, { recursive: true });
  await cp(folder, work, { recursive: true });
  try {
    const [command, ...args] = make;
    await run(command, args, { cwd: work, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, GOFLAGS: "-mod=mod" } });
    await rename(work, made).catch((error) => {
      if (!existsSync(made)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return made;
}
