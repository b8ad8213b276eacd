import type { Telling } from "../services/shared/typed.ts";

/** What a store keeps of every document, beside the document itself. */
export interface StoredRecord {
  _id: string;
  /** Grows with every change of the document. */
  version: number;
  /** Facts that still have to be delivered, oldest first. Saved with the change that caused them. */
  outbox?: Delivery[];
  /** When somebody has to look at the outbox, if nobody has done so before. */
  outboxDueAt?: string;
  /** When that was said, and when the field `dueAt` was set, by the clocks of those who did. */
  outboxDueSetAt?: string;
  dueSetAt?: string;
  /** Since when a delivery of this document is a dead letter. */
  parkedAt?: string;
  /** Ids of the facts that this document has taken in lately. */
  inbox?: string[];
  /** The schema that the document was written by, where it is not the first. */
  schemaVersion?: number;
  [field: string]: unknown;
}

/** A fact on its way to one service. */
export interface Delivery {
  id: string;
  type: Telling["type"];
  at: string;
  data: unknown;
  to: string;
  tries: number;
  /** After a failure: not to be tried before this. */
  againAt?: string;
  /** The hearer was not there, which is not the fact's fault. */
  away?: boolean;
  parkedAt?: string;
  error?: string;
}

type Scalar = string | number | boolean | null;
type Condition = Scalar | { $in?: Scalar[]; $gt?: Scalar; $gte?: Scalar; $lt?: Scalar; $lte?: Scalar; $ne?: Scalar };

/** The part of MongoDB's query language that every store speaks. */
export interface Query {
  [field: string]: Condition | Query[] | undefined;
  $or?: Query[];
  $and?: Query[];
}

/** One field or several that no two documents may share. Documents that lack one of them do not count. */
export type Index = readonly [field: string, ...more: string[]];

export interface CollectionShape {
  /** The fields of documents that may be filtered and sorted by. */
  fields: readonly string[];
  /** Those of them that hold whole numbers, if anything. The others hold text or a boolean. */
  numbers?: readonly string[];
  /** The fields that hold a list of strings: `{ field: "x" }` finds the documents whose list has x. */
  lists: readonly string[];
  unique: readonly Index[];
  indexes: readonly Index[];
  schemaVersion: number;
}

export const isNumber = ({ numbers = [] }: Partial<CollectionShape>, field: string): boolean =>
  field === "version" || numbers.includes(field);

/**
 * The adapter interface of moleculer-db (its names, its `_id`), and what Lonja needs beyond it. One
 * adapter keeps one collection of one service. Every write is durable when its promise resolves.
 */
export interface StoreAdapter {
  init(broker: unknown, service: { schema: { collection: string } }): void;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  find(filters: { query?: Query; sort?: string | string[]; limit?: number; offset?: number }): Promise<StoredRecord[]>;
  findOne(query: Query): Promise<StoredRecord | null>;
  findById(id: string): Promise<StoredRecord | null>;
  findByIds(ids: string[]): Promise<StoredRecord[]>;
  count(filters?: { query?: Query }): Promise<number>;
  insert(record: StoredRecord): Promise<StoredRecord>;
  /** In this order, and none after the first that cannot be inserted. All or none is not promised. */
  insertMany(records: StoredRecord[]): Promise<StoredRecord[]>;
  removeById(id: string): Promise<StoredRecord | null>;

  /** Declares fields and indexes; to be called before `connect`. */
  shape(shape: CollectionShape): void;
  /** Replaces the record if it still has this version. False: somebody was faster. */
  replace(record: StoredRecord, expectedVersion: number): Promise<boolean>;
  /** Whether this is the record as it is now. Only a store that nobody else writes can know without asking. */
  isCurrent?(record: StoredRecord): boolean;
  /** The version of the documents' schema as stored, 0 for a new collection. It only grows. */
  storedSchemaVersion(): Promise<number>;
  setSchemaVersion(version: number): Promise<void>;
}

/** The schema version of a collection that is being brought in from elsewhere: nothing may open it before it is whole. */
export const HALF_MOVED = -1;

/** The name under which every store keeps a collection as it is. */
export function collectionName({ schema }: { schema: { collection: string } }): string {
  const { collection } = schema;
  if (!/^[a-z\d_]+$/.test(collection)) throw new Error(`${collection} is no name for a collection`);
  return collection;
}

/** A store that cannot be opened stops the start with one line. */
export class UnusableStore extends Error {
  override readonly name = "UnusableStore";
}

/** A unique index is in the way. `fields` names it. */
export class Duplicate extends Error {
  override readonly name = "Duplicate";
  readonly fields: string;
  constructor(fields: string) {
    super(`another document has the same ${fields}`);
    this.fields = fields;
  }
}

export const isDuplicate = (error: unknown, ...fields: string[]): error is Duplicate =>
  error instanceof Duplicate && (fields.length === 0 || error.fields === fields.join(","));
