import type { Service } from "moleculer";
import type { DeadLetter, Envelope } from "../services/shared/delivery.ts";
import { pauseMs } from "../services/shared/pause.ts";
import { timeAt, type World } from "../services/shared/world.ts";
import { AHEAD_MS, MOST_WATCHED, Watch, watch } from "./ahead.ts";
import type { Collection, Doc } from "./collection.ts";
import { repeat } from "./repeat.ts";
import type { Delivery, StoredRecord } from "./store.ts";

/** A fact is given up when it has failed so often, and for so long: what holds up a hearer may pass. */
const MOST_TRIES = 10;
const PARKED_AFTER_MS = 45_000;
const pauses = { firstMs: 100, longestMs: 60_000 };
const SWEEP_MS = 500;
/** As long as a delivery may take before somebody else looks as well. */
const LEASE_MS = 10_000;
const SWEEP_SIZE = 200;
const MOST_AT_ONCE = 64;
const MOST_QUEUED = 10_000;

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
  laneOf(delivery: Delivery): string;
  send(to: string, envelope: Envelope): Promise<unknown>;
}

/** A document that has something to tell. */
interface Teller {
  collection: Collection<Doc>;
  record: StoredRecord;
}

/** What became of a delivery: undefined where it was acknowledged. */
type Outcome = [key: string, left: Delivery | undefined];

/**
 * Delivers what the documents of a service have to tell. The hearer's answer is the acknowledgement;
 * what is not acknowledged is tried again with growing pauses, and parked as a dead letter after ten
 * failures and 45 seconds. Facts of one document reach one hearer in their order, unless he takes them in any; one that
 * fails delays no other lane.
 */
