import {
  type CollectionShape,
  collectionName,
  Duplicate,
  type Query,
  type StoreAdapter,
  type StoredRecord,
} from "../mixins/store.ts";

/** What a service's collections have in common, whoever opens them. */
export class Memory {
  readonly tables = new Map<string, Table>();
  /** Documents are copied as a real store does. Without, they are frozen, and given out as they are. */
  readonly copies: boolean;
  /** Told of every change. */
  readonly watch: (table: string, before: StoredRecord | undefined, after: StoredRecord | undefined) => void;

  constructor({ copies = true, watch = () => {} }: Partial<Pick<Memory, "copies" | "watch">> = {}) {
    this.copies = copies;
    this.watch = watch;
  }

  table(name: string): Table {
    const known = this.tables.get(name);
    if (known) return known;
    const made = new Table(name, this);
    this.tables.set(name, made);
    return made;
  }

  /** All documents of a collection, in the order of their making. */
  all<T = StoredRecord>(name: string): T[] {
    return [...(this.tables.get(name)?.records.values() ?? [])] as T[];
  }
}

/** How an operation on the store comes off. A test decides when it happens, and when and how it is answered. */
export type Access = <T>(what: Operation, run: () => T) => Promise<T>;
export interface Operation {
  writes: boolean;
  table: string;
  id: string | undefined;
}
const atOnce: Access = async (_what, run) => run();

/** Documents in memory, for tests: nothing of it outlives the process. */
export class MemoryAdapter implements StoreAdapter {
  readonly #memory: Memory;
  readonly #access: Access;
  #table!: Table;

  constructor(memory: Memory, access: Access = atOnce) {
    this.#memory = memory;
    this.#access = access;
  }

  init(_broker: unknown, service: { schema: { collection: string } }): void {
    this.#table = this.#memory.table(collectionName(service));
  }

  shape(shape: CollectionShape): void {
    this.#table.shape(shape);
  }

  async connect(): Promise<void> {}
  async disconnect(): Promise<void> {}

  find({ query = {}, sort = [], limit, offset = 0 }: Parameters<StoreAdapter["find"]>[0]): Promise<StoredRecord[]> {
    return this.#read(() => this.#table.find(query, [sort].flat(), offset, limit));
  }

  findOne(query: Query): Promise<StoredRecord | null> {
    return this.#read(() => this.#table.find(query, [], 0, 1)[0] ?? null);
  }

  findById(id: string): Promise<StoredRecord | null> {
    return this.#read(() => this.#table.get(id));
  }

  findByIds(ids: string[]): Promise<StoredRecord[]> {
    return this.#read(() => [...new Set(ids)].flatMap((id) => this.#table.get(id) ?? []));
  }

  count({ query = {} }: { query?: Query } = {}): Promise<number> {
    return this.#read(() => this.#table.find(query, [], 0).length);
  }

  insert(record: StoredRecord): Promise<StoredRecord> {
    const kept = this.#table.kept(record);
    return this.#write(record._id, () => {
      this.#table.insert(kept);
      return record;
    });
  }

  insertMany(records: StoredRecord[]): Promise<StoredRecord[]> {
    const kept = records.map((record) => this.#table.kept(record));
    return this.#write(records[0]?._id, () => {
      for (const record of kept) this.#table.insert(record);
      return records;
    });
  }

  replace(record: StoredRecord, expectedVersion: number): Promise<boolean> {
    const kept = this.#table.kept(record);
    return this.#write(record._id, () => this.#table.replace(kept, expectedVersion));
  }

  removeById(id: string): Promise<StoredRecord | null> {
    return this.#write(id, () => this.#table.remove(id));
  }

  async storedSchemaVersion(): Promise<number> {
    return this.#table.schemaVersion;
  }

  async setSchemaVersion(version: number): Promise<void> {
    this.#table.schemaVersion = Math.max(version, this.#table.schemaVersion);
  }

  #read<T>(run: () => T): Promise<T> {
    return this.#access({ writes: false, table: this.#table.name, id: undefined }, run);
  }

  #write<T>(id: string | undefined, run: () => T): Promise<T> {
    return this.#access({ writes: true, table: this.#table.name, id }, run);
  }
}

