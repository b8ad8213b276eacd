import { existsSync, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Figures, noFigures } from "../services/shared/figures.ts";
import { Refusal } from "../services/shared/refusal.ts";
import { Capacity, Lately } from "./lately.ts";
import { UnusableStore } from "./store.ts";

interface Write<T = unknown> {
  run(): T;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Of all tables, about 20 MB. */
const MOST_LETTERS = 6_000_000;

/** Error codes of SQLite, as its documentation lists them. */
const BUSY = 5;
const troubles: Record<number, string> = {
  5: "another program is writing to it",
  6: "another program is writing to it",
  8: "the file is read-only",
  10: "the disk failed",
  11: "the file is damaged",
  13: "the disk is full",
  14: "the file cannot be opened",
  26: "it is not a database",
};
const troubleOf = (error: unknown): string | undefined => {
  const { code, errcode = 0 } = error as { code?: string; errcode?: number };
  return code === "ERR_INVALID_STATE" ? "it is closed" : troubles[errcode & 0xff];
};

/**
 * One SQLite file, owned by one process. Writes that arrive together are committed together and
 * acknowledged after the disk has them (write-ahead log, `synchronous=FULL`); a write that breaks a
 * constraint fails alone.
 */
export class SqliteFile {
  readonly path: string;
  readonly db: DatabaseSync;
  readonly #owner: DatabaseSync | undefined;
  readonly #statements = new Map<string, StatementSync>();
  readonly #lately = new Map<string, Lately>();
  readonly #capacity = new Capacity(MOST_LETTERS);
  #queue: Write[] = [];
  #users = 0;
  readonly figures: Figures;

  constructor(path: string, figures = noFigures()) {
    this.path = path;
    this.figures = figures;
    try {
      if (path !== ":memory:") {
        makeFolder(dirname(path));
        this.#owner = takeOwnership(path);
      }
      this.db = new DatabaseSync(path, { timeout: 5000 });
      this.db.exec(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 16000; PRAGMA cache_size = -8000",
      );
      this.db.exec(
        "CREATE TABLE IF NOT EXISTS lonja_schema (collection TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT",
      );
      this.#refuseDamage();
      // Changes nothing: a file that cannot be written is found out now, and not by the first buyer.
      this.db.exec("PRAGMA user_version = 0");
    } catch (error) {
      this.#owner?.close();
      if (error instanceof UnusableStore) throw error;
      throw new UnusableStore(`${path} cannot be used: ${troubleOf(error) ?? (error as Error).message}.`);
    }
  }

  use(): this {
    this.#users++;
    return this;
  }

  /** Closes the file with its last user; what is still queued is written first. */
  release(): boolean {
    if (--this.#users > 0 || !this.db.isOpen) return false;
    this.#flush();
    this.#statements.clear();
    this.#lately.clear();
    this.db.close();
    this.#owner?.close();
    return true;
  }

  statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const prepared = this.db.prepare(sql);
    this.#statements.set(sql, prepared);
    return prepared;
  }

  /** What is known of a table without reading it: nobody else writes the file. */
  latelyIn(table: string): Lately {
    const lately = this.#lately.get(table) ?? new Lately(this.#capacity);
    this.#lately.set(table, lately);
    return lately;
  }

  /** Reads see what is committed. */
  read<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw this.#inOurWords(error);
    }
  }

  /** All of it or nothing, at once: before the first of the users has a document to write. */
  prepare(run: () => void): void {
    try {
      this.db.exec("BEGIN IMMEDIATE");
      run();
      this.db.exec("COMMIT");
    } catch (error) {
      this.#rollBack();
      throw this.#inOurWords(error);
    }
  }

  /** Queues a write. Its promise resolves once the disk has it. */
  write<T>(run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#queue.push({ run, resolve, reject } as Write) === 1) setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    const group = this.#queue;
    this.#queue = [];
    if (group.length === 0) return;
    const settle: (() => void)[] = [];
    this.#rollBack();
    try {
      this.db.exec("BEGIN IMMEDIATE");
      for (const { run, resolve, reject } of group) {
        try {
          const value = run();
          settle.push(() => resolve(value));
        } catch (error) {
          // A full or failing disk may have rolled everything back; then nothing of the group stands.
          if (troubleOf(error) || !this.db.isTransaction) throw error;
          settle.push(() => reject(error));
        }
      }
      this.db.exec("COMMIT");
      this.figures.commits++;
      this.figures.writes += group.length;
    } catch (error) {
      this.#rollBack();
      for (const { reject } of group) reject(this.#inOurWords(error));
      return;
    }
    for (const done of settle) done();
  }

  /** A disk that fails may fail at this as well. The next group tries it again, before it is written. */
  #rollBack(): void {
    try {
      if (!this.db.isOpen || !this.db.isTransaction) return;
      this.db.exec("ROLLBACK");
      // While it could not be rolled back, it was read.
      for (const lately of this.#lately.values()) lately.changeAll();
    } catch {
      // Whoever waits is told what came first.
    }
  }

  /** What is wrong with the disk is nobody's fault who asked: they may try again later. */
  #inOurWords(error: unknown): unknown {
    const trouble = troubleOf(error);
    return trouble ? new Refusal("unavailable", `${this.path} cannot be used: ${trouble}.`) : error;
  }

  /** Files up to 64 MB are checked in full, which takes a fraction of a second. */
  #refuseDamage(): void {
    const { page_count: pages } = this.db.prepare("PRAGMA page_count").get() as { page_count: number };
    if (pages > 16_384) return;
    const { quick_check: verdict } = this.db.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
    if (verdict !== "ok")
      throw new UnusableStore(
        `${this.path} is damaged (${verdict.replaceAll("\n", " ")}). Restore it from a backup, or move it away to begin anew.`,
      );
  }
}

/**
 * A second database beside the file, locked for as long as the process lives: the system lets go of
 * the lock with the process, however it ends, and others may still read the file itself.
 */
function takeOwnership(path: string): DatabaseSync {
  const owner = new DatabaseSync(`${path}-owner`, { timeout: 200 });
  try {
    owner.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
    return owner;
  } catch (error) {
    owner.close();
    if (((error as { errcode?: number }).errcode ?? 0) % 256 !== BUSY) throw error;
    throw new UnusableStore(
      `${path} is in use by another process. One process owns a file; stop the other one, or set DATA_DIR or STORE to another place.`,
    );
  }
}

/**
 * For the owner's eyes only: keys and password hashes lie there. Folder by folder, because Node's own `recursive`
 * never comes back from a place where nothing can be made, such as `/proc`.
 */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** Where a store URL such as `sqlite:` or `sqlite:orders.db` points to. */
export function sqlitePath(url: string, dataDir: string): string {
  const name = url.slice("sqlite:".length);
  if (name === ":memory:") return name;
  return resolve(dataDir, name || "lonja.db");
}
