import type { Audit } from "../services/shared/auditing.ts";
import { notACursor, type Position, pageOf, readCursor, writeCursor } from "../services/shared/page.ts";
import { found, Refusal } from "../services/shared/refusal.ts";
import { PAGE_SIZE, type Page, type Paging } from "../services/shared/schema.ts";
import type { Telling } from "../services/shared/typed.ts";
import { sleep, timeAt, type World } from "../services/shared/world.ts";
import {
  type CollectionShape,
  type Delivery,
  HALF_MOVED,
  isDuplicate,
  isNumber,
  type Query,
  type StoreAdapter,
  type StoredRecord,
  UnusableStore,
} from "./store.ts";

/** Every document has these two. `version` is given by the collection. */
export interface Doc {
  id: string;
  version: number;
}
export type New<D extends Doc> = Omit<D, "version">;

/** Which documents a list has, and its order: that of a declared field (`-` for descending) and then of the id. */
export interface List {
  where?: Query;
  sort?: string;
}

export interface CollectionOptions<D extends Doc> extends Partial<CollectionShape> {
  /**
   * The facts that a change causes, as a pure function of before (null for a new document) and after.
   * They are saved in the same write as the change and delivered at least once.
   */
  tells?: (before: D | null, after: D) => Telling[];
  /** How to make a document of schema version n out of one of n - 1. Each document says which one it has. */
  migrations?: Record<number, (doc: D) => D>;
  /** It has `dueAt`, and no clock that is wrong may put it off for longer than was meant: see `ahead.ts`. */
  isWatched?: boolean;
}

/** How long a delivery may take before somebody else looks at the outbox as well. */
const OUTBOX_PATIENCE_MS = 3_000;
const INBOX_LENGTH = 50;
const MOST_RETRIES = 30;

/** What outbox relays need to know of a collection. */
export interface House {
  world: World;
  /** Which services hear a fact. */
  hearersOf(type: string): readonly string[];
  /** What was delivered need not be written down again with the next change of its document. */
  isAcknowledged(delivery: Delivery): boolean;
  /** Called after a document with something to tell was saved. */
  toldIn(collection: Collection<Doc>, record: StoredRecord): void;
}

/** Documents of one kind. The document is the unit of consistency: it changes in one write or not at all. */
export class Collection<D extends Doc> {
  readonly name: string;
  readonly adapter: StoreAdapter;
  readonly #options: CollectionOptions<D>;
  readonly #house: House;
  readonly schemaVersion: number;
  /** What a document was made of, for as long as somebody has the document. */
  readonly #records = new WeakMap<D, StoredRecord>();

  constructor(name: string, adapter: StoreAdapter, options: CollectionOptions<D>, house: House) {
    this.name = name;
    this.adapter = adapter;
    this.#options = options;
    this.#house = house;
    this.schemaVersion = options.schemaVersion ?? 1;
    const watched = options.isWatched ? ["dueSetAt"] : [];
    adapter.shape({
      fields: [...(options.fields ?? []), ...watched],
      numbers: options.numbers ?? [],
      lists: options.lists ?? [],
      unique: options.unique ?? [],
      indexes: [...(options.indexes ?? []), ...watched.map((field) => [field] as const)],
      schemaVersion: this.schemaVersion,
    });
  }

  /**
   * Brings stored documents to the schema version of the code. It may be interrupted and begun anew, and
   * several nodes may be at it. A store from a newer Lonja is left alone.
   */
  async migrate(): Promise<void> {
    const stored = await this.adapter.storedSchemaVersion();
    if (stored === HALF_MOVED)
      throw new UnusableStore(
        `An import has not come to its end, and ${this.name} may not be all there: repeat it, or begin anew with an empty store.`,
      );
    if (stored > this.schemaVersion)
      throw new UnusableStore(
        `The stored ${this.name} have schema version ${stored}, this Lonja knows ${this.schemaVersion}: start the newer one.`,
      );
    if (stored > 0 && stored < this.schemaVersion) await this.#bringUp();
    if (stored !== this.schemaVersion) await this.adapter.setSchemaVersion(this.schemaVersion);
  }

  /** Calls `then` once whatever has arrived by now has had its turn: what comes at once can be decided together. */
  soon(then: () => void): void {
    this.#house.world.soon(then);
  }

  async get(id: string): Promise<D | undefined> {
    const record = await this.adapter.findById(id);
    return record ? this.#doc(record) : undefined;
  }

