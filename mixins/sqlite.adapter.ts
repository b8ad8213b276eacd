import type { SQLInputValue } from "node:sqlite";
import type { Lately } from "./lately.ts";
import { conditions, ordering } from "./sql.ts";
import type { SqliteFile } from "./sqlite.file.ts";
import {
  type CollectionShape,
  collectionName,
  Duplicate,
  type Query,
  type StoreAdapter,
  type StoredRecord,
} from "./store.ts";

type Columns = readonly SQLInputValue[];
interface Row {
  text: string;
  columns: Columns;
}

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
  private lately!: Lately;
  /** What stands beside a document. */
  private columns: readonly string[] = [];
  private insertSql = "";
  private isChanging = false;
  private readonly updates = new Map<string, string>();

  /** `open` gives the file, which several collections share. */
  constructor(open: () => SqliteFile) {
    this.opener = open;
  }

  init(_broker: unknown, service: { schema: { collection: string } }): void {
    this.table = collectionName(service);
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
    this.lately = this.file.latelyIn(this.table);
    this.columns = [...this.fields].filter((field) => field !== "_id");
    const places = ", ?".repeat(this.columns.length);
    this.insertSql = `INSERT INTO ${this.table} (_id, doc, ${this.columns.join(", ")}) VALUES (?, ?${places})`;
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
    return this.byId(id) ?? null;
  }

  async findByIds(ids: string[]): Promise<StoredRecord[]> {
    return [...new Set(ids)].flatMap((id) => this.byId(id) ?? []);
  }

  async count({ query = {} }: { query?: Query } = {}): Promise<number> {
    const { sql, values } = this.where(query);
    return this.file.read(
      () => (this.file.statement(`SELECT count(*) AS n FROM ${this.table} ${sql}`).get(...values) as { n: number }).n,
    );
  }

  async insert(record: StoredRecord): Promise<StoredRecord> {
    const [text, columns] = this.valuesOf(record);
    await this.change(record._id, () => {
      this.constrained(() => this.file.statement(this.insertSql).run(record._id, text, ...columns));
      // Records that are never changed are not wanted again soon after they were written.
      return this.isChanging ? { text, columns } : undefined;
    });
    return record;
  }

  insertMany(records: StoredRecord[]): Promise<StoredRecord[]> {
    const rows = records.map((record) => [record._id, ...this.valuesOf(record)] as const);
    return this.file
      .write(() => {
        this.lately.changeAll();
        for (const [id, text, columns] of rows)
          this.constrained(() => this.file.statement(this.insertSql).run(id, text, ...columns));
      })
      .then(() => records);
  }

  async replace(record: StoredRecord, expectedVersion: number): Promise<boolean> {
    const [text, columns] = this.valuesOf(record);
    const { _id: id } = record;
    const replaced = await this.change(id, (before) => {
      this.isChanging = true;
      const changed = columns.map((value, at) => value !== before?.[at]);
      const values = columns.filter((_, at) => changed[at]);
      const update = this.file.statement(this.updateOf(changed));
      const { changes } = this.constrained(() => update.run(text, ...values, id, expectedVersion));
      return changes === 1 ? { text, columns } : undefined;
    });
    return replaced !== undefined;
  }

  async removeById(id: string): Promise<StoredRecord | null> {
    const sql = `DELETE FROM ${this.table} WHERE _id = ? RETURNING doc`;
    let removed: StoredRecord | null = null;
    await this.change(id, () => {
      removed = parsed(this.file.statement(sql).get(id));
      return undefined;
    });
    return removed;
  }

  isCurrent(record: StoredRecord): boolean {
    return this.lately.has(record);
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
    return this.file.write(() => {
      this.lately.changeAll();
      return Number(this.file.statement(`DELETE FROM ${this.table} ${sql}`).run(...values).changes);
    });
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
    for (const field of this.columns)
      if (!present.has(field)) {
        // Without a type: one that SQLite does not know makes a number of text that looks like one, such as the SKU 007.
        db.exec(`ALTER TABLE ${this.table} ADD COLUMN ${field}`);
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

  /** The document, and beside it what it is searched by. */
  private valuesOf(record: StoredRecord): [text: string, columns: SQLInputValue[]] {
    return [JSON.stringify(record), this.columnsOf(record)];
  }

  private columnsOf(record: StoredRecord): SQLInputValue[] {
    return this.columns.map((field) => columnValue(record[field]));
  }

  /** One record, in a write that answers what is in its row afterwards, if that is to be remembered. */
  private async change(id: string, write: (before: Columns | undefined) => Row | undefined): Promise<Row | undefined> {
    let change: object | undefined;
    let row: Row | undefined;
    try {
      row = await this.file.write(() => {
        const before = this.lately.columnsOf(id);
        change = this.lately.changes(id);
        return write(before);
      });
      return row;
    } finally {
      this.lately.over(id, change, row?.text, row?.columns);
    }
  }

  /** Sets the columns that have changed: each that is set costs the entries of all its indexes. */
  private updateOf(changed: readonly boolean[]): string {
    const key = changed.join();
    const known = this.updates.get(key);
    if (known) return known;
    const set = this.columns.filter((_, at) => changed[at]).map((field) => `, ${field} = ?`);
    const sql = `UPDATE ${this.table} SET doc = ?${set.join("")} WHERE _id = ? AND version = ?`;
    this.updates.set(key, sql);
    return sql;
  }

  private patch(id: string, fields: object): StoredRecord | null {
    this.lately.changeAll();
    const record = parsed(this.file.statement(`SELECT doc FROM ${this.table} WHERE _id = ?`).get(id));
    if (!record) return null;
    const next = { ...record, ...fields };
    const [text, columns] = this.valuesOf(next);
    const set = this.columns.map((field) => `, ${field} = ?`).join("");
    const sql = `UPDATE ${this.table} SET doc = ?${set} WHERE _id = ?`;
    this.constrained(() => this.file.statement(sql).run(text, ...columns, id));
    return next;
  }

  /** Read once and remembered, until it is changed. */
  private byId(id: string): StoredRecord | undefined {
    const known = this.lately.get(id);
    if (known) return known;
    const sql = `SELECT doc FROM ${this.table} WHERE _id = ?`;
    const text = this.file.read(() => this.file.statement(sql).get(id)?.doc as string | undefined);
    if (text === undefined) return undefined;
    const record: StoredRecord = JSON.parse(text);
    this.lately.put(id, text, this.columnsOf(record), record);
    return record;
  }

  private rows(sql: string, values: SQLInputValue[]): StoredRecord[] {
    const find = () =>
      this.file.read(() => this.file.statement(sql).all(...values)).map((row) => JSON.parse(row.doc as string));
    return [...this.lately.answer(`${sql} ${JSON.stringify(values)}`, find)];
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
