import type { Service } from "moleculer";
import type { Collection } from "../../mixins/store.mixin.ts";
import { isDuplicate } from "../../mixins/store.mixin.ts";
import { isRefusal, Refusal } from "../shared/refusal.ts";
import { timeAt, type World } from "../shared/world.ts";
import { csvBlocks, UnreadableFile } from "./csv.ts";
import {
  advanced,
  counted,
  dropped,
  finished,
  isFinished,
  type Job,
  LostJob,
  newJob,
  type Progress,
  postponed,
  take,
} from "./job.ts";
import type { Kept } from "./product.ts";
import { type Entry, type Load, type RowError, rowOf, Sheet } from "./sheet.ts";

/** A piece of a file that is still to be imported. */
export interface FilePart {
  id: string;
  version: number;
  text: string;
}

interface Hall {
  jobs: Collection<Job>;
  files: Collection<FilePart>;
  world: World;
  logger: Service["logger"];
  currency: string;
  /** What a job without a file imports. */
  builtIn(job: Job): Load;
  put(product: NonNullable<Entry["product"]>, reservedSkus: ReadonlySet<string>): Promise<Kept>;
  /** The products that have these SKUs now. */
  ownersOf(skus: readonly string[]): Promise<Kept[]>;
  putCategories(titles: Readonly<Record<string, string>>): Promise<unknown>;
  openStock(stock: { sku: string; onHand: number }[]): Promise<unknown>;
}

/** What became of one product. */
interface Outcome {
  saved?: { entry: Entry; product: Kept };
  errors?: readonly RowError[];
}

const LEASE_MS = 8_000;
const RECEIVING_MS = 60_000;
const MOST_AT_ONCE = 2;
const MOST_WAITING = 50;
const TOGETHER = 40;
const PART_LETTERS = 1_000_000;

/**
 * Imports files in the background. Progress is saved every few products; a job that nobody has
 * reported on for a while is taken up by any node, from there. A product that is imported twice
 * because of that changes nothing the second time, and neither does its stock.
 */
export class Importer {
  readonly #hall: Hall;
  readonly #runs = new Map<string, Promise<void>>();
  #isStopped = false;

  constructor(hall: Hall) {
    this.#hall = hall;
  }

