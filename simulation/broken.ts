import type { Collection, Doc } from "../mixins/store.mixin.ts";
import type { Together } from "../mixins/together.ts";
import type { Stock } from "../services/inventory/stock.ts";
import type { Ask } from "../services/orders/checkout.ts";
import type { Provider } from "../services/payments/provider.ts";
import type { Params } from "../services/shared/typed.ts";
import type { MemoryAdapter } from "./memory.adapter.ts";
import type { Call, StagedService } from "./stage.ts";

/** A part of production that is broken on purpose, to see whether it is noticed. Only what is on the stage is touched. */
export interface Break {
  /** Once a service is made, and before it starts. */
  service?: (service: StagedService) => void;
  adapter?: (adapter: MemoryAdapter) => void;
}

interface Orders {
  name: string;
  broker: { call: Call };
  ask(ask: Ask): Promise<{ kind: string }>;
}
interface Inventory {
  desk: Together<Stock>;
}
interface Fact {
  id: string;
}

const only =
  <Self>(name: string, change: (self: Self, service: StagedService) => void) =>
  (service: StagedService): void => {
    if (service.self.name === name) change(service.self as unknown as Self, service);
  };

/** What must not be done to a shop, by name. */
export const breaks: Readonly<Record<string, Break>> = {
  /** A request that is repeated is carried out again: its key is kept nowhere. */
  noInbox: {
    service: only<{ payments: Collection<Doc> }>("payments", ({ payments }) => {
      const { change } = payments;
      payments.change = (known, decide, options) => {
        const { heard: _forgotten, ...rest } = options ?? {};
        return change.call(payments, known, decide, rest);
      };
    }),
  },

  /** A fact that is heard twice has its effect twice. */
  noIdOfFacts: {
    service: only<{ world: { id(prefix: string): string } }>("notifications", ({ world }, service) =>
      service.around("hear", (hear, ctx) => hear({ ...ctx, params: { ...(ctx.params as Fact), id: world.id("evt") } })),
    ),
  },

  /** Whoever writes last is right. */
  noVersions: {
    adapter(adapter) {
      const { replace, findById } = adapter;
      adapter.replace = async (record) => {
        const now = await findById.call(adapter, record._id);
        return now !== null && replace.call(adapter, record, now.version);
      };
    },
  },

  /** The money is taken first, and then it is seen whether there is anything to sell. */
  captureBeforeHold: {
    service: only<Orders>("orders", (self) => {
      const { ask } = self;
      self.ask = async (asked) => {
        const { action, params } = asked;
        if (action === "inventory.hold") return { kind: "answered" };
        if (action !== "inventory.commit") return ask(asked);
        const { orderId, lines } = params;
        await ask({ action: "payments.captureOrder", params: { orderId } });
        const expiresAt = "2026-02-01T00:00:00.000Z";
        const held = await ask({ action: "inventory.hold", params: { orderId, lines, expiresAt } });
        return held.kind === "answered" ? ask(asked) : held;
      };
    }),
  },

  /** An order that asks for its stock a second time gets as much again. */
  holdsAgain: {
    service: only<Inventory>("inventory", ({ desk }, service) =>
      service.around("hold", async (hold, ctx) => {
        const { orderId, lines } = ctx.params as Params<"inventory.hold">;
        const skus = lines.map(({ sku }) => sku);
        await desk.change(skus, (docs) =>
          [...docs.values()].flatMap((stock) => {
            const mine = skus.includes(stock.id) ? stock.held[orderId] : undefined;
            const more = lines.find(({ sku }) => sku === stock.id)?.quantity ?? 0;
            return mine
              ? [{ ...stock, held: { ...stock.held, [orderId]: { ...mine, quantity: mine.quantity + more } } }]
              : [];
          }),
        );
        return hold(ctx);
      }),
    ),
  },

  /** The provider is asked under another key each time, and so cannot know that it is the same charge. */
  keyPerTry: {
    service: only<{ providers: ReadonlyMap<string, Provider> }>("payments", ({ providers }) => {
      const tries = new Map<string, number>();
      for (const provider of providers.values()) {
        const { authorize } = provider;
        provider.authorize = ({ key, ...asked }) => {
          const before = tries.get(key) ?? 0;
          tries.set(key, before + 1);
          return authorize({ key: before ? `${key}.${before}` : key, ...asked });
        };
      }
    }),
  },

  /** What an order gives up is for sale again while it may still be paid for. */
  releaseBeforeReverse: {
    service: only<Orders & { orders: Collection<Doc & { lines: { sku: string; quantity: number }[] }> }>(
      "orders",
      (self) => {
        const { ask } = self;
        self.ask = async (asked) => {
          if (asked.action === "payments.reverse") {
            const { orderId } = asked.params;
            const lines = ((await self.orders.get(orderId))?.lines ?? []).map(({ sku, quantity }) => ({
              sku,
              quantity,
            }));
            await ask({ action: "inventory.release", params: { orderId, lines } });
          }
          return ask(asked);
        };
      },
    ),
  },

  /** What is told counts as heard as soon as it has been sent. */
  sentIsHeard: {
    service({ self: { broker } }) {
      const { call } = broker as unknown as { call: Call };
      const send: Call = async (name, params, options) => {
        const answer = call(name, params, options);
        if (!name.endsWith(".hear")) return answer;
        answer.catch(() => {});
        return null;
      };
      Object.assign(broker, { call: send });
    },
  },

  /** Nobody takes up what a node has left lying when it died. */
  nobodyLooks: {
    service: only<{ orders: Collection<Doc> }>("orders", ({ orders }) => {
      const { find } = orders;
      orders.find = (asked) =>
        asked?.sort === "dueAt" ? Promise.resolve({ data: [], nextCursor: null }) : find.call(orders, asked);
    }),
  },
};
