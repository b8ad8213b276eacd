import type { ImportJob } from "./catalog.contract.ts";
import type { RowError } from "./sheet.ts";

/** An import as the store keeps it. The node that works on it says until when it may be left alone. */
export interface Job extends ImportJob {
  version: number;
  requestKey?: string | undefined;
  /** The run that works on it. */
  runner?: string | undefined;
  /** How many products are settled: imported or skipped. */
  settled: number;
  /** Runs in a row that ended in trouble. */
  troubles: number;
  /** In how many parts the file is kept; 0 as soon as it is not needed any more. */
  parts: number;
  /** When somebody has to see to it. */
  dueAt?: string | undefined;
}

/** What became of some products of the file. */
export interface Progress {
  imported: number;
  skipped: number;
  errors: readonly RowError[];
}

const MOST_ERRORS = 1000;
const MOST_TROUBLES = 200;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

export const newJob = (
  id: string,
  { parts, requestKey, at, dueAt }: { parts: number; requestKey?: string | undefined; at: string; dueAt: string },
): Omit<Job, "version"> => ({
  id,
  status: "queued",
  total: 0,
  imported: 0,
  skipped: 0,
  errors: [],
  createdAt: at,
  finishedAt: null,
  settled: 0,
  troubles: 0,
  parts,
  dueAt,
  ...(requestKey ? { requestKey } : {}),
});

/** As clients see it. */
export const report = ({ id, status, total, imported, skipped, errors, createdAt, finishedAt }: Job): ImportJob => ({
  id,
  status,
  total,
  imported,
  skipped,
  errors,
  createdAt,
  finishedAt,
});

export const isFinished = ({ status }: Job): boolean => status === "succeeded" || status === "failed";

/** Lets a run work on it, unless another one does. */
export const take = (job: Job, runner: string, now: string, until: string): Job =>
  isFinished(job) || !job.dueAt || job.dueAt > now ? job : { ...job, status: "running", runner, dueAt: until };

/** Somebody else has taken over in the meantime. */
export class LostJob extends Error {
  override readonly name = "LostJob";
}

function mine(job: Job, runner: string): Job {
  if (job.runner !== runner || isFinished(job)) throw new LostJob(`${job.id} is worked on by ${job.runner}`);
  return job;
}

export const counted = (job: Job, runner: string, total: number, until: string): Job => ({
  ...mine(job, runner),
  total,
  dueAt: until,
});

export const advanced = (job: Job, runner: string, progress: Progress, until: string): Job => ({
  ...mine(job, runner),
  imported: job.imported + progress.imported,
  skipped: job.skipped + progress.skipped,
  settled: job.settled + progress.imported + progress.skipped,
  errors: [...job.errors, ...progress.errors].slice(0, MOST_ERRORS),
  troubles: 0,
  dueAt: until,
});

/** The file is still there, to be dropped at `dropAt` if the one who finishes does not come to it. */
export const finished = (job: Job, runner: string, at: string, error?: RowError): Job => ({
  ...mine(job, runner),
  status: error ? "failed" : "succeeded",
  errors: error ? [...job.errors, error].slice(-MOST_ERRORS) : job.errors,
  finishedAt: at,
  dueAt: at,
});

/** To be taken up again later: the pause grows with each trouble, and what has failed too often is given up. */
export function postponed(job: Job, runner: string, now: number, trouble?: string): Job {
  const at = (ms: number) => new Date(now + ms).toISOString();
  if (!trouble) return { ...mine(job, runner), dueAt: at(0) };
  const troubles = job.troubles + 1;
  if (troubles >= MOST_TROUBLES)
    return finished(job, runner, at(0), { row: 1, message: `given up after ${troubles} tries: ${trouble}` });
  return { ...mine(job, runner), troubles, dueAt: at(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** troubles)) };
}

export const dropped = ({ dueAt: _dueAt, runner: _runner, ...job }: Job): Job => ({ ...job, parts: 0 });