export class Outbox {
  readonly #post: Post;
  readonly #collections: Collection<Doc>[] = [];
  /** The documents whose deliveries are queued or under way, by their place; each as it is where it has more to tell since. */
  readonly #busy = new Map<string, StoredRecord | undefined>();
  readonly #queue: Teller[] = [];
  /** What was delivered, and may still stand on its document. */
  readonly #acknowledged = new Set<string>();
  #running = 0;
  #stopSweeping: (() => Promise<void>) | undefined;
  #stopWatching: (() => Promise<void>) | undefined;
  readonly #watch = new Watch<Teller>(({ record: { _id, version, outboxDueSetAt, outboxDueAt = "" } }) => ({
    id: _id,
    version,
    at: outboxDueSetAt,
    until: outboxDueAt,
  }));
  #hurrying = Promise.resolve();
  #stopped = true;

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
    this.#stopWatching = watch(world, () => this.#lookAhead(), failed);
  }

  /** Waits for what is under way. What is left is found by the next sweep, here or elsewhere. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#stopSweeping?.();
    await this.#stopWatching?.();
    await this.#hurrying;
    for (const teller of this.#queue.splice(0)) this.#busy.delete(placeOf(teller));
    for (let turns = 0; this.#running > 0 && turns < 100; turns++)
      await new Promise<void>((done) => this.#post.world.after(20, done));
  }

  /** A document was saved that has something to tell. */
  told(collection: Collection<Doc>, record: StoredRecord): void {
    const place = placeOf({ collection, record });
    if (this.#busy.has(place)) this.#busy.set(place, newer(record, this.#busy.get(place)));
    else if (!this.#stopped && this.#queue.length < MOST_QUEUED) {
      this.#busy.set(place, undefined);
      this.#queue.push({ collection, record });
      this.#run();
    }
  }

  isAcknowledged(delivery: Delivery): boolean {
    return this.#acknowledged.has(key(delivery));
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
      await Promise.all(due.map((record) => this.#takeUp(collection, record)));
      more ||= due.length === SWEEP_SIZE && this.#queue.length < MOST_AT_ONCE;
    }
    return more;
  }

  /** Takes up what a node whose clock is ahead has put off, when it has lain for as long. */
  async #lookAhead(): Promise<false> {
    const { world } = this.#post;
    const query = { outboxDueAt: { $gt: timeAt(world, AHEAD_MS) } };
    const found: Teller[] = [];
    for (const collection of this.#collections) {
      const records = await collection.adapter.find({ query, sort: "-outboxDueAt", limit: MOST_WATCHED });
      found.push(...records.map((record) => ({ collection, record })));
    }
    const overdue = this.#watch.overdue(found, world.now());
    await Promise.all(overdue.map(({ collection, record }) => this.#takeUp(collection, record)));
    return false;
  }

  /**
   * Takes up what another node may take up as well: only one gets the lease. The version that comes with it fences
   * off whoever had it before, and is late to note what became of a delivery.
   */
  async #takeUp(collection: Collection<Doc>, record: StoredRecord): Promise<void> {
    if (this.#stopped || this.#busy.has(placeOf({ collection, record })) || this.#queue.length >= MOST_QUEUED) return;
    const { world } = this.#post;
    const lease = { outboxDueAt: timeAt(world, LEASE_MS), outboxDueSetAt: timeAt(world) };
    const leased = { ...record, ...lease, version: record.version + 1 };
    if (await collection.adapter.replace(leased, record.version)) this.told(collection, leased);
  }

  /** A service has come up: what waited for one that was away need not wait any longer. */
  hurry(): Promise<void> {
    const { logger } = this.#post;
    this.#hurrying = this.#hurrying
      .then(() => this.#hurryAll())
      .catch((error) => logger.warn(`The outbox could not be hurried: ${error.message}`));
    return this.#hurrying;
  }

  async #hurryAll(): Promise<void> {
    if (this.#stopped) return;
    for (const collection of this.#collections) {
      const waiting = await collection.adapter.find({
        query: { outboxDueAt: { $ne: null } },
        sort: "outboxDueAt",
        limit: SWEEP_SIZE,
      });
      const away = waiting.filter(({ outbox = [] }) => outbox.some((delivery) => delivery.away));
      const ready = away.map((record) => ({ ...record, outbox: (record.outbox ?? []).map(hurried) }));
      await Promise.all(ready.map((record) => this.#takeUp(collection, record)));
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
    const [, name, ...rest] = id.split(":");
    const [eventId, to] = rest.splice(-2);
    const collection = this.#collections.find((one) => one.name === name);
    const record = await collection?.adapter.findById(rest.join(":"));
    const letter = collection && record && lettersOf(this.#post.from, collection, record).find((one) => one.id === id);
    if (!letter) return undefined;
    const outbox = (record.outbox ?? []).map((delivery) => {
      if (delivery.id !== eventId || delivery.to !== to) return delivery;
      const { parkedAt, error, ...fresh } = delivery;
      return { ...fresh, tries: 0 };
    });
    // A change like any other: a delivery that is under way must not write back what it has seen before.
    const next = { ...this.#withOutbox(record, outbox), version: record.version + 1 };
    if (!(await collection.adapter.replace(next, record.version))) return this.replay(id);
    this.told(collection, next);
    return letter;
  }

  /** Since when the oldest fact waits is read from those that are due first, and from those that have rested longest. */
  async state(): Promise<{ waiting: number; deadLetters: number; oldestAt?: string }> {
    let waiting = 0;
    const times: string[] = [];
    for (const { adapter } of this.#collections) {
      const query = { outboxDueAt: { $ne: null } };
      waiting += await adapter.count({ query });
      for (const sort of ["outboxDueAt", "-outboxDueAt"]) {
        const some = await adapter.find({ query, sort, limit: SWEEP_SIZE });
        times.push(...some.flatMap(({ outbox = [] }) => this.#waitingIn(outbox).flatMap(([head]) => head?.at ?? [])));
      }
    }
    const [oldestAt] = times.toSorted();
    return { waiting, deadLetters: (await this.deadLetters()).length, ...(oldestAt ? { oldestAt } : {}) };
  }

  #run(): void {
    while (this.#running < MOST_AT_ONCE) {
      const next = this.#queue.shift();
      if (!next) return;
      this.#running++;
      this.#deliver(next)
        .catch((error) => this.#post.logger.warn(`A delivery could not be noted: ${error.message}`))
        .finally(() => {
          this.#running--;
          this.#busy.delete(placeOf(next));
          this.#run();
        });
    }
  }

  async #deliver(teller: Teller): Promise<void> {
    const { collection, record } = teller;
    const place = placeOf(teller);
    let left: StoredRecord | null = record;
    while (left) {
      const seen: StoredRecord = left;
      const lanes = this.#lanesOf(seen).slice(0, MOST_AT_ONCE);
      const delivered = await Promise.all(lanes.map((lane) => this.#deliverInOrder(seen._id, lane)));
      const outcomes = new Map(delivered.flat());
      const noted = await this.#note(collection, seen, outcomes).finally(() => {
        for (const key of outcomes.keys()) this.#acknowledged.delete(key);
      });
      if (this.#stopped) return;
      const since = this.#busy.get(place);
      this.#busy.set(place, undefined);
      // Of the same version, what was noted is the later one.
      left = since ? newer(since, noted) : noted;
      if (left && this.#lanesOf(left).length === 0) left = null;
    }
  }

  async #deliverInOrder(subject: string, lane: readonly Delivery[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const delivery of lane) {
      const { id, type, at, data } = delivery;
      try {
        await this.#post.send(delivery.to, { id, type, at, subject, data });
        this.#acknowledged.add(key(delivery));
        outcomes.push([key(delivery), undefined]);
      } catch (error) {
        return [...outcomes, [key(delivery), this.#failed(delivery, error as Error)]];
      }
    }
    return outcomes;
  }

  #failed({ againAt: _before, away: _away, ...delivery }: Delivery, failure: Error): Delivery {
    const { world, logger } = this.#post;
    const error = `${failure.name}: ${failure.message}`.slice(0, 500);
    const waitedMs = world.now() - Date.parse(delivery.at);
    const pause = (tries: number, waitedMs: number) =>
      timeAt(world, pauseMs({ tries, waitedMs }, pauses, world.random()));
    // A service that is away never gives cause for a dead letter, and is to be told soon after it is back.
    if (isAway(failure)) return { ...delivery, error, away: true, againAt: pause(MOST_TRIES, 0) };
    const tries = delivery.tries + 1;
    if (tries < MOST_TRIES || waitedMs < PARKED_AFTER_MS)
      return { ...delivery, tries, error, againAt: pause(delivery.tries, waitedMs) };
    logger.error(
      `${delivery.type} ${delivery.id} is a dead letter: ${delivery.to} failed ${tries} times, last with ${error}`,
    );
    return { ...delivery, tries, error, parkedAt: timeAt(world) };
  }

  /**
   * Writes down what became of the deliveries, onto the document as it is by now, and answers it. A change that came
   * between may have left out all that was acknowledged.
   */
  async #note(
    collection: Collection<Doc>,
    seen: StoredRecord,
    outcomes: ReadonlyMap<string, Delivery | undefined>,
  ): Promise<StoredRecord | null> {
    let record: StoredRecord | null = seen;
    while (record) {
      const before: readonly Delivery[] = record.outbox ?? [];
      if (outcomes.size > 0 && !before.some((one) => outcomes.has(key(one)))) return record;
      const outbox = before.flatMap((one) => (outcomes.has(key(one)) ? (outcomes.get(key(one)) ?? []) : [one]));
      const next = this.#withOutbox(record, outbox);
      if (await collection.adapter.replace(next, record.version)) return next;
      record = await collection.adapter.findById(seen._id);
    }
    return null;
  }

  /** What waits, by lanes, each in its order. */
  #waitingIn(outbox: readonly Delivery[]): Delivery[][] {
    const waiting = outbox.filter(({ parkedAt }) => !parkedAt);
    return [...Map.groupBy(waiting, this.#post.laneOf).values()];
  }

  /**
   * What may be delivered now: a lane whose first has failed a moment ago is left alone, however much is in it, unless a clock
   * that was ahead has put it off for longer than anything should be.
   */
  #lanesOf({ outbox = [] }: StoredRecord): Delivery[][] {
    const now = timeAt(this.#post.world);
    const latest = timeAt(this.#post.world, pauses.longestMs + AHEAD_MS);
    return this.#waitingIn(outbox).filter(([head]) => (head?.againAt ?? now) <= now || (head?.againAt ?? now) > latest);
  }

  /** The version stays: for those who read the document, nothing has changed. */
  #withOutbox(record: StoredRecord, outbox: Delivery[]): StoredRecord {
    const { outbox: _before, outboxDueAt: _due, outboxDueSetAt: _set, parkedAt: _parked, ...rest } = record;
    const now = timeAt(this.#post.world);
    const [dueAt] = this.#waitingIn(outbox)
      .map(([head]) => head?.againAt ?? now)
      .toSorted();
    const parkedAt = outbox.find((delivery) => delivery.parkedAt)?.parkedAt;
    return {
      ...rest,
      ...(outbox.length ? { outbox } : {}),
      ...(dueAt ? { outboxDueAt: dueAt, outboxDueSetAt: now } : {}),
      ...(parkedAt ? { parkedAt } : {}),
    };
  }
}

/** Documents of two collections may have the same id. */
const placeOf = ({ collection, record }: Teller): string => `${collection.name} ${record._id}`;

const newer = (one: StoredRecord, other: StoredRecord | null | undefined): StoredRecord =>
  other && other.version >= one.version ? other : one;

const key = (delivery: Delivery) => `${delivery.id}:${delivery.to}`;

function hurried(delivery: Delivery): Delivery {
  const { againAt, away, ...rest } = delivery;
  return away ? rest : delivery;
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
