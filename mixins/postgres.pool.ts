import pg from "pg";
import type { Figures } from "../services/shared/figures.ts";
import { Refusal } from "../services/shared/refusal.ts";
import type { World } from "../services/shared/world.ts";
import { isOfSystem, untilThere } from "./patience.ts";

type Values = readonly unknown[];
export type Row = Record<string, unknown>;

const MOST_CONNECTIONS = 10;
const CONNECT_MS = 3_000;
const STATEMENT_MS = 5_000;
/** What is prepared at the start may wait for another node that prepares it, and for a large table to be written anew. */
const PREPARE_MS = 3_600_000;

/** Classes and codes of SQLSTATE (PostgreSQL's Appendix A) that say that it cannot be used as it is. */
const unusable = /^(28|3D|42501|3F)/;
/** And those that say: not now. Connections, resources, shutting down, read-only, disk. */
const notNow = /^(08|53|57|58|25006|55P03|40)/;

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code ?? "");
/** What the driver says of a connection that is gone has no SQLSTATE. */
const isAway = (error: Error): boolean => {
  const code = codeOf(error);
  return notNow.test(code) || isOfSystem(error) || (code === "" && /connect|terminated|timeout/i.test(error.message));
};

const ignored = () => {};

/** For messages: without user and password. */
export const placeOf = ({ host, pathname }: URL): string => `${host}${pathname}`;

/** The connections of one process to one database, shared by its collections. */
export class PostgresPool {
  readonly #figures: Figures;
  readonly #world: World;
  readonly #url: URL;
  #pool: pg.Pool | undefined;
  #users = 0;
  readonly #names = new Map<string, string>();

  constructor(url: string, { figures, world }: { figures: Figures; world: World }) {
    this.#url = new URL(url);
    this.#figures = figures;
    this.#world = world;
  }

  /** For messages: without user and password. */
  get place(): string {
    return placeOf(this.#url);
  }

  use(): this {
    if (this.#users++ > 0) return this;
    this.#pool = new pg.Pool({
      connectionString: this.#url.href,
      max: MOST_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: STATEMENT_MS,
      query_timeout: STATEMENT_MS + 1_000,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      allowExitOnIdle: true,
      application_name: "lonja",
      // An answer is given when the disk has it, whatever the server's default is.
      options: "-c synchronous_commit=on",
    });
    // A connection that breaks while nobody uses it is replaced by the next that is wanted.
    this.#pool.on("error", ignored);
    return this;
  }

  async release(): Promise<void> {
    if (--this.#users > 0) return;
    await this.#pool?.end();
    this.#pool = undefined;
  }

  /** Prepared once per connection. */
  async read(sql: string, values: Values = []): Promise<Row[]> {
    return (await this.#query(sql, values)).rows as Row[];
  }

  /** A statement that changes documents; it is durable when this resolves. `rowCount` says how many. */
  async write(sql: string, values: Values): Promise<pg.QueryResult> {
    const result = await this.#query(sql, values);
    this.#figures.commits++;
    this.#figures.writes += result.rowCount ?? 0;
    return result;
  }

  /** All or nothing, one node at a time. What is not there yet is waited for. */
  async prepare(name: string, statements: (query: (sql: string, values?: Values) => Promise<Row[]>) => Promise<void>) {
    const client = await this.#firstConnection();
    // Where it breaks, whoever waits for a statement is told; the pool does not listen to what it has lent.
    client.on("error", ignored);
    const query = async (text: string, values: Values = []): Promise<Row[]> =>
      (await client.query({ text, values: [...values], query_timeout: PREPARE_MS } as pg.QueryConfig)).rows;
    let failure: Error | undefined;
    try {
      await query("BEGIN");
      await query(`SET LOCAL statement_timeout = ${PREPARE_MS}`);
      await query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`lonja ${name}`]);
      await statements(query);
      await query("COMMIT");
    } catch (error) {
      failure = error as Error;
      throw this.#inOurWords(failure);
    } finally {
      client.off("error", ignored);
      client.release(failure);
    }
  }

  async #query(sql: string, values: Values): Promise<pg.QueryResult> {
    if (!this.#pool) throw new Refusal("unavailable", `${this.place} cannot be used: it is closed.`);
    try {
      return await this.#pool.query({ name: this.#nameOf(sql), text: sql, values: [...values] });
    } catch (error) {
      throw this.#inOurWords(error as Error);
    }
  }

  #nameOf(sql: string): string {
    const name = this.#names.get(sql) ?? `lonja_${this.#names.size}`;
    this.#names.set(sql, name);
    return name;
  }

  #firstConnection(): Promise<pg.PoolClient> {
    const connect = () => (this.#pool as pg.Pool).connect();
    return untilThere(this.place, this.#world, connect, (error) => isAway(error) && !unusable.test(codeOf(error)));
  }

  /** What is wrong with the server is nobody's fault who asked: they may try again. */
  #inOurWords(error: Error): Error {
    return isAway(error)
      ? new Refusal("unavailable", `The store at ${this.place} cannot be used: ${error.message}.`)
      : error;
  }
}
