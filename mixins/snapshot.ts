import type { StoreAdapter } from "./store.ts";

/**
 * A store as it was at one moment, for a process that reads it while nodes go on writing. First it is connected, which may
 * take its time; where other stores belong to the same shop, writers are held back until all of them have begun.
 */
export interface Snapshot {
  /** For messages: without user and password. */
  readonly place: string;
  /** It begins in one instant: where there is no other store, nobody has to be held back for it. */
  readonly isInstant: boolean;
  /** Whoever waits to write can do nothing else meanwhile, such as answering: so it is held last. */
  readonly isStrict: boolean;
  /** Whatever can be done before the moment. It may be called again. */
  connect(): Promise<void>;
  /**
   * What is being written ends, and nobody begins to write. A holder that dies holds nobody back.
   *
   * @throws NotNow
   */
  hold(): Promise<void>;
  /** The moment that it will show. */
  begin(): Promise<void>;
  /** Lets writers go on. False: they have not been held back all the time. */
  letGo(): Promise<boolean>;
  /** The schema version of each collection that was there, by its table. */
  readonly tables: ReadonlyMap<string, number>;
  /** For one collection, as it was. Only to read. */
  adapter(): StoreAdapter;
  end(): Promise<void>;
}

/** Writers could not be held back at this moment; at another they may. */
export class NotNow extends Error {
  override readonly name = "NotNow";
}
