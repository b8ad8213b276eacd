import type { SQLInputValue } from "node:sqlite";
import type { SqliteFile } from "./sqlite.file.ts";
import { type CollectionShape, Duplicate, type Query, type StoreAdapter, type StoredRecord } from "./store.ts";

/** Fields that every collection can be searched by. */
const houseFields = ["version", "outboxDueAt", "parkedAt"];

/**
 * A moleculer-db adapter on SQLite (its fields are `private` and not `#private`, since Moleculer copies what
 * stands in a service schema). A collection is a table of JSON documents; a declared field is a
 * column that SQLite computes from the document, so that adding one needs no migration.
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
    const { db } = this.file;
    db.exec(`CREATE TABLE IF NOT EXISTS ${this.table} (_id TEXT PRIMARY KEY, doc TEXT NOT NULL)`);
    const columns = new Set(
      db
        .prepare(`SELECT name FROM pragma_table_xinfo('${this.table}')`)
        .all()
        .map((row) => row.name),
    );
    for (const field of this.fields)
      if (!columns.has(field))
        db.exec(
          `ALTER TABLE ${this.table} ADD COLUMN ${field} GENERATED ALWAYS AS (json_extract(doc, '$.${field}')) VIRTUAL`,
        );
    const sparse = (fields: readonly string[]) => `(${fields.join(", ")}) WHERE ${fields[0]} IS NOT NULL`;
    for (const fields of this.declared.unique)
      db.exec(
        `CREATE UNIQUE INDEX IF NOT EXISTS ${this.table}__${fields.join("_")} ON ${this.table} ${sparse(fields)}`,
      );
    for (const fields of [...this.declared.indexes, ["outboxDueAt"], ["parkedAt"]])
      db.exec(`CREATE INDEX IF NOT EXISTS ${this.table}_${fields.join("_")} ON ${this.table} ${sparse(fields)}`);
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
    const order = [sort]
      .flat()
      .map((field) => (field.startsWith("-") ? `${this.column(field.slice(1))} DESC` : this.column(field)));
    return this.rows(
      `SELECT doc FROM ${this.table} ${sql}${order.length ? ` ORDER BY ${order.join(", ")}` : ""} LIMIT ? OFFSET ?`,
      [...values, limit ?? -1, offset],
    );
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
    return this.file.write(() => this.insertNow(record));
  }

  insertMany(records: StoredRecord[]): Promise<StoredRecord[]> {
    return this.file.write(() => records.map((record) => this.insertNow(record)));
  }

  replace(record: StoredRecord, expectedVersion: number): Promise<boolean> {
    const sql = `UPDATE ${this.table} SET doc = ? WHERE _id = ? AND version = ?`;
    const doc = JSON.stringify(record);
    return this.file.write(
      () => this.constrained(() => this.file.statement(sql).run(doc, record._id, expectedVersion)).changes === 1,
    );
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

  private insertNow(record: StoredRecord): StoredRecord {
    const sql = `INSERT INTO ${this.table} (_id, doc) VALUES (?, ?)`;
    this.constrained(() => this.file.statement(sql).run(record._id, JSON.stringify(record)));
    return record;
  }

  private patch(id: string, fields: object): StoredRecord | null {
    const sql = `UPDATE ${this.table} SET doc = json_patch(doc, ?) WHERE _id = ? RETURNING doc`;
    return parsed(this.constrained(() => this.file.statement(sql).get(JSON.stringify(fields), id)));
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
    const sql = this.conditions(query, values);
    return { sql: sql ? `WHERE ${sql}` : "", values };
  }

  private conditions(query: Query, values: SQLInputValue[]): string {
    const bind = (value: unknown) => {
      values.push(typeof value === "boolean" ? Number(value) : (value as SQLInputValue));
      return "?";
    };
    const parts = Object.entries(query).flatMap(([field, condition]) => {
      if (condition === undefined) return [];
      if (field === "$or")
        return [`(${(condition as Query[]).map((part) => `(${this.conditions(part, values)})`).join(" OR ")})`];
      const column = this.column(field);
      if (condition === null) return [`${column} IS NULL`];
      if (typeof condition !== "object") {
        const isList = this.declared.lists.includes(field);
        return [
          isList
            ? `EXISTS (SELECT 1 FROM json_each(doc, '$.${field}') WHERE value = ${bind(condition)})`
            : `${column} = ${bind(condition)}`,
        ];
      }
      return Object.entries(condition).map(([operator, value]) => {
        if (operator === "$in") return `${column} IN (${(value as unknown[]).map(bind).join(", ")})`;
        if (operator === "$ne") return value === null ? `${column} IS NOT NULL` : `${column} IS NOT ${bind(value)}`;
        return `${column} ${comparisons[operator as keyof typeof comparisons] ?? unknownOperator(operator)} ${bind(value)}`;
      });
    });
    return parts.join(" AND ");
  }
}

const comparisons = { $gt: ">", $gte: ">=", $lt: "<", $lte: "<=" } as const;

function unknownOperator(operator: string): never {
  throw new Error(`${operator} is not part of the stores' query language`);
}

const parsed = (row: Record<string, unknown> | undefined): StoredRecord | null =>
  row ? (JSON.parse(row.doc as string) as StoredRecord) : null;
