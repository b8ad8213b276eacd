import { type Db, type Document, MongoClient, MongoError } from "mongodb";
import type { Figures } from "../services/shared/figures.ts";
import { Refusal } from "../services/shared/refusal.ts";
import type { World } from "../services/shared/world.ts";
import { Gate } from "./gate.ts";
import { isOfSystem, untilThere } from "./patience.ts";
import { UnusableStore } from "./store.ts";

const ANSWER_MS = 5_000;
const CONNECT_MS = 3_000;

/**
 * Answers of a server that is there and says no. Everything else of the driver is about reaching it, also where it puts
 * that into the words of a bulk write: then there is no code, and no write that failed.
 */
const spoken: Record<string, (error: { code?: unknown; writeErrors?: unknown }) => boolean> = {
  MongoServerError: () => true,
  MongoBulkWriteError: ({ code, writeErrors = [] }) => code !== undefined || [writeErrors].flat().length > 0,
};
/** Shutting down, stepping down, not primary, no majority in time: not now. */
const notNow = new Set([64, 89, 91, 112, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436, 50]);
const isAway = (error: Error & { code?: unknown }): boolean =>
  // What the system says of a connection that breaks at the wrong moment comes as it is.
  isOfSystem(error) ||
  (error instanceof MongoError &&
    (!spoken[error.name]?.(error) || notNow.has(Number(error.code))) &&
    !/^Mongo(Invalid|Parse|MissingDependency)/.test(error.name));

/** Wrong user or password, or no right to the database. */
const isRefused = (error: Error): boolean => [13, 18].includes(Number((error as MongoError).code));

/** The connections of one process to one database, shared by its collections. */
export class SharedMongoClient {
  readonly #url: string;
  readonly #figures: Figures;
  readonly #world: World;
  readonly #gate: Gate;
  #client: MongoClient | undefined;
  #users = 0;

  constructor(url: string, { figures, world, gate }: { figures: Figures; world: World; gate?: Gate }) {
    this.#url = url;
    this.#figures = figures;
    this.#world = world;
    this.#gate = gate ?? new Gate(world);
  }

  /** For messages: without user and password. */
  get place(): string {
    return this.#url.replace(/\?.*/, "").replace(/^[^:]*:\/\/(?:.*@)?/, "");
  }

  /** The database that the URL names. */
  get db(): Db {
    if (!this.#client) throw new Refusal("unavailable", `The store at ${this.place} cannot be used: it is closed.`);
    return this.#client.db();
  }

  async use(): Promise<void> {
    this.#client ??= this.#newClient();
    this.#users++;
    const client = this.#client;
    const connect = async () => void (await (await client.connect()).db().command({ ping: 1 }));
    await untilThere(this.place, this.#world, connect, (error) => isAway(error) && !isRefused(error)).catch(
      async (error) => {
        await this.release();
        throw error;
      },
    );
  }

  #newClient(): MongoClient {
    try {
      return new MongoClient(this.#url, {
        maxPoolSize: 10,
        serverSelectionTimeoutMS: CONNECT_MS,
        connectTimeoutMS: CONNECT_MS,
        socketTimeoutMS: ANSWER_MS,
        waitQueueTimeoutMS: CONNECT_MS,
        heartbeatFrequencyMS: 2_000,
        // On disk, on most of the servers, before anybody is told; and never written twice on a guess.
        writeConcern: { w: "majority", journal: true },
        readConcern: { level: "majority" },
        retryWrites: false,
        ignoreUndefined: true,
        appName: "lonja",
      });
    } catch (error) {
      throw new UnusableStore(`The store at ${this.place} cannot be used: ${(error as Error).message}.`);
    }
  }

  async release(): Promise<void> {
    if (--this.#users > 0) return;
    await this.#client?.close();
    this.#client = undefined;
  }

  /** What is wrong with the server is nobody's fault who asked: they may try again. */
  async run<T>(work: (db: Db) => Promise<T>): Promise<T> {
    try {
      return await work(this.db);
    } catch (error) {
      throw isAway(error as Error)
        ? new Refusal("unavailable", `The store at ${this.place} cannot be used: ${(error as Error).message}.`)
        : error;
    }
  }

  /** The same for what changes documents. */
  async write<T extends Document>(documents: number, work: (db: Db) => Promise<T>): Promise<T> {
    const result = await this.#gate.pass(() => this.run(work));
    this.#figures.commits++;
    this.#figures.writes += documents;
    return result;
  }
}
