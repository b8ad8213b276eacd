import { escaped, escapedText, type Unkept, unescaped } from "./escape.ts";
import type { PostgresPool, Row } from "./postgres.pool.ts";
import { conditions, type Dialect, ordering } from "./sql.ts";
import {
  type CollectionShape,
  collectionName,
  Duplicate,
  isNumber,
  type Query,
  type StoreAdapter,
  type StoredRecord,
} from "./store.ts";

/** A limit that it is given as a value makes PostgreSQL plan anew each time; so few belong to the statement. */
const FEW = 2;
/** Fields that every collection can be searched by. */
const houseFields = ["version", "outboxDueAt", "parkedAt"];

/** JSONB refuses NUL and halves of surrogate pairs. */
const unkept: Unkept = { inStrings: /[\0\uE0FF\p{Surrogate}]/u, inNames: /[\0\uE0FF\p{Surrogate}]/u };
/** Whether a document as JSON may have any of that. */
const isSuspicious = /\\u0000|\\ud[89a-f]|\uE0FF/i;

/** Numbers are kept beside the document as digits that sort as text does: as far as whole numbers are exact. */
const OFFSET = 2n ** 53n;
const DIGITS = 17;

/**
 * A moleculer-db adapter on PostgreSQL. A collection is a table of JSONB documents; a declared field is
 * a column that PostgreSQL fills from the document by itself, so that nodes of an older Lonja fill it as well. Text sorts by
 * its bytes, as in the other stores.
 */
export class PostgresAdapter implements StoreAdapter {
  private readonly pool: PostgresPool;
  private table = "";
  private declared: CollectionShape = { fields: [], lists: [], unique: [], indexes: [], schemaVersion: 1 };
  /** Fields by the index that they are unique in. */
  private readonly constraints = new Map<string, string>();

  constructor(pool: PostgresPool) {
    this.pool = pool;
  }

  init(_broker: unknown, service: { schema: { collection: string } }): void {
    this.table = collectionName(service);
    this.constraints.set(`${this.table}_pkey`, "_id");
  }

  shape(shape: CollectionShape): void {
    this.declared = shape;
    for (const field of [...shape.fields, ...shape.lists])
      if (!/^\w+$/.test(field)) throw new Error(`${field} is no name for a field`);
    for (const fields of shape.unique) this.constraints.set(this.indexName("unique", fields), fields.join(","));
  }

  async connect(): Promise<void> {
    this.pool.use();
    try {
      await this.pool.prepare("lonja_schema", async (query) => {
        await query("CREATE TABLE IF NOT EXISTS lonja_schema (collection text PRIMARY KEY, version integer NOT NULL)");
      });
      await this.pool.prepare(this.table, (query) => this.prepareTable(query));
    } catch (error) {
      await this.pool.release();
      throw error;
    }
  }

  disconnect(): Promise<void> {
    return this.pool.release();
  }

  async find({
    query = {},
    sort = [],
    limit,
    offset = 0,
  }: Parameters<StoreAdapter["find"]>[0] = {}): Promise<StoredRecord[]> {
    const { sql, values } = this.where(query);
    const order = ordering(sort, (field) => this.column(field));
    const select = `SELECT doc::text FROM ${this.table} ${sql}${order}`;
    if (limit && limit <= FEW && !offset) return this.rows(`${select} LIMIT ${limit}`, values);
    const place = `LIMIT $${values.length + 1} OFFSET $${values.length + 2}`;
    return this.rows(`${select} ${place}`, [...values, limit ?? null, offset]);
  }

  async findOne(query: Query): Promise<StoredRecord | null> {
    return (await this.find({ query, limit: 1 }))[0] ?? null;
  }

  async findById(id: string): Promise<StoredRecord | null> {
    return (await this.rows(`SELECT doc::text FROM ${this.table} WHERE _id = $1`, [keyOf(id)]))[0] ?? null;
  }

  async findByIds(ids: string[]): Promise<StoredRecord[]> {
    // PostgreSQL plans for one id once, and for several each time.
    if (ids.length === 1) return [await this.findById(ids[0] ?? "")].filter((record) => record !== null);
    return this.rows(`SELECT doc::text FROM ${this.table} WHERE _id = ANY($1::text[])`, [ids.map(keyOf)]);
  }

  async count({ query = {} }: { query?: Query } = {}): Promise<number> {
    const { sql, values } = this.where(query);
    const [row] = await this.pool.read(`SELECT count(*)::int AS n FROM ${this.table} ${sql}`, values);
    return row?.n as number;
  }

  async insert(record: StoredRecord): Promise<StoredRecord> {
    await this.write(`INSERT INTO ${this.table} (_id, doc) VALUES ($1, $2)`, [keyOf(record._id), jsonOf(record)]);
    return record;
  }

  async insertMany(records: StoredRecord[]): Promise<StoredRecord[]> {
    await this.write(
      `INSERT INTO ${this.table} (_id, doc) SELECT id, doc::jsonb FROM unnest($1::text[], $2::text[]) AS t (id, doc)`,
      [records.map(({ _id }) => keyOf(_id)), records.map(jsonOf)],
    );
    return records;
  }

  async replace(record: StoredRecord, expectedVersion: number): Promise<boolean> {
    const sql = `UPDATE ${this.table} SET doc = $1 WHERE _id = $2 AND version = $3`;
    return (await this.write(sql, [jsonOf(record), keyOf(record._id), keyOf(expectedVersion)])).rowCount === 1;
  }

