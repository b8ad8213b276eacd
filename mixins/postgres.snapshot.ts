import pg from "pg";
import type { World } from "../services/shared/world.ts";
import { isOfSystem, untilThere } from "./patience.ts";
import { PostgresAdapter } from "./postgres.adapter.ts";
import { type PostgresPool, placeOf, type Row } from "./postgres.pool.ts";
import { NotNow, type Snapshot } from "./snapshot.ts";
import { UnusableStore } from "./store.ts";

/** Whoever wants to write waits behind a lock that is waited for. */
const LOCK_PATIENCE_MS = 250;
/** A holder that does not move is sent away by the server, and its locks with it. */
const LEASE_MS = 5_000;

const ignored = () => {};

/**
 * A database of PostgreSQL whose nodes go on: a transaction that reads repeatably shows what was committed when it began.
 * Writers are held back by locks on the tables, which the server takes back with the connection that has them.
 */
export class PostgresSnapshot implements Snapshot {
  readonly place: string;
  readonly isInstant = true;
  readonly isStrict = false;
  readonly #url: string;
  readonly #world: World;
  #reader: pg.Client | undefined;
  #holder: pg.Client | undefined;
  #hasBegun = false;
  /** One question of a connection after the other: the end of the last one. */
  #asked: Promise<unknown> = Promise.resolve();
  tables: ReadonlyMap<string, number> = new Map();

  constructor(url: string, { world }: { world: World }) {
    this.#url = url;
    this.#world = world;
    this.place = placeOf(new URL(url));
  }

  async connect(): Promise<void> {
    this.#reader ??= await this.#connection();
    this.#holder ??= await this.#connection();
  }

  async hold(): Promise<void> {
    this.#holder ??= await this.#connection();
    const limits = `SET LOCAL lock_timeout = ${LOCK_PATIENCE_MS}; SET LOCAL idle_in_transaction_session_timeout = ${LEASE_MS}`;
    try {
      const known = [...(await this.#schemaVersions(this.#holder)).keys()];
      await this.#ask(this.#holder, `BEGIN; ${limits}`);
      if (known.length > 0) await this.#ask(this.#holder, `LOCK TABLE ${known.toSorted().join(", ")} IN SHARE MODE`);
    } catch (error) {
      await this.letGo();
      throw new NotNow((error as Error).message);
    }
  }

  async begin(): Promise<void> {
    if (this.#hasBegun) await this.#ask(this.#reader, "ROLLBACK");
    this.#hasBegun = true;
    await this.#ask(this.#reader, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    // The first read is the moment.
    this.tables = await this.#schemaVersions(this.#reader);
  }

  async letGo(): Promise<boolean> {
    try {
      await this.#ask(this.#holder, "SELECT 1; ROLLBACK");
      return true;
    } catch {
      // The server has refused a lock, has sent it away, or is away itself: the next hold takes another connection.
      void this.#holder?.end().catch(ignored);
      this.#holder = undefined;
      return false;
    }
  }

  adapter(): PostgresAdapter {
    const pool: Reading = {
      use: () => pool as PostgresPool,
      async release() {},
      // It is as it is.
      async prepare() {},
      read: async (sql, values = []) => (await this.#ask(this.#reader, sql, values)).rows,
    };
    return new PostgresAdapter(pool as PostgresPool);
  }

  async end(): Promise<void> {
    await Promise.allSettled([this.#reader?.end(), this.#holder?.end()]);
    this.#reader = this.#holder = undefined;
    this.#hasBegun = false;
  }

  async #schemaVersions(client: pg.Client | undefined): Promise<Map<string, number>> {
    const [there] = (await this.#ask(client, "SELECT to_regclass('lonja_schema') IS NOT NULL AS yes")).rows;
    const rows = there?.yes ? (await this.#ask(client, "SELECT collection, version FROM lonja_schema")).rows : [];
    return new Map(rows.map(({ collection, version }) => [collection as string, version as number]));
  }

  #ask(client: pg.Client | undefined, sql: string, values: readonly unknown[] = []): Promise<{ rows: Row[] }> {
    const answer = this.#asked.then(() => this.#askNow(client, sql, values));
    this.#asked = answer.catch(ignored);
    return answer;
  }

  async #askNow(client: pg.Client | undefined, sql: string, values: readonly unknown[]): Promise<{ rows: Row[] }> {
    if (!client) throw new UnusableStore(`The store at ${this.place} cannot be read: it is not connected.`);
    try {
      return await client.query(sql, values.length > 0 ? [...values] : undefined);
    } catch (error) {
      throw new UnusableStore(`The store at ${this.place} cannot be read: ${(error as Error).message}.`);
    }
  }

  #connection(): Promise<pg.Client> {
    const connect = async () => {
      const client = new pg.Client({
        connectionString: this.#url,
        connectionTimeoutMillis: 3_000,
        keepAlive: true,
        application_name: "lonja backup",
      });
      // Whoever asks is told.
      client.on("error", ignored);
      await client.connect();
      return client;
    };
    return untilThere(this.place, this.#world, connect, isOfSystem);
  }
}

/** What an adapter uses of a pool to read. */
type Reading = Pick<PostgresPool, "use" | "release" | "prepare" | "read">;
