import { DatabaseSync, type StatementSync } from "node:sqlite";
import { Capacity, Lately } from "./lately.ts";
import { NotNow, type Snapshot } from "./snapshot.ts";
import { SqliteAdapter } from "./sqlite.adapter.ts";
import type { SqliteFile } from "./sqlite.file.ts";
import { UnusableStore } from "./store.ts";

/** The owner of the file waits for five seconds; it should not have to wait for long. */
const HOLD_PATIENCE_MS = 250;

/**
 * A file of SQLite whose owner goes on: a read transaction shows what was committed when it began. Writers are held back by
 * the lock that every writer takes; the system gives it back with the process that has it.
 */
export class SqliteSnapshot implements Snapshot {
  readonly place: string;
  readonly isInstant = true;
  readonly isStrict = true;
  #reader: DatabaseSync | undefined;
  #holder: DatabaseSync | undefined;
  tables: ReadonlyMap<string, number> = new Map();

  constructor(path: string) {
    this.place = path;
  }

  async connect(): Promise<void> {
    this.#reader ??= this.#inOurWords(() => new DatabaseSync(this.place, { readOnly: true, timeout: 5_000 }));
  }

  async hold(): Promise<void> {
    this.#holder ??= this.#inOurWords(() => new DatabaseSync(this.place, { timeout: HOLD_PATIENCE_MS }));
    try {
      this.#holder.exec("BEGIN IMMEDIATE");
    } catch (error) {
      throw new NotNow(`${this.place} is being written: ${(error as Error).message}`);
    }
  }

  async begin(): Promise<void> {
    const db = this.#db;
    if (db.isTransaction) db.exec("ROLLBACK");
    this.#inOurWords(() => {
      db.exec("BEGIN");
      // The first read is the moment.
      const hasSchema = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'lonja_schema'").get();
      const rows = hasSchema ? db.prepare("SELECT collection, version FROM lonja_schema").all() : [];
      this.tables = new Map(rows.map(({ collection, version }) => [collection as string, version as number]));
    });
  }

  async letGo(): Promise<boolean> {
    if (!this.#holder?.isTransaction) return false;
    this.#holder.exec("ROLLBACK");
    return true;
  }

  adapter(): SqliteAdapter {
    return readingAdapter(
      () => this.#db,
      (run) => this.#inOurWords(run),
    );
  }

  async end(): Promise<void> {
    this.#holder?.close();
    this.#reader?.close();
    this.#holder = this.#reader = undefined;
  }

  get #db(): DatabaseSync {
    if (!this.#reader) throw new Error(`${this.place} is not connected`);
    return this.#reader;
  }

  #inOurWords<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw new UnusableStore(`${this.place} cannot be read: ${(error as Error).message}.`);
    }
  }
}

/** An adapter that reads a file as it is, and makes nothing in it. */
export function readingAdapter(db: () => DatabaseSync, read: SqliteFile["read"] = (run) => run()): SqliteAdapter {
  const statements = new Map<string, StatementSync>();
  const statement = (sql: string) => {
    const known = statements.get(sql) ?? db().prepare(sql);
    statements.set(sql, known);
    return known;
  };
  const file: Pick<SqliteFile, "use" | "release" | "prepare" | "statement" | "read" | "latelyIn"> = {
    use: () => file as SqliteFile,
    release: () => false,
    prepare() {},
    statement,
    read,
    // Somebody else writes it.
    latelyIn: () => new Lately(new Capacity(0)),
  };
  return new SqliteAdapter(() => file as SqliteFile);
}
