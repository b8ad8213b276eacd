import type { Service } from "moleculer";
import type { DeadLetter, Envelope } from "../services/shared/delivery.ts";
import { timeAt, type World } from "../services/shared/world.ts";
import type { Collection, Doc } from "./collection.ts";
import { repeat } from "./repeat.ts";
import type { Delivery, StoredRecord } from "./store.ts";

const MOST_TRIES = 10;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 300_000;
/** A service that is away is asked again this often, and never gives cause for a dead letter. */
const AWAY_PAUSE_MS = 2_000;
const SWEEP_MS = 500;
const SWEEP_SIZE = 200;
const MOST_AT_ONCE = 64;
const MOST_QUEUED = 10_000;

/** A pause that doubles with each try, with jitter so that many do not come back at once. */
export const pauseMs = (tries: number, random: number): number =>
  Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1)) * (0.5 + random / 2);

const awayErrors = new Set([
  "ServiceNotFoundError",
  "ServiceNotAvailableError",
  "BrokerDisconnectedError",
  "RequestRejectedError",
  "QueueIsFullError",
]);
/** Nobody was there to hear it, or the store was: not the letter's fault. */
const isAway = (error: Error & { code?: unknown }) => awayErrors.has(error.name) || error.code === 503;

interface Post {
  world: World;
  logger: Service["logger"];
  from: string;
  send(to: string, envelope: Envelope): Promise<unknown>;
}

/**
 * Delivers what the documents of a service have to tell. The hearer's answer is the acknowledgement;
 * what is not acknowledged is tried again with growing pauses, and parked as a dead letter after ten
 * failures. Facts of one document reach one hearer in their order; a slow hearer delays nobody else.
 */
export class Outbox {
  readonly #post: Post;
  readonly #collections: Collection<Doc>[] = [];
  readonly #busy = new Set<string>();
  readonly #queue: (() => Promise<void>)[] = [];
  #running = 0;
  #stopSweeping: (() => Promise<void>) | undefined;
  #stopped = false;

  constructor(post: Post) {
    this.#post = post;
  }

  add(collection: Collection<Doc>): void {
    this.#collections.push(collection);
  }

  start(): void {
    this.#stopped = false;
    const { world, logger } = this.#post;
    const failed = (error: Error) => logger.warn(`The outbox could not be swept: ${error.message}`);
    this.#stopSweeping = repeat(world, SWEEP_MS, () => this.sweep(), failed);
  }