  /** Keeps the file and begins. The job is there first, so that no part of a file is without one. */
  async receive(text: string, requestKey: string | undefined): Promise<Job> {
    const { jobs, files, world } = this.#hall;
    if ((await jobs.count({ status: { $in: ["queued", "running"] } })) >= MOST_WAITING)
      throw new Refusal("too_many_requests", `${MOST_WAITING} imports are waiting already.`, { retryAfterSeconds: 10 });
    const parts = cut(text.replaceAll("\0", "").toWellFormed());
    const job = await this.#enter(
      newJob(world.id("imp"), {
        parts: parts.length,
        requestKey,
        at: timeAt(world),
        dueAt: timeAt(world, RECEIVING_MS),
      }),
    );
    if (job.status !== "queued") return job;
    for (const [n, part] of parts.entries())
      await files.insert({ id: partId(job, n), text: part }).catch((error) => {
        if (!isDuplicate(error, "_id")) throw error;
      });
    const ready = await jobs.change(job.id, (now) =>
      now.status === "queued" ? { ...now, dueAt: timeAt(world) } : now,
    );
    this.see(ready);
    return ready;
  }

  /** A job is due: works on it in the background. The promise is that of the work. */
  see(job: Job): Promise<void> {
    const known = this.#runs.get(job.id);
    if (known) return known;
    if (this.#isStopped || this.#runs.size >= MOST_AT_ONCE) return Promise.resolve();
    const run = (isFinished(job) ? this.#drop(job) : this.#run(job))
      .catch((error) => this.#hall.logger.warn(`Import ${job.id} was interrupted: ${error.message}`))
      .finally(() => this.#runs.delete(job.id));
    this.#runs.set(job.id, run);
    return run;
  }

  /** What is under way is left at the next point from where it can go on. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#runs.values());
  }

  async #enter(job: Omit<Job, "version">): Promise<Job> {
    const { jobs } = this.#hall;
    try {
      return await jobs.insert(job);
    } catch (error) {
      const known = isDuplicate(error, "requestKey") && (await jobs.first({ requestKey: job.requestKey ?? null }));
      if (!known) throw error;
      return known;
    }
  }

  async #run({ id }: Job): Promise<void> {
    const { jobs, world, logger } = this.#hall;
    const runner = world.id("req");
    const job = await jobs.change(id, (now) => take(now, runner, timeAt(world), timeAt(world, LEASE_MS)));
    if (job.runner !== runner) return;
    const save = (decide: (job: Job) => Job) => jobs.change(id, decide);
    try {
      await this.#work(job, runner);
    } catch (error) {
      if (error instanceof LostJob) return;
      if (error instanceof UnreadableFile) {
        const { line: row, message } = error;
        await save((now) => finished(now, runner, timeAt(world), { row, message })).then((now) => this.#drop(now));
      } else {
        logger.warn(`Import ${id} will be tried again: ${(error as Error).message}`);
        await save((now) => postponed(now, runner, world.now(), (error as Error).message));
      }
    }
  }

  async #work(job: Job, runner: string): Promise<void> {
    const { jobs, world } = this.#hall;
    const until = () => timeAt(world, LEASE_MS);
    const load = await this.#load(job);
    await jobs.change(job.id, (now) => counted(now, runner, load.size, until()));

    let place = 0;
    for (const entries of grouped(load.entries(), TOGETHER)) {
      const left = entries.slice(Math.max(0, job.settled - place));
      place += entries.length;
      if (left.length === 0) continue;
      if (this.#isStopped) {
        await jobs.change(job.id, (now) => postponed(now, runner, world.now()));
        return;
      }
      const progress = await this.#import(left, load);
      await jobs.change(job.id, (now) => advanced(now, runner, progress, until()));
    }
    await this.#drop(await jobs.change(job.id, (now) => finished(now, runner, timeAt(world))));
  }

  async #load(job: Job): Promise<Load> {
    if (job.parts === 0) return this.#hall.builtIn(job);
    const file = await this.#read(job);
    let sheet: Sheet | undefined;
    for (const rows of csvBlocks(file)) {
      const [header] = sheet ? [] : rows.splice(0, 1);
      if (header) sheet = new Sheet(header, this.#hall.currency);
      for (const row of rows) sheet?.add(row);
      // Others want to be served while a long file is read.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!sheet) throw new UnreadableFile(1, "the file is empty");
    return sheet;
  }

  async #read(job: Job): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let n = 0; n < job.parts; n++) {
      const part = await this.#hall.files.get(partId(job, n));
      if (!part) throw new UnreadableFile(1, "the file was not received in full: send it again");
      parts.push(Buffer.from(part.text));
    }
    return Buffer.concat(parts);
  }

  async #import(entries: readonly Entry[], load: Load): Promise<Progress> {
    const { putCategories, openStock } = this.#hall;
    const outcomes = await Promise.all(entries.map((entry) => this.#put(entry, load)));
    const imported = outcomes.flatMap(({ saved }) => saved ?? []);
    await putCategories(Object.assign({}, ...imported.map(({ entry }) => entry.categories)));
    await openStock(
      imported.flatMap(({ entry, product }) =>
        product.variants.map(({ sku }, place) => ({ sku, onHand: entry.variants[place]?.onHand ?? 0 })),
      ),
    );
    return {
      imported: imported.length,
      skipped: outcomes.length - imported.length,
      errors: outcomes.flatMap(({ errors }) => errors ?? []),
    };
  }

  /** A product that is refused is skipped; any other trouble is that of the whole run. */
  async #put(entry: Entry, load: Load, tried: readonly string[] = []): Promise<Outcome> {
    if (!entry.product) return { errors: entry.errors };
    try {
      return { saved: { entry, product: await this.#hall.put(entry.product, load.reservedSkus()) } };
    } catch (error) {
      const errors = refusedRows(entry, error);
      const owners = await this.#putOwners(error as Refusal, load, [...tried, entry.product.handle]);
      return owners.length ? this.#put(entry, load, [...tried, ...owners]) : { errors };
    }
  }

  /** Where the file moves SKUs from one product to another, the one that gives them up goes first. */
  async #putOwners({ data }: Refusal, load: Load, tried: readonly string[]): Promise<string[]> {
    const skus = (data?.errors ?? []).flatMap(({ sku }) => (typeof sku === "string" ? sku : []));
    const owners = (await this.#hall.ownersOf(skus)).map(({ handle }) => handle);
    const entries = owners.flatMap((handle) => (tried.includes(handle) ? [] : (load.entryOf(handle) ?? [])));
    for (const entry of entries) await this.#put(entry, load, tried);
    return entries.flatMap(({ product }) => product?.handle ?? []);
  }

  async #drop(job: Job): Promise<void> {
    for (let n = 0; n < job.parts; n++) await this.#hall.files.remove(partId(job, n));
    await this.#hall.jobs.change(job.id, dropped);
  }
}

const partId = ({ id }: Job, n: number) => `${id}:${n}`;

/** Parts that every store can keep as one document; no letter is cut in two. */
function cut(text: string): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length || at === 0; ) {
    let end = Math.min(text.length, at + PART_LETTERS);
    if (end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1))) end--;
    parts.push(text.slice(at, end));
    at = Math.max(end, 1);
  }
  return parts;
}

function* grouped<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length) yield group;
}

const ofOneProduct = ["already_exists", "invalid_input"] as const;

function refusedRows(entry: Entry, error: unknown) {
  if (!ofOneProduct.some((type) => isRefusal(error, type))) throw error;
  const { message, data } = error as Refusal;
  const errors = data?.errors ?? [{ path: "", message }];
  return errors.map((one) => ({ row: rowOf(entry, one.path), message: `${one.path} ${one.message}`.trim() }));
}
