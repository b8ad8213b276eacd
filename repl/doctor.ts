import type { CheckResult, Repair, Report } from "../services/doctor/doctor.contract.ts";
import { isRefusal } from "../services/shared/refusal.ts";
import { bad, careful, duration, faint, good, line, remark, success, table } from "../terminal.ts";
import { type Command, Misread } from "./command.ts";
import type { Desk } from "./desk.ts";

/** How long somebody waits for a shop that takes longer than one call may. */
const PATIENCE_MS = 30 * 60_000;
const PAUSE_MS = 1_000;

export const doctor: Command = {
  name: "doctor",
  options: { repair: { about: "ask the services to put right what can be put right safely" } },
  about: "Compare all that the services have written down, with each other and with the payment provider",
  more: "It may be asked while the shop sells. Money and stock are never made up: what would need that is named, and left.",
  example: "doctor",
  async run(desk, { options: { repair } }) {
    const { report, repairs } = repair ? await repaired(wayTo(desk)) : { report: await examined(desk), repairs: [] };
    showRepairs(repairs);
    showReport(report);
    if (!report.ok) throw new Misread("Not all is well.");
  },
};

const examined = (desk: Desk): Promise<Report> =>
  untilReported(desk.world.now(), () => desk.call("doctor.examine", {}));

/** How doctor is asked to repair, wherever it is. */
export interface Way {
  examine(): Promise<Report>;
  /** Null report: it goes on. */
  repair(): Promise<{ repairs: Repair[]; report: Report | null }>;
  /** The newest first. */
  repairs(limit: number, cursor?: string): Promise<{ data: Repair[]; nextCursor: string | null }>;
}

export const wayTo = (desk: Desk): Way => ({
  examine: () => desk.call("doctor.examine", {}),
  repair: () => desk.call("doctor.repair", {}),
  repairs: (limit, cursor) => desk.call("doctor.repairs", { limit, ...(cursor ? { cursor } : {}) }),
});

const PAGE = 100;

/** Where it takes longer than a call, what was done is read from the records, when it has come to its end. */
export async function repaired(way: Way): Promise<{ repairs: Repair[]; report: Report }> {
  const [last] = (await way.repairs(1)).data;
  const { repairs, report } = await way.repair();
  if (report) return { repairs, report };
  const examined = () => untilReported(Date.now(), () => way.examine());
  const seen = await examined();
  const done = await repairsSince(way, last);
  if (done.every(isOver)) return { repairs: done, report: seen };
  // Another doctor than the one that repairs was asked.
  for (let rest = done; !rest.every(isOver); rest = await repairsSince(way, last))
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  return { repairs: await repairsSince(way, last), report: await examined() };
}

const isOver = ({ outcome }: Repair) => outcome !== "asked";

async function repairsSince(way: Way, last: Repair | undefined): Promise<Repair[]> {
  const since: Repair[] = [];
  for (let cursor: string | undefined; ; ) {
    const { data, nextCursor } = await way.repairs(PAGE, cursor);
    const known = data.findIndex(({ id }) => id === last?.id);
    since.push(...(known < 0 ? data : data.slice(0, known)));
    if (known >= 0 || nextCursor === null) return since.toReversed();
    cursor = nextCursor;
  }
}

/** An examination that takes longer than a call goes on, and its report is for whoever asks again. */
export async function untilReported<T>(beganMs: number, ask: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await ask();
    } catch (error) {
      if (!isRefusal(error, "unavailable") || Date.now() - beganMs > PATIENCE_MS) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
}

export function showReport({ ok, checks, startedAt, endedAt }: Report): void {
  table(checks.map((check) => ({ check: check.name, state: stateOf(check), "looked at": check.detail })));
  for (const check of checks.filter(({ found }) => found > 0)) showFindings(check);
  const took = duration(Date.parse(endedAt) - Date.parse(startedAt));
  line();
  if (ok) success(`All is well. It took ${took}.`);
  else {
    const wrong = checks.filter((check) => !check.ok).map(({ name }) => name);
    remark(careful(`Not all is well: ${wrong.join(", ")}. It took ${took}. What each means: docs/doctor.md`));
  }
  line();
}

const stateOf = ({ ok, found }: CheckResult) => (ok ? "ok" : found > 0 ? `${found} wrong` : "not known");

function showFindings({ name, found, findings, advice }: CheckResult): void {
  line(`\n  ${bad(name)}   ${advice ?? ""}`);
  for (const finding of findings)
    line(
      `    ${finding.about.join(" ")}: ${finding.found}; expected: ${finding.expected}${finding.remedy ? faint(`   (repair: ${finding.remedy.action})`) : ""}`,
    );
  if (found > findings.length) line(`    ${faint(`and ${found - findings.length} more`)}`);
}

export function showRepairs(repairs: readonly Repair[]): void {
  if (repairs.length === 0) return;
  table(
    repairs.map(({ check, about, remedy, outcome, after }) => ({
      check,
      about: about.join(" "),
      asked: remedy.action,
      outcome,
      "is now": after ?? "",
    })),
  );
  const done = repairs.filter(({ outcome }) => outcome === "repaired").length;
  remark(good(`${done} of ${repairs.length} repaired.`));
}