  /** Waits for what is under way. What is left is found by the next sweep, here or elsewhere. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#stopSweeping?.();
    this.#queue.length = 0;
    for (let turns = 0; this.#running > 0 && turns < 100; turns++)
      await new Promise<void>((done) => this.#post.world.after(20, done));
  }

  /** A document was saved that has something to tell. */
  told(collection: Collection<Doc>, record: StoredRecord): void {
    if (this.#stopped || this.#busy.has(record._id) || this.#queue.length >= MOST_QUEUED) return;
    this.#busy.add(record._id);
    this.#queue.push(async () => {
      await this.#deliver(collection, record).finally(() => this.#busy.delete(record._id));
    });
    this.#run();
  }

  /** Looks for what was left undelivered: by a crash, by a hearer that was away, by an earlier failure. */
  async sweep(): Promise<boolean> {
    let more = false;
    const now = timeAt(this.#post.world);
    for (const collection of this.#collections) {
      const due = await collection.adapter.find({
        query: { outboxDueAt: { $lte: now } },
        sort: "outboxDueAt",
        limit: SWEEP_SIZE,
      });
      for (const record of due) this.told(collection, record);
      more ||= due.length === SWEEP_SIZE && this.#queue.length < MOST_AT_ONCE;
    }
    return more;
  }

  /** Makes everything that waits due at once: a service has come up. */
  async hurry(): Promise<void> {
    for (const collection of this.#collections) {
      const waiting = await collection.adapter.find({
        query: { outboxDueAt: { $ne: null } },
        sort: "outboxDueAt",
        limit: SWEEP_SIZE,
      });
      for (const record of waiting) this.told(collection, record);
    }
  }

  async deadLetters(): Promise<DeadLetter[]> {
    const found: DeadLetter[] = [];
    for (const collection of this.#collections) {
      const parked = await collection.adapter.find({
        query: { parkedAt: { $ne: null } },
        sort: ["parkedAt", "_id"],
        limit: 1000,
      });
      for (const record of parked) found.push(...lettersOf(this.#post.from, collection, record));
    }
    return found;
  }

  async replay(id: string): Promise<DeadLetter | undefined> {
    const [, name, recordId, eventId, to] = id.split(":");
    const collection = this.#collections.find((one) => one.name === name);
    const record = recordId ? await collection?.adapter.findById(recordId) : null;
    if (!collection || !record) return undefined;
    const letter = lettersOf(this.#post.from, collection, record).find((one) => one.id === id);
    if (!letter) return undefined;
    const outbox = (record.outbox ?? []).map((delivery) => {
      if (delivery.id !== eventId || delivery.to !== to) return delivery;
      const { parkedAt, error, ...fresh } = delivery;
      return { ...fresh, tries: 0 };
    });
    const next = withOutbox(record, outbox, timeAt(this.#post.world));
    if (!(await collection.adapter.replace(next, record.version))) return this.replay(id);
    this.told(collection, next);
    return letter;
  }

  async state(): Promise<{ waiting: number; deadLetters: number; oldestAt?: string }> {
    let waiting = 0;
    let oldestAt: string | undefined;
    for (const collection of this.#collections) {
      const query = { outboxDueAt: { $ne: null } };
      waiting += await collection.adapter.count({ query });
      const [first] = await collection.adapter.find({ query, sort: "outboxDueAt", limit: 1 });
      const at = first?.outbox?.find((delivery) => !delivery.parkedAt)?.at;
      if (at && (!oldestAt || at < oldestAt)) oldestAt = at;
    }
    return { waiting, deadLetters: (await this.deadLetters()).length, ...(oldestAt ? { oldestAt } : {}) };
  }

  #run(): void {
    while (this.#running < MOST_AT_ONCE) {
      const next = this.#queue.shift();
      if (!next) return;
      this.#running++;
      next()
        .catch((error) => this.#post.logger.warn(`A delivery could not be noted: ${error.message}`))
        .finally(() => {
          this.#running--;
          this.#run();
        });
    }
  }

  async #deliver(collection: Collection<Doc>, record: StoredRecord): Promise<void> {
    const lanes = Map.groupBy(record.outbox ?? [], (delivery) => delivery.to);
    const outcomes = await Promise.all([...lanes.values()].map((lane) => this.#deliverInOrder(record._id, lane)));
    const acknowledged = new Set(outcomes.flatMap((outcome) => outcome.acknowledged));
    const failed = new Map(
      outcomes.flatMap((outcome) => (outcome.failed ? [[key(outcome.failed), outcome.failed] as const] : [])),
    );
    const waits = outcomes.flatMap((outcome) => (outcome.againInMs === undefined ? [] : [outcome.againInMs]));
    const left = await this.#note(
      collection,
      record,
      acknowledged,
      failed,
      waits.length ? Math.min(...waits) : undefined,
    );
    if (left && waits.length === 0 && !this.#stopped) await this.#deliver(collection, left);
  }

  async #deliverInOrder(
    subject: string,
    lane: readonly Delivery[],
  ): Promise<{ acknowledged: string[]; failed?: Delivery; againInMs?: number }> {
    const acknowledged: string[] = [];
    for (const delivery of lane) {
      if (delivery.parkedAt) continue;
      const { id, type, at, data } = delivery;
      try {
        await this.#post.send(delivery.to, { id, type, at, subject, data });
        acknowledged.push(key(delivery));
      } catch (error) {
        return { acknowledged, ...this.#failure(delivery, error as Error) };
      }
    }
    return { acknowledged };
  }

  #failure(delivery: Delivery, error: Error): { failed: Delivery; againInMs: number } {
    const { world, logger } = this.#post;
    const message = `${error.name}: ${error.message}`.slice(0, 500);
    if (isAway(error))
      return { failed: { ...delivery, error: message }, againInMs: AWAY_PAUSE_MS * (0.5 + world.random()) };
    const tries = delivery.tries + 1;
    if (tries < MOST_TRIES)
      return { failed: { ...delivery, tries, error: message }, againInMs: pauseMs(tries, world.random()) };
    logger.error(
      `${delivery.type} ${delivery.id} is a dead letter: ${delivery.to} failed ${tries} times, last with ${message}`,
    );
    return { failed: { ...delivery, tries, error: message, parkedAt: timeAt(world) }, againInMs: 0 };
  }

  /** Writes down what became of the deliveries, onto the document as it is by now, and answers it if more waits. */
  async #note(
    collection: Collection<Doc>,
    seen: StoredRecord,
    acknowledged: ReadonlySet<string>,
    failed: ReadonlyMap<string, Delivery>,
    againInMs: number | undefined,
  ): Promise<StoredRecord | undefined> {
    let record: StoredRecord | null = seen;
    while (record) {
      const outbox = (record.outbox ?? [])
        .filter((one) => !acknowledged.has(key(one)))
        .map((one) => failed.get(key(one)) ?? one);
      const pending = outbox.some((one) => !one.parkedAt);
      const dueAt = pending ? timeAt(this.#post.world, againInMs ?? 0) : undefined;
      const next = withOutbox(record, outbox, dueAt);
      if (await collection.adapter.replace(next, record.version)) return pending ? next : undefined;
      record = await collection.adapter.findById(seen._id);
    }
    return undefined;
  }
}

const key = (delivery: Delivery) => `${delivery.id}:${delivery.to}`;

/** The version stays: for those who read the document, nothing has changed. */
function withOutbox(record: StoredRecord, outbox: Delivery[], dueAt: string | undefined): StoredRecord {
  const { outbox: _before, outboxDueAt, parkedAt, ...rest } = record;
  const parked = outbox.find((delivery) => delivery.parkedAt)?.parkedAt;
  return {
    ...rest,
    ...(outbox.length ? { outbox } : {}),
    ...(outbox.length && dueAt ? { outboxDueAt: dueAt } : {}),
    ...(parked ? { parkedAt: parked } : {}),
  };
}

function lettersOf(from: string, collection: Collection<Doc>, record: StoredRecord): DeadLetter[] {
  return (record.outbox ?? []).flatMap(({ id, type, at, data, to, tries, error, parkedAt }) =>
    parkedAt
      ? [
          {
            id: [from, collection.name, record._id, id, to].join(":"),
            from,
            to,
            tries,
            parkedAt,
            error: error ?? "",
            event: { id, type, at, subject: record._id, data },
          },
        ]
      : [],
  );
}