/** One collection. What is asked for all the time has an index: what is due, and what is unique. */
class Table {
  readonly name: string;
  readonly records = new Map<string, StoredRecord>();
  schemaVersion = 0;
  readonly #memory: Memory;
  #fields = new Set<string>();
  #lists = new Set<string>();
  #unique: { fields: readonly string[]; ids: Map<string, string> }[] = [];
  /** The documents that have a field at all. */
  #sparse = new Map<string, Map<string, StoredRecord>>();

  constructor(name: string, memory: Memory) {
    this.name = name;
    this.#memory = memory;
  }

  shape({ fields, lists, unique, indexes }: CollectionShape): void {
    for (const field of ["_id", "version", "outboxDueAt", "parkedAt", ...fields, ...lists]) this.#fields.add(field);
    for (const field of lists) this.#lists.add(field);
    for (const group of unique)
      if (!this.#unique.some(({ fields }) => fields.join() === group.join())) {
        const ids = new Map<string, string>();
        for (const record of this.records.values()) setUnique(ids, group, record);
        this.#unique.push({ fields: group, ids });
      }
    const alone = indexes.flatMap(([first, more]) => (more ? [] : [first]));
    for (const field of ["outboxDueAt", "parkedAt", ...alone])
      if (!this.#sparse.has(field)) {
        const having = [...this.records].filter(([, record]) => isThere(record[field]));
        this.#sparse.set(field, new Map(having));
      }
  }

  get(id: string): StoredRecord | null {
    const record = this.records.get(id);
    return record ? this.#given(record) : null;
  }

  find(query: Query, sort: readonly string[], offset: number, limit?: number): StoredRecord[] {
    for (const field of sort) this.#declared(fieldOf(field));
    const matches = this.#matcher(query);
    const found: StoredRecord[] = [];
    for (const record of this.#candidates(query)) if (matches(record)) found.push(record);
    if (found.length > 1 && sort.length) found.sort(comparison(sort));
    const end = limit === undefined ? found.length : offset + limit;
    return (offset === 0 && end >= found.length ? found : found.slice(offset, end)).map((one) => this.#given(one));
  }

  insert(record: StoredRecord): void {
    if (this.records.has(record._id)) throw new Duplicate("_id");
    this.#put(undefined, record);
  }

  replace(record: StoredRecord, expectedVersion: number): boolean {
    const before = this.records.get(record._id);
    if (before?.version !== expectedVersion) return false;
    this.#put(before, record);
    return true;
  }

  remove(id: string): StoredRecord | null {
    const before = this.records.get(id);
    if (!before) return null;
    this.records.delete(id);
    this.#index(before, undefined);
    this.#memory.watch(this.name, before, undefined);
    return before;
  }

  /** A document as it is kept: nobody else can change it. */
  kept(record: StoredRecord): StoredRecord {
    return this.#memory.copies ? (JSON.parse(JSON.stringify(record)) as StoredRecord) : frozen(record);
  }

  #given(record: StoredRecord): StoredRecord {
    return this.#memory.copies ? (JSON.parse(JSON.stringify(record)) as StoredRecord) : record;
  }

  #put(before: StoredRecord | undefined, after: StoredRecord): void {
    for (const { fields, ids } of this.#unique) {
      const key = keyOf(fields, after);
      const holder = key === undefined ? undefined : ids.get(key);
      if (holder !== undefined && holder !== after._id) throw new Duplicate(fields.join(","));
    }
    this.records.set(after._id, after);
    this.#index(before, after);
    this.#memory.watch(this.name, before, after);
  }

  #index(before: StoredRecord | undefined, after: StoredRecord | undefined): void {
    for (const { fields, ids } of this.#unique) {
      if (before) ids.delete(keyOf(fields, before) ?? "");
      if (after) setUnique(ids, fields, after);
    }
    const id = (after ?? before)?._id ?? "";
    for (const [field, having] of this.#sparse)
      if (after && isThere(after[field])) having.set(id, after);
      else having.delete(id);
  }

