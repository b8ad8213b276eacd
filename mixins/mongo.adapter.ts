import { hash } from "node:crypto";
import MongoDbAdapter from "moleculer-db-adapter-mongo";
import type { Collection, Document, Filter } from "mongodb";
import { escaped, escapedText, type Unkept, unescaped } from "./escape.ts";
import type { SharedMongoClient } from "./mongo.client.ts";
import {
  type CollectionShape,
  collectionName,
  Duplicate,
  type Index,
  type Query,
  type StoreAdapter,
  type StoredRecord,
} from "./store.ts";

/** Fields that every collection can be searched by. */
const houseFields = ["version", "outboxDueAt", "parkedAt"];

/**
 * BSON is UTF-8, which has no halves of surrogate pairs; names of fields have a meaning where they have `$` or `.`, for the
 * driver where they are `_bsontype`, and here where they begin like a `keyField`.
 */
const unkept: Unkept = {
  inStrings: /[\0\uE0FF\p{Surrogate}]/u,
  inNames: /[\0$.\uE0FF\p{Surrogate}]|^_(?=bsontype$|unique_)/u,
};

/** What is prepared at the start takes the time that a large collection takes, unlike all that a buyer waits for. */
const inItsTime = { socketTimeoutMS: 3_600_000 } as object;
/** Not so many that they wait for a connection for longer than one is waited for. */
const FILLED_AT_ONCE = 20;

/** What is used of it, with the types of this house. */
declare class Base {
  constructor(uri: string);
  init(broker: unknown, service: { schema: { collection: string } }): void;
}

/** What documents may not share is kept once more, as one field, which is there only where it counts. */
const keyField = (index: Index) => `_unique_${index.join("_")}`;

/**
 * moleculer-db-adapter-mongo on the current `mongodb` driver: its own one is not made for servers of today. Nothing is
 * used that only some servers have: no transaction, no update by pipeline, no partial, TTL or text index.
 */
export class MongoAdapter extends (MongoDbAdapter as unknown as typeof Base) implements StoreAdapter {
  private readonly shared: SharedMongoClient;
  private table = "";
  private declared: CollectionShape = { fields: [], lists: [], unique: [], indexes: [], schemaVersion: 1 };

  constructor(shared: SharedMongoClient) {
    super("");
    this.shared = shared;
  }

  override init(broker: unknown, service: { schema: { collection: string } }): void {
    this.table = collectionName(service);
    super.init(broker, service);
  }

  shape(shape: CollectionShape): void {
    this.declared = shape;
    for (const field of [...shape.fields, ...shape.lists])
      if (!/^\w+$/.test(field)) throw new Error(`${field} is no name for a field`);
  }

  async connect(): Promise<void> {
    await this.shared.use();
    try {
      await this.prepareCollection();
    } catch (error) {
      await this.shared.release();
      throw error;
    }
  }

  disconnect(): Promise<void> {
    return this.shared.release();
  }

  async find({
    query = {},
    sort = [],
    limit = 0,
    offset = 0,
  }: {
    query?: Query;
    sort?: string | string[];
    limit?: number | undefined;
    offset?: number;
  } = {}): Promise<StoredRecord[]> {
    const order = [sort]
      .flat()
      .map((field): [string, 1 | -1] =>
        field.startsWith("-") ? [this.known(field.slice(1)), -1] : [this.known(field), 1],
      );
    const filter = this.filter(query);
    const found = await this.ask((docs) => docs.find(filter, { sort: new Map(order), limit, skip: offset }).toArray());
    return found.map(recordOf);
  }

  async findOne(query: Query): Promise<StoredRecord | null> {
    return (await this.find({ query, limit: 1 }))[0] ?? null;
  }

  async findById(id: string): Promise<StoredRecord | null> {
    const found = await this.ask((docs) => docs.findOne({ _id: keyOf(id) }));
    return found && recordOf(found);
  }

  async findByIds(ids: string[]): Promise<StoredRecord[]> {
    const found = await this.ask((docs) => docs.find({ _id: { $in: ids.map(keyOf) } }).toArray());
    return found.map(recordOf);
  }

  count({ query = {} }: { query?: Query } = {}): Promise<number> {
    const filter = this.filter(query);
    return this.ask((docs) => docs.countDocuments(filter));
  }

  async insert(record: StoredRecord): Promise<StoredRecord> {
    const doc = this.docOf(record);
    await this.change([doc], (docs) => docs.insertOne(doc));
    return record;
  }

  async insertMany(records: StoredRecord[]): Promise<StoredRecord[]> {
    const all = records.map((record) => this.docOf(record));
    if (all.length > 0) await this.change(all, (docs) => docs.insertMany(all, { ordered: true }));
    return records;
  }

  async replace(record: StoredRecord, expectedVersion: number): Promise<boolean> {
    const doc = this.docOf(record);
    const { _id, ...rest } = doc;
    const found = await this.change([doc], (docs) => docs.replaceOne({ _id, version: expectedVersion }, rest));
    return found.matchedCount === 1;
  }

  async removeById(id: string): Promise<StoredRecord | null> {
    const gone = await this.findById(id);
    const { deletedCount } = await this.change([], (docs) => docs.deleteOne({ _id: keyOf(id) }));
    return deletedCount === 1 ? gone : null;
  }

  async storedSchemaVersion(): Promise<number> {
    const kept = await this.shared.run((db) => this.schemas(db).findOne({ _id: this.table }));
    return (kept?.version as number | undefined) ?? 0;
  }

