import type { Service } from "moleculer";
import { timeAt, type World } from "../services/shared/world.ts";
import { bringForward, watch } from "./ahead.ts";
import type { Collection, Doc } from "./collection.ts";
import { repeat } from "./repeat.ts";

type Handle<D, This> = (this: This, doc: D) => Promise<unknown>;
interface Tasks<D, This> {
  handle: Handle<D, This>;
  hasRoom(this: This): boolean;
}

const SWEEP_MS = 500;
const MOST_AT_ONCE = 50;

/**
 * Looks after documents whose `dueAt` has come: an order whose node died, a hold that expires, a
 * payment whose outcome is not known. `handle`, given alone or with `hasRoom`, moves `dueAt` on, or takes
 * it away, by a conditional change of the document, so that of several nodes that sweep at once only one
 * gets through.
 * Where there is no room for more, what is due waits for the next sweep.
 * The collection declares the field and the index `dueAt`; its store is listed after this mixin, since
 * Moleculer starts the mixins that are listed later first, and stops them last.
 */
export function due<D extends Doc, This = unknown>(
  collection: string,
  tasks: Handle<D, This> | Tasks<D, This>,
): object {
  const { handle, hasRoom } = typeof tasks === "function" ? { handle: tasks, hasRoom: () => true } : tasks;
  interface Sweeper {
    world: World;
    logger: Service["logger"];
    [key: string]: unknown;
  }
  /** One page of what is due. The next one comes at once, so that those that fail again and again hold up nobody. */
  const sweep = async (service: Sweeper, cursor: string | undefined): Promise<string | undefined> => {
    if (!hasRoom.call(service as This)) return undefined;
    const docs = service[collection] as Collection<D>;
    const where = { dueAt: { $lte: timeAt(service.world) } };
    const { data, nextCursor } = await docs.find({ where, sort: "dueAt", limit: MOST_AT_ONCE, cursor });
    const outcomes = await Promise.allSettled(data.map((doc) => handle.call(service as This, doc)));
    for (const [index, outcome] of outcomes.entries())
      if (outcome.status === "rejected")
        service.logger.warn(`${data[index]?.id} is due and could not be looked after: ${outcome.reason}`);
    return nextCursor ?? undefined;
  };
  const sweeping = `$sweep:${collection}`;
  const watching = `$watch:${collection}`;

  return {
    created(this: Sweeper) {
      if (!this[collection])
        throw new Error(`list store({ ${collection} }) after due("${collection}"): what is listed later starts first`);
    },
    started(this: Sweeper) {
      const failed = (error: Error) => this.logger.warn(`${collection} could not be swept: ${error.message}`);
      let cursor: string | undefined;
      const next = async () => {
        const from = cursor;
        cursor = undefined;
        cursor = await sweep(this, from);
        return cursor !== undefined;
      };
      this[sweeping] = repeat(this.world, SWEEP_MS, next, failed);
      const docs = this[collection] as Collection<D>;
      if (docs.isWatched) this[watching] = watch(this.world, bringForward(docs, this.world), failed);
    },
    async stopped(this: Sweeper) {
      for (const key of [sweeping, watching]) await (this[key] as (() => Promise<void>) | undefined)?.();
    },
  };
}
