import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";

/** What is measured has a core for itself, and whoever asks it another one. */
export const SHOPS_CORE = 0;
export const BUYERS_CORE = 1;
const cores = cpus().length;
const canPin = cores > 1;
const pin = (core: number): void => {
  if (canPin) execFileSync("taskset", ["-cp", String(core), String(process.pid)], { stdio: "ignore" });
};

/** Whatever is started meanwhile runs on this core, and so do its children. */
export async function onCore<T>(core: number, start: () => Promise<T>): Promise<T> {
  pin(core);
  try {
    return await start();
  } finally {
    pin(BUYERS_CORE);
  }
}

export const machine = (): string =>
  `${cpus()[0]?.model ?? "unknown"}, ${cores} cores, Node ${process.version}${canPin ? ", the shop on one core, the buyers on another" : ", everybody on the only core"}`;

/** Seconds of a core that all have had that this process has started. */
export const cpuOfAll = (): number =>
  cpuByName()
    .values()
    .reduce((sum, seconds) => sum + seconds, 0);

/** The same by what they are: a node by its services, everything else by its program. */
export function cpuByName(): Map<string, number> {
  const seconds = new Map<string, number>();
  for (const pid of descendants()) {
    const fields = statOf(pid)?.split(" ");
    const name = nameOf(pid);
    // Its own time and that of its children that have ended, each in the system and out of it.
    const ticks = fields?.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) ?? 0;
    if (name) seconds.set(name, (seconds.get(name) ?? 0) + ticks / 100);
  }
  return seconds;
}

/** Undefined: it is gone. */
function nameOf(pid: number): string | undefined {
  try {
    const [services] = /(?<=^|\0)SERVICES=[^\0]*/.exec(readFileSync(`/proc/${pid}/environ`, "utf8")) ?? [];
    if (services && !services.includes(",")) return services.slice("SERVICES=".length);
    const program = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    return program === "MainThread" || program === "node" ? "all services" : program;
  } catch {
    return undefined;
  }
}

/** Megabytes that a process has in memory. */
export const memoryOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;

/** What stands behind the name: state, parent and so on. */
function statOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1);
  } catch {
    return undefined;
  }
}

function descendants(): number[] {
  const parents = readdirSync("/proc")
    .map(Number)
    .filter(Boolean)
    .map((pid) => [pid, Number(statOf(pid)?.split(" ")[1])] as const);
  const family = new Set([process.pid]);
  for (let before = 0; before < family.size; ) {
    before = family.size;
    for (const [pid, parent] of parents) if (family.has(parent)) family.add(pid);
  }
  family.delete(process.pid);
  return [...family];
}
