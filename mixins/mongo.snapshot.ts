import { hash } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { noFigures } from "../services/shared/figures.ts";
import type { World } from "../services/shared/world.ts";
import { MongoAdapter } from "./mongo.adapter.ts";
import { SharedMongoClient } from "./mongo.client.ts";
import { NotNow, type Snapshot } from "./snapshot.ts";
import { SqliteAdapter } from "./sqlite.adapter.ts";
import { SqliteFile } from "./sqlite.file.ts";
import { readingAdapter } from "./sqlite.snapshot.ts";
import type { StoredRecord } from "./store.ts";

/** Holds back the writes of all nodes. */
export interface Hush {
  /** @throws NotNow */
  begin(): Promise<void>;
  /** False: they have not been held back all the time, or not all of them. */
  end(): Promise<boolean>;
  /** Whether nobody is there who could be asked. */
  readonly isAlone: boolean;
}

const PAGE = 200;

/** The copy of one collection, with the stamps of what it was made from. */
interface Copy {
  name: string;
  from: MongoAdapter;
  to: SqliteAdapter;
  stamps: Map<string, string>;
}

/**
 * A database of MongoDB, of which a server that is alone can give no snapshot. All of it is copied into a file while nodes go
 * on; then they are held back while the stamps of all documents are read again, and what has changed is copied once more.
 */
export class MongoSnapshot implements Snapshot {
  readonly place: string;
  readonly isInstant = false;
  readonly isStrict = false;
  readonly #client: SharedMongoClient;
  readonly #hush: Hush;
  readonly #path: string;
  #isConnected = false;
  #file: SqliteFile | undefined;
  #copies: Copy[] = [];
  tables: ReadonlyMap<string, number> = new Map();

  /** The copy is kept in the folder `scratch` as long as the snapshot is. */
  constructor(url: string, { world, scratch, hush }: { world: World; scratch: string; hush: Hush }) {
    this.#client = new SharedMongoClient(url, { figures: noFigures(), world });
    this.place = this.#client.place;
    this.#hush = hush;
    this.#path = join(scratch, `${hash("sha256", url).slice(0, 16)}.db`);
  }

  async connect(): Promise<void> {
    if (!this.#isConnected) await this.#client.use();
    this.#isConnected = true;
    // The second time finds little, and leaves little for the moment in which everybody waits.
    for (const _time of ["all", "what has changed meanwhile"]) await this.#catchUp();
  }

  hold(): Promise<void> {
    return this.#hush.begin();
  }

  async begin(): Promise<void> {
    const changed = await this.#catchUp();
    if (changed > 0 && this.#hush.isAlone)
      throw new NotNow(
        `${this.place} is being written by nodes that cannot be asked to wait: set TRANSPORTER and BUS_SECRET as they have them, or stop them`,
      );
  }

  letGo(): Promise<boolean> {
    return this.#hush.end();
  }

  adapter(): SqliteAdapter {
    return readingAdapter(() => this.#opened.db);
  }

  async end(): Promise<void> {
    if (this.#isConnected) await this.#client.release();
    this.#file?.release();
    for (const end of ["", "-wal", "-shm", "-owner"]) rmSync(`${this.#path}${end}`, { force: true });
  }

  get #opened(): SqliteFile {
    return (this.#file ??= new SqliteFile(this.#path).use());
  }

  /** Makes the copy what the database is, and answers how much was not. Right where nobody writes meanwhile. */
  async #catchUp(): Promise<number> {
    let changed = await this.#catchUpSchema();
    for (const copy of this.#copies) changed += await (copy.stamps.size === 0 ? copyAll(copy) : catchUp(copy));
    return changed;
  }

  async #catchUpSchema(): Promise<number> {
    const kept = await this.#client.run((db) =>
      db.collection<{ _id: string; version: number }>("lonja_schema").find().toArray(),
    );
    const changed = kept.filter(({ _id, version }) => this.tables.get(_id) !== version);
    this.tables = new Map(kept.map(({ _id, version }) => [_id, version]));
    for (const { _id: name, version } of changed) {
      const known = this.#copies.find((copy) => copy.name === name);
      const copy = known ?? (await this.#newCopy(name));
      if (!known) this.#copies.push(copy);
      await copy.to.setSchemaVersion(version);
    }
    return changed.length;
  }

  async #newCopy(name: string): Promise<Copy> {
    const [from, to] = [new MongoAdapter(this.#client), new SqliteAdapter(() => this.#opened)];
    for (const adapter of [from, to]) adapter.init({}, { schema: { collection: name } });
    await to.connect();
    return { name, from, to, stamps: new Map() };
  }
}

/** The first time. What is written meanwhile is found by its stamp the next time. */
async function copyAll({ from, to, stamps }: Copy): Promise<number> {
  const page: StoredRecord[] = [];
  const write = async () => void (await to.insertMany(page.splice(0)));
  await from.documents(async (record, stamp) => {
    if (stamps.has(record._id)) return;
    stamps.set(record._id, stamp);
    if (page.push(record) >= PAGE) await write();
  });
  await write();
  return stamps.size;
}

async function catchUp({ from, to, stamps }: Copy): Promise<number> {
  const now = new Map<string, string>();
  await from.stamps((id, stamp) => now.set(id, stamp));
  const changed = [...now.keys()].filter((id) => stamps.get(id) !== now.get(id));
  const gone = [...stamps.keys()].filter((id) => !now.has(id));
  for (let at = 0; at < changed.length; at += PAGE) {
    const ids = changed.slice(at, at + PAGE);
    const records = await from.findByIds(ids);
    await Promise.all(ids.filter((id) => stamps.has(id)).map((id) => to.removeById(id)));
    await to.insertMany(records);
    // One that is gone, or other by now, has its stamp compared again.
    for (const id of ids) stamps.set(id, "");
    for (const record of records) stamps.set(record._id, now.get(record._id) ?? "");
  }
  for (const id of gone) {
    await to.removeById(id);
    stamps.delete(id);
  }
  return changed.length + gone.length;
}
