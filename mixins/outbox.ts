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
/** As long as a delivery may take before somebody else looks as well. */
const LEASE_MS = 10_000;
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
 * failures. Facts of one document reach one hearer in their order; one that fails delays nobody else.
 */
export class Outbox {
  readonly #post: Post;
  readonly #collections: Collection<Doc>[] = [];
  /** The documents whose deliveries are queued or under way; true where there is more to tell since. */
  readonly #busy = new Map<string, boolean>();
  readonly #queue: Teller[] = [];
  #running = 0;
  #stopSweeping: (() => Promise<void>) | undefined;
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
  }

  /** Waits for what is under way. What is left is found by the next sweep, here or elsewhere. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#stopSweeping?.();
    await this.#hurrying;
    for (const { record } of this.#queue.splice(0)) this.#busy.delete(record._id);
    for (let turns = 0; this.#running > 0 && turns < 100; turns++)
      await new Promise<void>((done) => this.#post.world.after(20, done));
  }

  /** A document was saved that has something to tell. */
  told(collection: Collection<Doc>, record: StoredRecord): void {
    if (this.#busy.has(record._id)) this.#busy.set(record._id, true);
    else if (!this.#stopped && this.#queue.length < MOST_QUEUED) {
      this.#busy.set(record._id, false);
      this.#queue.push({ collection, record });
      this.#run();
    }
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

  /**
   * Takes up what another node may take up as well: only one gets the lease. The version that comes with it fences
   * off whoever had it before, and is late to note what became of a delivery.
   */
  async #takeUp(collection: Collection<Doc>, record: StoredRecord): Promise<void> {
    if (this.#stopped || this.#busy.has(record._id) || this.#queue.length >= MOST_QUEUED) return;
    const { world } = this.#post;
    const leased = { ...record, outboxDueAt: timeAt(world, LEASE_MS), version: record.version + 1 };
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
    const next = { ...withOutbox(record, outbox, timeAt(this.#post.world)), version: record.version + 1 };
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
      this.#deliver(next)
        .catch((error) => this.#post.logger.warn(`A delivery could not be noted: ${error.message}`))
        .finally(() => {
          this.#running--;
          this.#busy.delete(next.record._id);
          this.#run();
        });
    }
  }

  async #deliver({ collection, record }: Teller): Promise<void> {
    let left: StoredRecord | null = record;
    while (left) {
      const seen: StoredRecord = left;
      const lanes = lanesOf(seen, timeAt(this.#post.world));
      const outcomes = await Promise.all(lanes.map((lane) => this.#deliverInOrder(seen._id, lane)));
      const noted = await this.#note(collection, seen, new Map(outcomes.flat()));
      if (this.#stopped) return;
      const more = this.#busy.get(record._id);
      this.#busy.set(record._id, false);
      left = more ? await collection.adapter.findById(record._id) : noted;
      if (left && lanesOf(left, timeAt(this.#post.world)).length === 0) left = null;
    }
  }

  async #deliverInOrder(subject: string, lane: readonly Delivery[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const delivery of lane) {
      const { id, type, at, data } = delivery;
      try {
        await this.#post.send(delivery.to, { id, type, at, subject, data });
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
    if (isAway(failure))
      return { ...delivery, error, away: true, againAt: timeAt(world, AWAY_PAUSE_MS * (0.5 + world.random())) };
    const tries = delivery.tries + 1;
    if (tries < MOST_TRIES)
      return { ...delivery, tries, error, againAt: timeAt(world, pauseMs(tries, world.random())) };
    logger.error(
      `${delivery.type} ${delivery.id} is a dead letter: ${delivery.to} failed ${tries} times, last with ${error}`,
    );
    return { ...delivery, tries, error, parkedAt: timeAt(world) };
  }

  /** Writes down what became of the deliveries, onto the document as it is by now, and answers it. */
  async #note(
    collection: Collection<Doc>,
    seen: StoredRecord,
    outcomes: ReadonlyMap<string, Delivery | undefined>,
  ): Promise<StoredRecord | null> {
    let record: StoredRecord | null = seen;
    while (record) {
      const outbox = (record.outbox ?? []).flatMap((one) =>
        outcomes.has(key(one)) ? (outcomes.get(key(one)) ?? []) : [one],
      );
      const next = withOutbox(record, outbox, timeAt(this.#post.world));
      if (await collection.adapter.replace(next, record.version)) return next;
      record = await collection.adapter.findById(seen._id);
    }
    return null;
  }
}

const key = (delivery: Delivery) => `${delivery.id}:${delivery.to}`;

/** What waits for each hearer, in its order. */
function waitingIn(outbox: readonly Delivery[]): Delivery[][] {
  const waiting = outbox.filter(({ parkedAt }) => !parkedAt);
  return [...Map.groupBy(waiting, ({ to }) => to).values()];
}

/** What may be delivered now: whoever has failed a moment ago is left alone, however much there is to tell. */
const lanesOf = ({ outbox = [] }: StoredRecord, now: string): Delivery[][] =>
  waitingIn(outbox).filter(([head]) => (head?.againAt ?? now) <= now);

function hurried(delivery: Delivery): Delivery {
  const { againAt, away, ...rest } = delivery;
  return away ? rest : delivery;
}

/** The version stays: for those who read the document, nothing has changed. */
function withOutbox(record: StoredRecord, outbox: Delivery[], now: string): StoredRecord {
  const { outbox: _before, outboxDueAt: _due, parkedAt: _parked, ...rest } = record;
  const [dueAt] = waitingIn(outbox)
    .map(([head]) => head?.againAt ?? now)
    .toSorted();
  const parkedAt = outbox.find((delivery) => delivery.parkedAt)?.parkedAt;
  return {
    ...rest,
    ...(outbox.length ? { outbox } : {}),
    ...(dueAt ? { outboxDueAt: dueAt } : {}),
    ...(parkedAt ? { parkedAt } : {}),
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