  async setSchemaVersion(version: number): Promise<void> {
    await this.shared.write(1, (db) =>
      this.schemas(db).updateOne({ _id: this.table }, { $max: { version } }, { upsert: true }),
    );
  }

  /** For whoever keeps a copy: every document, with a stamp that is another one whenever the document is. */
  documents(take: (record: StoredRecord, stamp: string) => unknown): Promise<void> {
    return this.ask(async (docs) => {
      for await (const doc of docs.find({}, { batchSize: 500 })) await take(recordOf(doc), stampOf(doc));
    });
  }

  /** The same without the documents. */
  stamps(take: (id: string, stamp: string) => void): Promise<void> {
    const projection = { version: 1, outbox: 1, outboxDueAt: 1, parkedAt: 1 };
    return this.ask(async (docs) => {
      for await (const doc of docs.find({}, { projection, batchSize: 1_000 })) take(recordOf(doc)._id, stampOf(doc));
    });
  }

  private schemas(db: SharedMongoClient["db"]): Collection<Stored> {
    return db.collection<Stored>("lonja_schema");
  }

  private ask<T>(work: (docs: Collection<Stored>) => Promise<T>): Promise<T> {
    return this.shared.run((db) => work(db.collection<Stored>(this.table)));
  }

  private async change<T extends Document>(
    docs: readonly Stored[],
    work: (docs: Collection<Stored>) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.shared.write(docs.length, (db) => work(db.collection<Stored>(this.table)));
    } catch (error) {
      const { code, message } = error as Error & { code?: unknown };
      // Servers that only speak the protocol have words of their own for it.
      if (code !== 11000 && !/UNIQUE constraint failed/.test(message)) throw error;
      throw new Duplicate(await this.inTheWay(message, docs));
    }
  }

  /** Which unique index it was: by its name in the message, else by looking for the document that has the same. */
  private async inTheWay(message: string, docs: readonly Stored[]): Promise<string> {
    const named = this.declared.unique.find((index) => message.includes(`${keyField(index)}_1`));
    if (named) return named.join(",");
    for (const index of this.declared.unique)
      for (const { _id, [keyField(index)]: key } of docs)
        if (
          key !== undefined &&
          (await this.ask((all) => all.countDocuments({ _id: { $ne: _id }, [keyField(index)]: key })))
        )
          return index.join(",");
    return "_id";
  }

  private async prepareCollection(): Promise<void> {
    const { unique, indexes, lists } = this.declared;
    for (const index of unique) await this.fillKeys(index);
    for (const index of unique)
      await this.ask((docs) => docs.createIndex({ [keyField(index)]: 1 }, { unique: true, sparse: true }, inItsTime));
    for (const index of [...indexes, ["outboxDueAt"], ["parkedAt"], ...lists.map((list) => [list])]) {
      const key = new Map(index.map((field) => [field, 1 as const]));
      await this.ask((docs) => docs.createIndex(key, { sparse: index.length === 1 }, inItsTime));
    }
  }

  /** Documents from before the index was declared. */
  private async fillKeys(index: Index): Promise<void> {
    const there = Object.fromEntries(index.map((field) => [field, { $ne: null }]));
    const without = { ...there, [keyField(index)]: { $exists: false } } as Filter<Stored>;
    for (;;) {
      const some = await this.ask((docs) => docs.find(without, { limit: FILLED_AT_ONCE, ...inItsTime }).toArray());
      if (some.length === 0) return;
      await Promise.all(some.map(recordOf).map((record) => this.replace(record, record.version)));
    }
  }

  private docOf(record: StoredRecord): Stored {
    const doc = escaped(record, unkept) as Stored;
    for (const index of this.declared.unique)
      if (index.every((field) => record[field] !== undefined && record[field] !== null))
        doc[keyField(index)] = JSON.stringify(index.map((field) => doc[field]));
    return doc;
  }

  private known(field: string): string {
    if (![...houseFields, ...this.declared.fields, ...this.declared.lists, "_id"].includes(field))
      throw new Error(`${this.table} is not searched by ${field}: declare the field`);
    return field;
  }

  private filter(query: Query): Filter<Stored> {
    const filter: Document = {};
    for (const [field, condition] of Object.entries(query)) {
      if (condition === undefined) continue;
      if (field === "$or" || field === "$and") filter[field] = (condition as Query[]).map((one) => this.filter(one));
      else filter[this.known(field)] = wanted(condition as Condition);
    }
    return filter;
  }
}

type Stored = Document & { _id: string };

type Condition = object | string | number | boolean | null;

const operators = new Set(["$in", "$gt", "$gte", "$lt", "$lte", "$ne"]);

function wanted(condition: Condition): unknown {
  if (typeof condition !== "object" || condition === null) return keyOf(condition);
  const unknown = Object.keys(condition).find((operator) => !operators.has(operator));
  if (unknown) throw new Error(`${unknown} is not part of the stores' query language`);
  return Object.fromEntries(Object.entries(condition).map(([operator, value]) => [operator, keyOf(value)]));
}

function keyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(keyOf) as T;
  return (typeof value === "string" ? escapedText(value, unkept.inStrings) : value) as T;
}

/** What became of a delivery is noted without a new version. */
const stampOf = ({ version, outbox, outboxDueAt, parkedAt }: Stored): string =>
  outbox ? hash("sha256", JSON.stringify([version, outbox, outboxDueAt, parkedAt])) : String(version);

function recordOf(doc: Stored): StoredRecord {
  const mine = Object.entries(doc).filter(([field]) => !field.startsWith("_unique_"));
  return unescaped(Object.fromEntries(mine)) as StoredRecord;
}