  async removeById(id: string): Promise<StoredRecord | null> {
    const { rows } = await this.write(`DELETE FROM ${this.table} WHERE _id = $1 RETURNING doc::text`, [keyOf(id)]);
    return rows[0] ? recordOf(rows[0]) : null;
  }

  async storedSchemaVersion(): Promise<number> {
    const [row] = await this.pool.read("SELECT version FROM lonja_schema WHERE collection = $1", [this.table]);
    return (row?.version as number | undefined) ?? 0;
  }

  async setSchemaVersion(version: number): Promise<void> {
    await this.pool.write(
      "INSERT INTO lonja_schema VALUES ($1, $2) ON CONFLICT (collection) DO UPDATE SET version = greatest(lonja_schema.version, excluded.version)",
      [this.table, version],
    );
  }

  private async prepareTable(query: (sql: string, values?: unknown[]) => Promise<Row[]>): Promise<void> {
    const { table } = this;
    const { lists, fields, unique, indexes } = this.declared;
    await query(`CREATE TABLE IF NOT EXISTS ${table} (_id text COLLATE "C" PRIMARY KEY, doc jsonb NOT NULL)`);
    const present = await query(
      "SELECT column_name AS name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1",
      [table],
    );
    const missing = [...houseFields, ...fields, ...lists].filter(
      (field) => field !== "_id" && !present.some(({ name }) => name === field),
    );
    // In one statement, since each of them writes the whole table anew.
    const additions = missing.map((field) =>
      lists.includes(field)
        ? `ADD COLUMN "${field}" jsonb GENERATED ALWAYS AS (doc -> '${field}') STORED`
        : `ADD COLUMN "${field}" text COLLATE "C" GENERATED ALWAYS AS (${this.keyIn(field)}) STORED`,
    );
    if (additions.length) await query(`ALTER TABLE ${table} ${additions.join(", ")}`);
    const sparse = (fields: readonly string[]) =>
      `(${fields.map((field) => this.column(field)).join(", ")}) WHERE ${this.column(fields[0] ?? "")} IS NOT NULL`;
    for (const index of unique)
      await query(
        `CREATE UNIQUE INDEX IF NOT EXISTS "${this.indexName("unique", index)}" ON ${table} ${sparse(index)}`,
      );
    for (const index of [...indexes, ["outboxDueAt"], ["parkedAt"]])
      await query(`CREATE INDEX IF NOT EXISTS "${this.indexName("index", index)}" ON ${table} ${sparse(index)}`);
    for (const list of lists)
      await query(`CREATE INDEX IF NOT EXISTS "${this.indexName("list", [list])}" ON ${table} USING gin ("${list}")`);
  }

  /** PostgreSQL cuts off names of more than 63 letters. */
  private indexName(kind: "unique" | "index" | "list", fields: readonly string[]): string {
    const name = `${this.table}_${kind}_${fields.join("_")}`;
    if (name.length > 63) throw new Error(`${name} is too long a name for an index of PostgreSQL`);
    return name;
  }

  private async rows(sql: string, values: unknown[]): Promise<StoredRecord[]> {
    return (await this.pool.read(sql, values)).map(recordOf);
  }

  private async write(sql: string, values: unknown[]) {
    try {
      return await this.pool.write(sql, values);
    } catch (error) {
      const { code, constraint = "" } = error as { code?: string; constraint?: string };
      const fields = code === "23505" ? this.constraints.get(constraint) : undefined;
      throw fields ? new Duplicate(fields) : error;
    }
  }

  private column(field: string): string {
    if (![...houseFields, ...this.declared.fields, ...this.declared.lists, "_id"].includes(field))
      throw new Error(`${this.table} is not searched by ${field}: declare the field`);
    return `"${field}"`;
  }

  /**
   * What PostgreSQL fills a column with. It reads that anew with every statement, so it is as short as it can be: a CASE for
   * both kinds made a write cost half as much again.
   */
  private keyIn(field: string): string {
    return isNumber(this.declared, field)
      ? `lpad(((doc ->> '${field}')::numeric + ${OFFSET})::text, ${DIGITS}, '0')`
      : `doc ->> '${field}'`;
  }

  private where(query: Query): { sql: string; values: unknown[] } {
    const values: unknown[] = [];
    const dialect: Dialect = {
      column: (field) => this.column(field),
      isList: (field) => this.declared.lists.includes(field),
      bind: (value, field) => `$${values.push(dialect.isList(field) ? jsonOf(value) : keyOf(value))}`,
      bindAll: (all) => `$${values.push(all.map(keyOf))}::text[]`,
      contains: (column, value) => `${column} @> ${value}::jsonb`,
      isOneOf: (column, values) => `${column} = ANY(${values})`,
      isNot: (column, value) => `${column} IS DISTINCT FROM ${value}`,
    };
    const sql = conditions(query, dialect);
    return { sql: sql ? `WHERE ${sql}` : "", values };
  }
}

/** What is searched by, as it stands in the column. */
function keyOf(value: unknown): string {
  if (typeof value === "string") return escapedText(value, unkept.inStrings);
  if (typeof value !== "number") return String(value);
  if (!Number.isSafeInteger(value)) throw new Error(`${value} is no whole number, and cannot be searched by`);
  return (BigInt(value) + OFFSET).toString().padStart(DIGITS, "0");
}

function jsonOf(value: unknown): string {
  const json = JSON.stringify(value);
  return isSuspicious.test(json) ? JSON.stringify(escaped(value, unkept)) : json;
}

function recordOf({ doc }: Row): StoredRecord {
  const record = JSON.parse(doc as string) as StoredRecord;
  return (doc as string).includes("\uE0FF") ? unescaped(record) : record;
}
