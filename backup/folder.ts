import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { isPartOf, outdated } from "./retention.ts";

/** What nobody has written to for so long was left behind by a backup that died. */
const LEFT_MS = 3_600_000;

/** Removes the backups of a shop that are not kept, and answers their names. */
export function removeOutdated(folder: string, namespace: string, keep: number, made: string): string[] {
  const gone = outdated(readdirSync(folder), namespace, keep, made);
  for (const name of gone) rmSync(join(folder, name));
  return gone;
}

/** Removes what backups of a shop have left behind that came to no end. */
export function removeLeftOvers(folder: string, namespace: string, nowMs: number): void {
  for (const name of readdirSync(folder)) {
    if (!isPartOf(namespace, name)) continue;
    const path = join(folder, name);
    if (nowMs - lastWritten(path) > LEFT_MS) rmSync(path, { recursive: true, force: true });
  }
}

function lastWritten(path: string): number {
  const there = statSync(path);
  const inside = there.isDirectory() ? readdirSync(path).map((name) => statSync(join(path, name)).mtimeMs) : [];
  return Math.max(there.mtimeMs, ...inside);
}