  async getMany(ids: readonly string[]): Promise<D[]> {
    return (await this.adapter.findByIds([...ids])).map((record) => this.#doc(record));
  }

  /** Whether the document is still like this, as far as that is known without asking the store. */
  isCurrent(doc: D): boolean {
    const record = this.#records.get(doc);
    return record !== undefined && (this.adapter.isCurrent?.(record) ?? false);
  }

  async first(where: Query): Promise<D | undefined> {
    const record = await this.adapter.findOne(this.#checked(where));
    return record ? this.#doc(record) : undefined;
  }

  get isWatched(): boolean {
    return this.#options.isWatched ?? false;
  }

  /** When `dueAt` was set, by the clock of whoever did. */
  dueSetAt(doc: D): string | undefined {
    return this.#records.get(doc)?.dueSetAt;
  }

  async count(where: Query = {}): Promise<number> {
    return this.adapter.count({ query: this.#checked(where) });
  }

  /** One page of a list for people, the newest first where nothing else is said, as `view` shows its documents. */
  async page<V>(
    asked: Paging,
    { where = {}, sort = "-_id" }: List,
    view: (doc: D) => V | Promise<V>,
  ): Promise<Page<V>> {
    const page = await this.find({ ...asked, where, sort });
    return { ...page, data: await Promise.all(page.data.map((doc) => view(doc))) };
  }

  /** One page of the documents themselves. */
  async find({ where = {}, sort = "_id", ...asked }: List & Paging = {}): Promise<Page<D>> {
    const page = pageOf(await this.#found(where, sort, asked), asked, cursorBehind(sort));
    return { ...page, data: page.data.map((record) => this.#doc(record)) };
  }

  /** Whoever makes up a cursor does not get to search a field for what it does not hold. */
  #position(cursor: string, sort: string): Position {
    const position = readCursor(cursor, sort, [isNumber(this.#options, fieldOf(sort)) ? "number" : "string"]);
    if (typeof position[0] === "number" && !Number.isSafeInteger(position[0])) throw notACursor();
    return position;
  }

  /** One more than a page has, if there are so many. */
  #found(where: Query, sort: string, { limit = PAGE_SIZE, cursor }: Paging): Promise<StoredRecord[]> {
    const query = cursor ? { $and: [where, after(sort, this.#position(cursor, sort))] } : where;
    return this.adapter.find({ query: this.#checked(query), sort: order(sort), limit: limit + 1 });
  }

  /** Every store compares numbers with text in a way of its own, so nobody is to find that out in one of them. */
  #checked(query: Query): Query {
    for (const [field, condition] of Object.entries(query)) {
      if (Array.isArray(condition)) for (const part of condition) this.#checked(part);
      else
        for (const value of valuesOf(condition))
          if (value !== null && (typeof value === "number") !== isNumber(this.#options, field))
            throw new Error(
              `${this.name} are not searched by ${field} for ${value}: declare the field as what it holds`,
            );
    }
    return query;
  }

  /**
   * One page of all there is in the order of an indexed field and then of the id, or of what has one of these keys in
   * it: for whoever goes through everything. No page costs more than another, however many are before it. Documents
   * that lack the field are left out. `view` makes what is shown of a document and of what it has still to tell.
   */
  async walk<V>(
    by: string,
    { keys, limit = 500, cursor }: Audit,
    view: (doc: D, waiting: readonly Delivery[]) => V,
  ): Promise<Page<V>> {
    const records = await (keys
      ? this.#found({ [by]: { $in: keys } }, by, { limit, cursor })
      : this.#stretch(by, limit, cursor));
    const page = pageOf(records, { limit }, cursorBehind(by));
    const show = (record: StoredRecord) =>
      view(this.#read(record), record.outbox?.filter(({ parkedAt }) => !parkedAt) ?? []);
    return { ...page, data: page.data.map(show) };
  }

  async #stretch(by: string, limit: number, cursor: string | undefined): Promise<StoredRecord[]> {
    const [value, id] = cursor ? this.#position(cursor, by) : [];
    const isUnique =
      by === "_id" || this.#options.unique?.some(([field, ...more]) => field === by && more.length === 0);
    const find = (query: Query, sort: string[], limit: number) => this.adapter.find({ query, sort, limit });
    const equal =
      value === undefined || isUnique ? [] : await find({ [by]: value, _id: { $gt: id ?? "" } }, ["_id"], limit + 1);
    const further = { [by]: value === undefined ? { $ne: null } : { $gt: value } };
    const room = limit + 1 - equal.length;
    return room > 0 ? [...equal, ...(await find(further, isUnique ? [by] : [by, "_id"], room))] : equal;
  }

  /** @throws Duplicate when a unique index, or the id, is in the way. */
  async insert(doc: New<D>): Promise<D> {
    const record = this.#newRecord(doc);
    await this.adapter.insert(record);
    this.#announce(record);
    return this.#doc(record);
  }

  /** Undefined: there is a document of this id already. */
  async insertOnce(doc: New<D>): Promise<D | undefined> {
    return this.insert(doc).catch(async (error) => {
      // A store names any one of the indexes that are in the way.
      if (isDuplicate(error) && (await this.get(doc.id))) return undefined;
      throw error;
    });
  }

  /** The document of this id, made now unless there is one. Of several who make it, one is right. */
  async getOrMake(id: string, make: () => Omit<New<D>, "id"> | Promise<Omit<New<D>, "id">>): Promise<D> {
    const known = await this.get(id);
    if (known) return known;
    const made = await this.insertOnce({ ...(await make()), id } as New<D>);
    return made ?? found(await this.get(id), id);
  }

  /** In this order, and none after the first that cannot be inserted. */
  async insertMany(docs: readonly New<D>[]): Promise<D[]> {
    const records = docs.map((doc) => this.#newRecord(doc));
    await this.adapter.insertMany(records);
    for (const record of records) this.#announce(record);
    return records.map((record) => this.#doc(record));
  }

  /**
   * Changes a document by a pure decision. Whoever was slower decides again on what is there then; the
   * same document given back means that nothing is to be written. `ifVersion` refuses instead of
   * deciding again; `heard` is the id of the fact behind the change, which then counts once. Given a
   * document instead of an id, it is tried first as it is, which saves a read.
   *
   * @throws Refusal `not_found`, `version_conflict`, or whatever `decide` refuses.
   */
  async change(
    known: string | D,
    decide: (doc: D) => D,
    { ifVersion, heard }: { ifVersion?: number | undefined; heard?: string } = {},
  ): Promise<D> {
    if (typeof known !== "string" && ifVersion === undefined && !heard) {
      const saved = await this.#changeAsItIs(known, decide);
      if (saved) return saved;
    }
    const id = typeof known === "string" ? known : known.id;
    for (let tries = 0; tries < MOST_RETRIES; tries++) {
      const record = await this.adapter.findById(id);
      if (!record) throw new Refusal("not_found", `There is no ${id}.`);
      if (ifVersion !== undefined && ifVersion !== record.version)
        throw new Refusal("version_conflict", `It is at version ${record.version} by now.`, {
          version: record.version,
        });
      const before = this.#doc(record);
      if (heard && record.inbox?.includes(heard)) return before;
      const after = decide(before);
      // Nothing is written down of a fact that changes nothing: heard again, it will be decided on again.
      const saved = after === before ? before : await this.#save(record, before, after, heard);
      if (saved) return saved;
      await sleep(this.#house.world, this.#house.world.random() * Math.min(100, 2 ** tries));
    }
    throw new Refusal("unavailable", `Too many are changing ${id} at once.`, { retryAfterSeconds: 1 });
  }

  /** Saves `after` if the document is still at the version of `before`. Undefined: it is not. */
  async replace(before: D, after: D): Promise<D | undefined> {
    const known = this.#records.get(before);
    // What it had to tell may have been delivered meanwhile, which leaves the version as it is.
    const isAsItWas = known && (!known.outbox || (this.adapter.isCurrent?.(known) ?? true));
    const record = isAsItWas ? known : await this.adapter.findById(before.id);
    if (record?.version !== before.version) return undefined;
    return after === before ? before : this.#save(record, before, after);
  }

  /** Not for what tells: what it has still to tell would go with it. */
  async remove(id: string): Promise<boolean> {
    if (this.#options.tells) throw new Error(`${this.name} tell of themselves and cannot be removed`);
    return (await this.adapter.removeById(id)) !== null;
  }

  /** Undefined: it has changed by now, or was refused for what may have changed, and is to be decided again. */
  async #changeAsItIs(known: D, decide: (doc: D) => D): Promise<D | undefined> {
    let after: D;
    try {
      after = decide(known);
    } catch {
      return undefined;
    }
    return after === known ? undefined : this.replace(known, after);
  }

  async #save(record: StoredRecord, before: D, after: D, heard?: string): Promise<D | undefined> {
    const next = this.#successor(record, after);
    if (heard) next.inbox = [...(record.inbox ?? []), heard].slice(-INBOX_LENGTH);
    const doc = this.#doc(next);
    this.#putOut(next, record, this.#options.tells?.(before, doc) ?? []);
    if (!(await this.adapter.replace(next, record.version))) return undefined;
    this.#announce(next);
    return doc;
  }

  #newRecord(doc: New<D>): StoredRecord {
    const record = this.#recordOf({ ...doc, version: 1 } as D);
    this.#putOut(record, undefined, this.#options.tells?.(null, this.#doc(record)) ?? []);
    return record;
  }

  #putOut(record: StoredRecord, before: StoredRecord | undefined, tellings: readonly Telling[]): void {
    const { world, hearersOf, isAcknowledged } = this.#house;
    const at = timeAt(world);
    const fresh = tellings.flatMap(({ type, data }): Delivery[] => {
      const id = world.id("evt");
      return hearersOf(type).map((to) => ({ id, type, at, data, to, tries: 0 }));
    });
    const waiting = before?.outbox?.filter((delivery) => !isAcknowledged(delivery)) ?? [];
    const outbox = [...waiting, ...fresh];
    if (outbox.length === 0) return;
    record.outbox = outbox;
    if (before?.parkedAt) record.parkedAt = before.parkedAt;
    const dueAt = fresh.length ? timeAt(world, OUTBOX_PATIENCE_MS) : before?.outboxDueAt;
    const setAt = fresh.length ? at : before?.outboxDueSetAt;
    if (dueAt) record.outboxDueAt = dueAt;
    if (setAt) record.outboxDueSetAt = setAt;
  }

  #announce(record: StoredRecord): void {
    if (record.outbox?.length) this.#house.toldIn(this as unknown as Collection<Doc>, record);
  }

  #recordOf({ id, version, ...fields }: D): StoredRecord {
    const record: StoredRecord = { _id: id, version, ...fields };
    if (this.isWatched && record.dueAt) record.dueSetAt = timeAt(this.#house.world);
    if (this.schemaVersion > 1) record.schemaVersion = this.schemaVersion;
    return record;
  }

  /** What a newer Lonja has written stays of its version, whoever changes it. */
  #successor(record: StoredRecord, after: D): StoredRecord {
    const { inbox, schemaVersion = 1 } = record;
    const next = this.#recordOf({ ...after, version: record.version + 1 });
    // Whoever leaves it where it was has not put it off.
    if (next.dueAt === record.dueAt) delete next.dueSetAt;
    if (next.dueAt === record.dueAt && record.dueSetAt) next.dueSetAt = record.dueSetAt;
    if (inbox) next.inbox = inbox;
    if (schemaVersion > this.schemaVersion) next.schemaVersion = schemaVersion;
    return next;
  }

  #doc(record: StoredRecord): D {
    const doc = this.#read(record);
    this.#records.set(doc, record);
    return doc;
  }

  #read(record: StoredRecord): D {
    const {
      _id,
      version,
      schemaVersion = 1,
      outbox,
      outboxDueAt,
      outboxDueSetAt,
      dueSetAt,
      parkedAt,
      inbox,
      ...fields
    } = record;
    let doc = { id: _id, version, ...fields } as unknown as D;
    for (let step = schemaVersion + 1; step <= this.schemaVersion; step++)
      doc = this.#options.migrations?.[step]?.(doc) ?? doc;
    return doc;
  }

  /** Saves documents as they are read. Where somebody else is faster, he does; nothing is told of it. */
  async #bringUp(): Promise<void> {
    let cursor: string | undefined;
    do {
      const { data, nextCursor } = await this.find({ limit: 100, cursor });
      await Promise.all(data.map((doc) => this.#bringUpOne(doc)));
      cursor = nextCursor ?? undefined;
    } while (cursor);
  }

  async #bringUpOne(doc: D): Promise<void> {
    const record = this.#records.get(doc);
    if (!record || (record.schemaVersion ?? 1) >= this.schemaVersion) return;
    const next = this.#successor(record, doc);
    this.#putOut(next, record, []);
    await this.adapter.replace(next, record.version);
  }
}

/** What a condition compares with. */
function valuesOf(condition: Query[string]): unknown[] {
  if (condition === undefined) return [];
  return typeof condition === "object" && condition !== null ? Object.values(condition).flat() : [condition];
}

const fieldOf = (sort: string) => (sort.startsWith("-") ? sort.slice(1) : sort);

function order(sort: string): string[] {
  const id = sort.startsWith("-") ? "-_id" : "_id";
  return fieldOf(sort) === "_id" ? [id] : [sort, id];
}

/** What comes after a position: the field is further, or equal and the id is further. */
function after(sort: string, [value, id]: Position): Query {
  const further = sort.startsWith("-") ? "$lt" : "$gt";
  const field = fieldOf(sort);
  if (field === "_id") return { _id: { [further]: id } };
  return { $or: [{ [field]: { [further]: value } }, { [field]: value, _id: { [further]: id } }] };
}

const cursorBehind = (sort: string) => (record: StoredRecord) => writeCursor(sort, record[fieldOf(sort)], record._id);