  #candidates(query: Query): Iterable<StoredRecord> {
    for (const [field, condition] of Object.entries(query)) {
      if (!isThere(condition)) continue;
      if (typeof condition !== "object") {
        const unique = this.#unique.find(({ fields }) => fields.length === 1 && fields[0] === field);
        if (!unique) continue;
        const record = this.records.get(unique.ids.get(JSON.stringify([condition])) ?? "");
        return record ? [record] : [];
      }
      const sparse = this.#sparse.get(field);
      if (sparse) return sparse.values();
    }
    return this.records.values();
  }

  #declared(field: string): void {
    if (!this.#fields.has(field)) throw new Error(`${this.name} is not searched by ${field}: declare the field`);
  }

  #matcher(query: Query): (record: StoredRecord) => boolean {
    const tests = Object.entries(query).flatMap(([field, condition]): ((record: StoredRecord) => boolean)[] => {
      if (condition === undefined) return [];
      if (field === "$or" || field === "$and") {
        const parts = (condition as Query[]).map((part) => this.#matcher(part));
        return [(record) => (field === "$or" ? parts.some((is) => is(record)) : parts.every((is) => is(record)))];
      }
      this.#declared(field);
      if (this.#lists.has(field)) return [(record) => ((record[field] ?? []) as unknown[]).includes(condition)];
      if (condition === null || typeof condition !== "object")
        return [(record) => (record[field] ?? null) === condition];
      return Object.entries(condition).map(([operator, value]) => {
        const test = operators[operator];
        if (!test) throw new Error(`${operator} is not part of the stores' query language`);
        return (record) => test(record[field] ?? null, value);
      });
    });
    const [only] = tests;
    return tests.length === 1 && only ? only : (record) => tests.every((test) => test(record));
  }
}

type Value = string | number | boolean | null;
const operators: Record<string, (found: unknown, wanted: unknown) => boolean> = {
  $in: (found, wanted) => (wanted as unknown[]).includes(found),
  $ne: (found, wanted) => found !== wanted,
  $gt: (found, wanted) => found !== null && compared(found as Value, wanted as Value) > 0,
  $gte: (found, wanted) => found !== null && compared(found as Value, wanted as Value) >= 0,
  $lt: (found, wanted) => found !== null && compared(found as Value, wanted as Value) < 0,
  $lte: (found, wanted) => found !== null && compared(found as Value, wanted as Value) <= 0,
};

const isThere = (value: unknown) => value !== undefined && value !== null;
const fieldOf = (sort: string) => (sort.startsWith("-") ? sort.slice(1) : sort);

function keyOf(fields: readonly string[], record: StoredRecord): string | undefined {
  const values = fields.map((field) => record[field]);
  return values.every(isThere) ? JSON.stringify(values) : undefined;
}

function setUnique(ids: Map<string, string>, fields: readonly string[], record: StoredRecord): void {
  const key = keyOf(fields, record);
  if (key !== undefined) ids.set(key, record._id);
}

function comparison(sort: readonly string[]): (a: StoredRecord, b: StoredRecord) => number {
  const terms = sort.map((term) => ({ field: fieldOf(term), sign: term.startsWith("-") ? -1 : 1 }));
  return (a, b) => {
    for (const { field, sign } of terms) {
      const order = compared((a[field] ?? null) as Value, (b[field] ?? null) as Value);
      if (order !== 0) return sign * order;
    }
    return 0;
  };
}

/** Numbers by their size, text by its bytes in UTF-8, nothing before anything. */
function compared(a: Value, b: Value): number {
  if (a === b) return 0;
  if (typeof a === "string" && typeof b === "string") return comparedText(a, b);
  if (a === null || b === null) return a === null ? -1 : 1;
  return a < b ? -1 : 1;
}

function comparedText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let n = 0; n < length; n++) {
    const difference = rank(a.charCodeAt(n)) - rank(b.charCodeAt(n));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Halves of characters of UTF-16 stand for characters that come after all others. */
const rank = (unit: number): number => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit);

/** What is frozen has been frozen to its end. */
export function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const key in value) frozen(value[key]);
  return value;
}
