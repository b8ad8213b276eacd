import type { SQLInputValue } from "node:sqlite";
import { conditions, ordering } from "./sql.ts";
import type { SqliteFile } from "./sqlite.file.ts";
import { type CollectionShape, Duplicate, type Query, type StoreAdapter, type StoredRecord } from "./store.ts";

/** Fields that every collection can be searched by. */
const houseFields = ["version", "outboxDueAt", "parkedAt"];

/**
 * A moleculer-db adapter on SQLite (its fields are `private` and not `#private`, since Moleculer copies what
 * stands in a service schema). A collection is a table of JSON documents; a declared field is a
 * column beside the document, filled from it when the field is declared later. (Columns that SQLite computes from the
 * document by itself made a write ten times as dear: it parses the document for each of them.)
 */
export class SqliteAdapter implements StoreAdapter {
  private readonly opener: () => SqliteFile;
  private file!: SqliteFile;
  private table = "";
  private declared: CollectionShape = { fields: [], lists: [], unique: [], indexes: [], schemaVersion: 1 };
  private fields = new Set(["_id", ...houseFields]);

  /** `open` gives the file, which several collections share. */
  constructor(open: () => SqliteFile) {
    this.opener = open;
  }

  init(_broker: unknown, service: { schema: { collection: string } }): void {
    this.table = service.schema.collection;
    if (!/^\w+$/.test(this.table)) throw new Error(`${this.table} is no name for a collection`);
  }

  shape(shape: CollectionShape): void {
    this.declared = shape;
    for (const field of [...shape.fields, ...shape.lists]) {
      if (!/^\w+$/.test(field)) throw new Error(`${field} is no name for a field`);
      this.fields.add(field);
    }
  }

  async connect(): Promise<void> {
    this.file = this.opener().use();
    this.file.prepare(() => this.prepareTable());
  }

  async disconnect(): Promise<void> {
    this.file?.release();
  }

  async find({
    query = {},
    sort = [],
    limit,
    offset = 0,
  }: Parameters<StoreAdapter["find"]>[0] = {}): Promise<StoredRecord[]> {
    const { sql, values } = this.where(query);
    const order = ordering(sort, (field) => this.column(field));
    return this.rows(`SELECT doc FROM ${this.table} ${sql}${order} LIMIT ? OFFSET ?`, [...values, limit ?? -1, offset]);
  }

  async findOne(query: Query): Promise<StoredRecord | null> {
    return (await this.find({ query, limit: 1 }))[0] ?? null;
  }

  async findById(id: string): Promise<StoredRecord | null> {
    return this.rows(`SELECT doc FROM ${this.table} WHERE _id = ?`, [id])[0] ?? null;
  }

  async findByIds(ids: string[]): Promise<StoredRecord[]> {
    return this.rows(`SELECT doc FROM ${this.table} WHERE _id IN (SELECT value FROM json_each(?))`, [
      JSON.stringify(ids),
    ]);
  }

  async count({ query = {} }: { query?: Query } = {}): Promise<number> {
    const { sql, values } = this.where(query);
    return this.file.read(
      () => (this.file.statement(`SELECT count(*) AS n FROM ${this.table} ${sql}`).get(...values) as { n: number }).n,
    );
  }

  insert(record: StoredRecord): Promise<StoredRecord> {
    const insertion = this.insertion(record);
    return this.file.write(insertion).then(() => record);
  }

  insertMany(records: StoredRecord[]): Promise<StoredRecord[]> {
    const insertions = records.map((record) => this.insertion(record));
    return this.file
      .write(() => {
        for (const insert of insertions) insert();
      })
      .then(() => records);
  }

  replace(record: StoredRecord, expectedVersion: number): Promise<boolean> {
    const columns = this.columns();
    const sql = `UPDATE ${this.table} SET doc = ?, ${columns.map((field) => `${field} = ?`).join(", ")} WHERE _id = ? AND version = ?`;
    const values = [...this.values(record), record._id, expectedVersion];
    return this.file.write(() => this.constrained(() => this.file.statement(sql).run(...values)).changes === 1);
  }

  async removeById(id: string): Promise<StoredRecord | null> {
    const sql = `DELETE FROM ${this.table} WHERE _id = ? RETURNING doc`;
    return this.file.write(() => parsed(this.file.statement(sql).get(id)));
  }

  async storedSchemaVersion(): Promise<number> {
    const row = this.file.statement("SELECT version FROM lonja_schema WHERE collection = ?").get(this.table);
    return (row?.version as number | undefined) ?? 0;
  }

  async setSchemaVersion(version: number): Promise<void> {
    await this.file.write(() =>
      this.file
        .statement("INSERT INTO lonja_schema VALUES (?, ?) ON CONFLICT DO UPDATE SET version = excluded.version")
        .run(this.table, version),
    );
  }

  // What moleculer-db's own mixin asks beyond that.

  async updateById(id: string, update: { $set?: object }): Promise<StoredRecord | null> {
    return this.file.write(() => this.patch(id, update.$set ?? {}));
  }

  async updateMany(query: Query, update: { $set?: object }): Promise<number> {
    const records = await this.find({ query });
    await this.file.write(() => records.map((record) => this.patch(record._id, update.$set ?? {})));
    return records.length;
  }

