import type { Finding, Remedy, Repair, Report } from "./doctor.contract.ts";

export type KeptRepair = Repair & { version: number };

/** A finding that its owner can put right. */
export interface ToRepair extends Finding {
  check: string;
  remedy: Remedy;
}

export const toRepair = ({ checks }: Report): ToRepair[] =>
  checks.flatMap(({ name: check, findings }) =>
    findings.flatMap((finding) => (finding.remedy ? [{ ...finding, remedy: finding.remedy, check }] : [])),
  );

/** Written down before the owner is asked. */
export const begun = (
  { check, about, found: before, expected, remedy }: ToRepair,
  { id, at, by }: Pick<Repair, "id" | "at" | "by">,
): Omit<KeptRepair, "version"> => ({
  id,
  check,
  about,
  before,
  expected,
  remedy,
  outcome: "asked",
  after: null,
  by,
  at,
});

export const failed = (repair: KeptRepair, why: string): KeptRepair => ({ ...repair, outcome: "failed", after: why });

/** What an examination says of it that came after it. */
export function seen(repair: KeptRepair, { checks }: Report): KeptRepair {
  if (repair.outcome === "failed") return repair;
  const check = checks.find(({ name }) => name === repair.check);
  const left = check?.findings.find(({ about }) => about[0] === repair.about[0] && about[1] === repair.about[1]);
  if (left) return { ...repair, outcome: "still_wrong", after: left.found };
  // Where not all was looked at, or not all is listed, it may be among the rest.
  const isWhole = check?.ok || (check && check.found > 0 && check.found === check.findings.length);
  return isWhole ? { ...repair, outcome: "repaired" } : repair;
}

export const repairView = ({ version, ...repair }: KeptRepair): Repair => repair;

/** Who is asked for it, and for what. A dead letter is its sender's. */
export function askOf({ action, params }: Remedy): { action: string; params: unknown } {
  return action === "replay" ? { action: `${String(params.id).split(":", 1)[0]}.replay`, params } : { action, params };
}

/** Of what was found, the first of each check. */
export const shortened = (report: Report, most: number): Report => ({
  ...report,
  checks: report.checks.map((check) => ({ ...check, findings: check.findings.slice(0, most) })),
});
