import type { Service } from "moleculer";
import { repeat } from "../../mixins/repeat.ts";
import { type Collection, collectionOptions, isDuplicate } from "../../mixins/store.mixin.ts";
import { pageOf } from "../shared/page.ts";
import { Refusal } from "../shared/refusal.ts";
import { PAGE_SIZE, type Page, type Paging } from "../shared/schema.ts";
import { sleep, type World } from "../shared/world.ts";
import {
  behind,
  cursorBehind,
  entryView,
  forgettable,
  type KeptEntry,
  type NewEntry,
  numbered,
  type Position,
  positionIn,
  START,
} from "./entry.ts";
import type { ShopEvent } from "./notifications.contract.ts";

interface Desk {
  entries: Collection<KeptEntry>;
  world: World;
  logger: Service["logger"];
}

interface Waiting {
  entry: NewEntry;
  resolve(): void;
  reject(error: unknown): void;
}

/** That numbers are given once is for the index to see to, whoever writes at once. */
export const entryOptions = collectionOptions<KeptEntry>({
  fields: ["number", "keptAt"],
  numbers: ["number"],
  unique: [["number"]],
  indexes: [["keptAt"]],
});

const MOST_TOGETHER = 100;
const MOST_WAITING = 20_000;
const MOST_TRIES = 30;
const FORGET_EVERY_MS = 60_000;
const MOST_FORGOTTEN = 200;

/**
 * What has happened in the shop, in the order in which it was heard. The number of an entry is one more than that of the
 * last one there is, so an entry is written only when all before it are: nobody who reads on behind one misses any.
 */
export class Journal {
  readonly #desk: Desk;
  #waiting: Waiting[] = [];
  #isWriting = false;
  #stopForgetting: (() => Promise<void>) | undefined;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  start(): void {
    const failed = (error: Error) => this.#desk.logger.warn(`Old events could not be forgotten: ${error.message}`);
    this.#stopForgetting = repeat(this.#desk.world, FORGET_EVERY_MS, () => this.forget(), failed);
  }

  async stop(): Promise<void> {
    await this.#stopForgetting?.();
  }

  /** Once it is there. One that is there already is not written again. */
  add(entry: NewEntry): Promise<void> {
    if (this.#waiting.length >= MOST_WAITING)
      return Promise.reject(new Refusal("unavailable", "Too much happens at once.", { retryAfterSeconds: 1 }));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      if (!this.#isWriting) this.#write();
    });
  }

  async page(asked: Paging & { since?: string | undefined }): Promise<Page<ShopEvent>> {
    const { limit = PAGE_SIZE, cursor, since } = asked;
    const position = cursor ? positionIn(cursor) : since ? await this.#before(since) : START;
    // The one that the cursor is of, a page, and one by which it is seen that there is more.
    const found = position ? await this.#from(position.number, limit + 2) : [];
    const page = pageOf(position ? behind(found, position) : [], asked, cursorBehind);
    return { ...page, data: page.data.map(entryView) };
  }

  /** One after the other, so that at no moment one is missing between others. True: there may be more. */
  async forget(): Promise<boolean> {
    const { entries, world } = this.#desk;
    const old = forgettable(await this.#from(1, MOST_FORGOTTEN + 1), world.now());
    for (const { id } of old) await entries.remove(id);
    return old.length === MOST_FORGOTTEN;
  }

  async #from(number: number, limit: number): Promise<KeptEntry[]> {
    const where = { number: { $gte: number } };
    return (await this.#desk.entries.find({ where, sort: "number", limit })).data;
  }

  /** Undefined: there is nothing since then. */
  async #before(time: string): Promise<Position | undefined> {
    const where = { keptAt: { $gte: time } };
    const [first] = (await this.#desk.entries.find({ where, sort: "keptAt", limit: 1 })).data;
    return first && { number: first.number - 1 };
  }

  /** What is heard in the same turn is written together. */
  #write(): void {
    this.#isWriting = true;
    this.#desk.entries.soon(async () => {
      while (this.#waiting.length > 0) {
        const some = this.#waiting.splice(0, MOST_TOGETHER);
        await this.#append(some.map(({ entry }) => entry)).then(
          () => some.forEach(({ resolve }) => void resolve()),
          (error) => some.forEach(({ reject }) => void reject(error)),
        );
      }
      this.#isWriting = false;
    });
  }

  /** Whoever was slower than another node takes the numbers behind. */
  async #append(wanted: readonly NewEntry[]): Promise<void> {
    const { entries, world } = this.#desk;
    let left = [...new Map(wanted.map((entry) => [entry.id, entry])).values()];
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const last = await entries.find({ where: { number: { $gte: 1 } }, sort: "-number", limit: 1 });
      try {
        await entries.insertMany(numbered(left, last.data[0]));
        return;
      } catch (error) {
        if (!isDuplicate(error)) throw error;
      }
      const there = new Set((await entries.getMany(left.map(({ id }) => id))).map(({ id }) => id));
      left = left.filter(({ id }) => !there.has(id));
      if (left.length === 0) return;
      await sleep(world, world.random() * Math.min(100, 2 ** tries));
    }
    throw new Refusal("unavailable", "Too many are writing at once.", { retryAfterSeconds: 1 });
  }
}
