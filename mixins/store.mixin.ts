import type { Context, Service } from "moleculer";
import type { DeadLetter, Envelope } from "../services/shared/delivery.ts";
import { pageOf } from "../services/shared/page.ts";
import { found } from "../services/shared/refusal.ts";
import type { Page, Paging } from "../services/shared/schema.ts";
import type { World } from "../services/shared/world.ts";
import { Collection, type CollectionOptions, type Doc, type House } from "./collection.ts";
import type { Gate } from "./gate.ts";
import { hearersOf, laneOf } from "./hearers.ts";
import { Outbox } from "./outbox.ts";
import type { OpenStore } from "./stores.ts";

export type { CollectionOptions, Doc, List, New } from "./collection.ts";
export { Collection } from "./collection.ts";
export { Duplicate, isDuplicate, type Query } from "./store.ts";

/** Lets `collectionOptions<Order>({ … })` keep the type of its documents. */
export const collectionOptions = <D extends Doc>(options: CollectionOptions<D>): CollectionOptions<D> => options;

interface Keeper {
  name: string;
  schema: { hears?: Record<string, (fact: Envelope) => unknown> };
  world: World;
  logger: Service["logger"];
  broker: { openStore: OpenStore; gate: Gate; call(name: string, params: unknown, options?: object): Promise<unknown> };
  outbox: Outbox;
  $collections: Collection<Doc>[];
  [collection: string]: unknown;
}

/**
 * Gives a service its collections, as `this.<name>`, with the delivery of what they tell and the ear
 * for what others tell. Nothing of it can be reached from outside but the house's own actions.
 */
// biome-ignore lint/suspicious/noExplicitAny: the documents of different collections have nothing in common.
export function store(collections: Record<string, CollectionOptions<any>>): object {
  return {
    // Other nodes may ask for these, and there is no route to them.
    actions: {
      hear: {
        visibility: "public",
        handler(this: Keeper, ctx: Context<Envelope>) {
          const hear = this.schema.hears?.[ctx.params.type];
          if (!hear) throw new Error(`${this.name} does not hear ${ctx.params.type}`);
          return Promise.resolve(hear.call(this, ctx.params)).then(() => null);
        },
      },
      deadLetters: {
        visibility: "public",
        async handler(this: Keeper, { params: asked }: Context<Paging>): Promise<Page<DeadLetter>> {
          const letters = await this.outbox.deadLetters();
          const start = asked.cursor ? letters.findIndex(({ id }) => id === asked.cursor) + 1 : 0;
          return pageOf(letters.slice(start), asked, ({ id }) => id);
        },
      },
      replay: {
        visibility: "public",
        async handler(this: Keeper, ctx: Context<{ id: string }>) {
          return found(await this.outbox.replay(ctx.params.id), "dead letter");
        },
      },
      outbox: {
        visibility: "public",
        handler(this: Keeper) {
          return this.outbox.state();
        },
      },
      hush: {
        visibility: "public",
        handler(this: Keeper, { params: { id, ms } }: Context<{ id: string; ms: number }>) {
          return this.broker.gate.close(id, ms);
        },
      },
      unhush: {
        visibility: "public",
        handler(this: Keeper, ctx: Context<{ id: string }>) {
          return this.broker.gate.open(ctx.params.id);
        },
      },
    },

    events: {
      "$services.changed"(this: Keeper) {
        void this.outbox.hurry();
      },
    },

    created(this: Keeper) {
      const { world, logger, name: from, broker } = this;
      this.outbox = new Outbox({
        world,
        logger,
        from,
        laneOf,
        send: (to, envelope) => broker.call(`${to}.hear`, envelope, { timeout: 10_000 }),
      });
      const house: House = {
        world,
        hearersOf,
        isAcknowledged: (delivery) => this.outbox.isAcknowledged(delivery),
        toldIn: (collection, record) => this.outbox.told(collection, record),
      };
      this.$collections = Object.entries(collections).map(([name, options]) => {
        const adapter = broker.openStore(from);
        adapter.init(broker, { schema: { collection: `${from}_${name}` } });
        const collection = new Collection<Doc>(name, adapter, options, house);
        this[name] = collection;
        if (options.tells) this.outbox.add(collection);
        return collection;
      });
    },

    async started(this: Keeper) {
      for (const collection of this.$collections) {
        await collection.adapter.connect();
        await collection.migrate();
      }
      this.outbox.start();
    },

    async stopped(this: Keeper) {
      await this.outbox.stop();
      for (const { adapter } of this.$collections) await adapter.disconnect();
    },
  };
}
