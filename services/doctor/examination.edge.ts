import type { Cluster } from "../shared/typed.ts";
import { sleep, timeAt, type World } from "../shared/world.ts";
import { type Check, sizeOf } from "./checks.ts";
import type { CheckResult, Finding, Report } from "./doctor.contract.ts";
import { type Inspection, inspections } from "./gathering.edge.ts";
import { type Manner, Reader } from "./reader.edge.ts";

/** What looks wrong may be under way. It is a finding if it still looks so after each of these pauses. */
const LOOKS_MS = [250, 1_000, 2_500];
const MOST_SUSPECTS = 500;
/** Of a check that has found so much, more is taken at its word. */
const MOST_LOOKED_AT = 1_000;

type File = { key: string };

interface Suspect {
  tally: Tally;
  /** Of the file in which it was found. */
  key: string;
  finding: Finding;
}

class Tally {
  readonly check: Check<File>;
  examined = 0;
  found = 0;
  readonly findings: Finding[] = [];

  constructor(check: Check<File>) {
    this.check = check;
  }

  add(finding: Finding, mostShown: number): void {
    this.found++;
    if (this.findings.length < mostShown) this.findings.push(finding);
  }
}

/**
 * Goes through the whole shop once, in a memory that does not grow with it: records are read page by page, in step with
 * each other, and of what is found the first `mostShown` of each check are kept.
 */
export async function examine(cluster: Cluster, world: World, manner: Manner, mostShown = 20): Promise<Report> {
  const reader = new Reader(cluster, world, manner);
  const startedAt = timeAt(world);
  const begun: Inspected[] = [];
  for (const inspection of inspections) begun.push(await inspect(inspection, reader, world, mostShown));
  await Promise.all(begun.map(({ settle }) => settle()));
  const checks = begun.flatMap(({ tallies }) => tallies.map((tally) => resultOf(tally, reader)));
  return { ok: checks.every(({ ok }) => ok), checks, startedAt, endedAt: timeAt(world) };
}

interface Inspected {
  tallies: Tally[];
  /** Looks again at what is still only suspect. */
  settle(): Promise<void>;
}

async function inspect(
  inspection: Inspection<File>,
  reader: Reader,
  world: World,
  mostShown: number,
): Promise<Inspected> {
  const tallies = inspection.checks.map((check) => new Tally(check));
  const suspects: Suspect[] = [];
  const settle = async () => {
    for (const { tally, finding } of await stillSuspect(inspection, reader, world, suspects.splice(0)))
      tally.add(finding, mostShown);
  };
  for await (const files of inspection.all(reader)) {
    const now = reader.now();
    for (const tally of tallies) {
      for (const file of files) tally.examined += sizeOf(tally.check.of, file);
      for (const suspect of suspectsIn(files, tally, reader, now))
        if (tally.found >= MOST_LOOKED_AT) tally.add(suspect.finding, mostShown);
        else suspects.push(suspect);
    }
    if (suspects.length >= MOST_SUSPECTS) await settle();
  }
  return { tallies, settle };
}

function suspectsIn(files: readonly File[], tally: Tally, reader: Reader, now: string): Suspect[] {
  const { check } = tally;
  if (!reader.has(check.needs)) return [];
  return files.flatMap((file) => check.look(file, now).map((finding) => ({ tally, key: file.key, finding })));
}

/** Those who look suspicious at every look, as they do at the last one. */
async function stillSuspect(
  inspection: Inspection<File>,
  reader: Reader,
  world: World,
  suspects: readonly Suspect[],
): Promise<Suspect[]> {
  let left = [...suspects];
  for (const pauseMs of LOOKS_MS) {
    if (left.length === 0) break;
    const keys = [...new Set(left.map(({ key }) => key))];
    const files = await inspection.again(reader, keys, () => sleep(world, pauseMs));
    const before = new Set(left.map(nameOf));
    const tallies = [...new Set(left.map(({ tally }) => tally))];
    const now = reader.now();
    left = tallies.flatMap((tally) => suspectsIn(files, tally, reader, now)).filter((one) => before.has(nameOf(one)));
  }
  return left;
}

const nameOf = ({ tally, finding }: Suspect) => JSON.stringify([tally.check.name, finding.about]);

function resultOf({ check, examined, found, findings }: Tally, reader: Reader): CheckResult {
  const { name, of, advice, needs } = check;
  const away = [...new Set(needs.flatMap((source) => reader.away.get(source) ?? []))];
  const ok = found === 0 && away.length === 0;
  const told = found ? `${found} of ${examined} ${of} are wrong` : `${examined} ${of}`;
  return {
    name,
    ok,
    detail: away.length ? `Not all was looked at: ${away.join("; ")}` : told,
    examined,
    found,
    findings,
    advice: ok ? null : advice,
  };
}