  async removeMany(query: Query): Promise<number> {
    const { sql, values } = this.where(query);
    return this.file.write(() =>
      Number(this.file.statement(`DELETE FROM ${this.table} ${sql}`).run(...values).changes),
    );
  }

  clear(): Promise<number> {
    return this.removeMany({});
  }

  entityToObject(record: StoredRecord): StoredRecord {
    return record;
  }

  beforeSaveTransformID(record: Record<string, unknown>, idField: string): Record<string, unknown> {
    const { [idField]: id, ...rest } = record;
    return id === undefined ? rest : { ...rest, _id: id };
  }

  afterRetrieveTransformID(record: Record<string, unknown>, idField: string): Record<string, unknown> {
    const { _id, ...rest } = record;
    return { [idField]: _id, ...rest };
  }

  /** All of it or nothing: a column that was added and not filled would hide documents for good. */
  private prepareTable(): void {
    const { db } = this.file;
    db.exec(`CREATE TABLE IF NOT EXISTS ${this.table} (_id TEXT PRIMARY KEY, doc TEXT NOT NULL)`);
    const present = new Set(
      db
        .prepare("SELECT name FROM pragma_table_info(?)")
        .all(this.table)
        .map(({ name }) => name),
    );
    for (const field of this.columns())
      if (!present.has(field)) {
        db.exec(`ALTER TABLE ${this.table} ADD COLUMN ${field} ANY`);
        db.exec(`UPDATE ${this.table} SET ${field} = json_extract(doc, '$.${field}')`);
      }
    const sparse = (fields: readonly string[]) => `(${fields.join(", ")}) WHERE ${fields[0]} IS NOT NULL`;
    for (const fields of this.declared.unique)
      db.exec(
        `CREATE UNIQUE INDEX IF NOT EXISTS ${this.table}__${fields.join("_")} ON ${this.table} ${sparse(fields)}`,
      );
    for (const fields of [...this.declared.indexes, ["outboxDueAt"], ["parkedAt"]])
      db.exec(`CREATE INDEX IF NOT EXISTS ${this.table}_${fields.join("_")} ON ${this.table} ${sparse(fields)}`);
  }

  private columns(): string[] {
    return [...this.fields].filter((field) => field !== "_id");
  }

  /** The document, and beside it what it is searched by. */
  private values(record: StoredRecord): SQLInputValue[] {
    return [JSON.stringify(record), ...this.columns().map((field) => columnValue(record[field]))];
  }

  private insertion(record: StoredRecord): () => void {
    const columns = this.columns();
    const sql = `INSERT INTO ${this.table} (_id, doc, ${columns.join(", ")}) VALUES (?, ?${", ?".repeat(columns.length)})`;
    const values = [record._id, ...this.values(record)];
    return () => void this.constrained(() => this.file.statement(sql).run(...values));
  }

  private patch(id: string, fields: object): StoredRecord | null {
    const record = parsed(this.file.statement(`SELECT doc FROM ${this.table} WHERE _id = ?`).get(id));
    if (!record) return null;
    const next = { ...record, ...fields };
    const sql = `UPDATE ${this.table} SET doc = ?, ${this.columns()
      .map((field) => `${field} = ?`)
      .join(", ")} WHERE _id = ?`;
    this.constrained(() => this.file.statement(sql).run(...this.values(next), id));
    return next;
  }

  private rows(sql: string, values: SQLInputValue[]): StoredRecord[] {
    return this.file.read(() =>
      this.file
        .statement(sql)
        .all(...values)
        .map((row) => JSON.parse(row.doc as string) as StoredRecord),
    );
  }

  private constrained<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      const columns = /UNIQUE constraint failed: (.*)$/.exec((error as Error).message)?.[1];
      if (!columns) throw error;
      const fields = columns.split(", ").map((column) => column.slice(column.indexOf(".") + 1));
      throw Object.assign(new Duplicate(fields.join(",")), { errcode: 19 });
    }
  }

  private column(field: string): string {
    if (!this.fields.has(field)) throw new Error(`${this.table} is not searched by ${field}: declare the field`);
    return field;
  }

  private where(query: Query): { sql: string; values: SQLInputValue[] } {
    const values: SQLInputValue[] = [];
    const bind = (value: unknown) => {
      values.push(typeof value === "boolean" ? Number(value) : (value as SQLInputValue));
      return "?";
    };
    const sql = conditions(query, {
      column: (field) => this.column(field),
      isList: (field) => this.declared.lists.includes(field),
      bind,
      bindAll: (all) => bind(JSON.stringify(all)),
      contains: (column, value) => `EXISTS (SELECT 1 FROM json_each(${column}) WHERE value = ${value})`,
      isOneOf: (column, values) => `${column} IN (SELECT value FROM json_each(${values}))`,
      isNot: (column, value) => `${column} IS NOT ${value}`,
    });
    return { sql: sql ? `WHERE ${sql}` : "", values };
  }
}

const columnValue = (value: unknown): SQLInputValue => {
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean") return Number(value);
  return typeof value === "object" ? JSON.stringify(value) : (value as SQLInputValue);
};

const parsed = (row: Record<string, unknown> | undefined): StoredRecord | null =>
  row ? (JSON.parse(row.doc as string) as StoredRecord) : null;
