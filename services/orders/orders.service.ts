import { due } from "../../mixins/due.mixin.ts";
import { type Collection, collectionOptions, type Doc, isDuplicate, store } from "../../mixins/store.mixin.ts";
import { isStaff, type Meta, signedIn } from "../shared/identity.ts";
import { found, isRefusal, Refusal } from "../shared/refusal.ts";
import type { Page } from "../shared/schema.ts";
import type { ServiceOf } from "../shared/typed.ts";
import { sleep, timeAt } from "../shared/world.ts";
import {
  type Ask,
  advance,
  begun,
  canceled,
  heardOfPayment,
  isSettled,
  type Moment,
  type Outcome,
  question,
  takenUp,
} from "./checkout.ts";
import { guestToken, isGuestToken } from "./guest.edge.ts";
import { draftOrder, type KeptOrder, numberFrom, orderView, refusalOf, sameRequest } from "./order.ts";
import type { Order, PlacedOrder, PlaceOrder, TimelineEntry } from "./orders.contract.ts";
import { priceLines } from "./totals.ts";

interface Secret extends Doc {
  value: string;
}

const orders = collectionOptions<KeptOrder>({
  fields: ["status", "customerId", "email", "number", "requestKey", "dueAt"],
  unique: [["requestKey"], ["number"]],
  indexes: [["dueAt"], ["customerId", "_id"], ["status", "_id"], ["email", "_id"]],
  tells: (before, after) => {
    const data = { order: orderView(after), reason: after.cancelReason };
    if (before?.status !== "confirmed" && after.status === "confirmed") return [{ type: "orders.confirmed", data }];
    if (before?.status === "confirmed" && after.status === "canceled") return [{ type: "orders.canceled", data }];
    return [];
  },
});

interface Orders {
  orders: Collection<KeptOrder>;
  secrets: Collection<Secret>;
  guestSecret: string;
  moment(): Moment;
  /** Writes the order down, with its first step. A repeat of the same request finds the order that is there. */
  record(asked: PlaceOrder, meta: Meta): Promise<KeptOrder>;
  /** Asks step by step until the order is settled, or the time that the caller has is over. */
  drive(order: KeptOrder, untilMs: number): Promise<KeptOrder>;
  ask(ask: Ask): Promise<Outcome>;
  /** Waits for an order that somebody else drives. */
  await(order: KeptOrder, untilMs: number): Promise<KeptOrder>;
  /** Goes on in the background; if that fails, the order is due soon anyway. */
  goOn(order: KeptOrder): void;
  readable(id: string, meta: Meta): Promise<KeptOrder>;
  placed(order: KeptOrder): PlacedOrder;
}

/** How long a buyer is kept waiting for the outcome. */
const PATIENCE_MS = 8_000;
const LOOK_AGAIN_MS = 100;

export default {
  name: "orders",
  mixins: [
    due<KeptOrder, Orders>("orders", async function ({ id }) {
      let mine = false;
      const order = await this.orders.change(id, (order) => {
        const taken = takenUp(order, this.moment());
        mine = taken !== order;
        return taken;
      });
      if (mine) this.goOn(order);
    }),
    store({ orders, secrets: {} }),
  ],

  actions: {
    async place(ctx) {
      const untilMs = this.world.now() + PATIENCE_MS;
      const recorded = await this.record(ctx.params, ctx.meta);
      const order = recorded.version === 1 ? await this.drive(recorded, untilMs) : await this.await(recorded, untilMs);
      const refusal = isSettled(order) || order.refusal ? refusalOf(order) : undefined;
      if (refusal) throw refusal;
      return this.placed(order);
    },

    async list(ctx) {
      const { status, limit = 20, cursor } = ctx.params;
      const where = { customerId: signedIn(ctx.meta), status };
      return viewsOf(await this.orders.find({ where, sort: "-_id", limit, cursor }));
    },

    async get(ctx) {
      return orderView(await this.readable(ctx.params.id, ctx.meta));
    },

    async events(ctx) {
      const { id, limit = 20, cursor } = ctx.params;
      const { timeline } = await this.readable(id, ctx.meta);
      return pageOfTimeline(timeline, limit, cursor);
    },

    async cancel(ctx) {
      const { id, reason = "canceled on request" } = ctx.params;
      await this.readable(id, ctx.meta);
      const order = await this.orders.change(id, (order) => canceled(order, reason, this.moment()));
      return orderView(await this.drive(order, this.world.now() + PATIENCE_MS));
    },

    async search(ctx) {
      const { status, q, limit = 20, cursor } = ctx.params;
      const wanted = q?.trim();
      const where = {
        status,
        ...(wanted ? { $or: [{ _id: wanted }, { number: wanted.toUpperCase() }, { email: wanted }] } : {}),
      };
      return viewsOf(await this.orders.find({ where, sort: "-_id", limit, cursor }));
    },

    async mayRead(ctx) {
      await this.readable(ctx.params.id, ctx.meta);
      return true;
    },
  },

  hears: {
    async "payments.changed"({ id: heard, data }) {
      this.goOn(
        await this.orders.change(data.orderId, (order) => heardOfPayment(order, data, this.moment()), { heard }),
      );
    },
  },

  methods: {
    moment() {
      return {
        nowMs: this.world.now(),
        random: this.world.random(),
        captureLater: this.shop.paymentCapture === "manual",
      };
    },

    async record(asked, meta) {
      const { requestKey, bodyDigest } = meta;
      const known = requestKey ? await this.orders.first({ requestKey }) : undefined;
      if (known) return sameRequest(known, bodyDigest);
      const { offers, currency } = await this.broker.call("catalog.offers", {
        skus: [...new Set(asked.lines.map(({ sku }) => sku))],
      });
      if (asked.currency && asked.currency !== currency)
        throw new Refusal("invalid_input", undefined, {
          errors: [{ path: "currency", message: `this shop sells in ${currency}` }],
        });
      const lines = priceLines(asked.lines, offers);
      for (;;) {
        const draft = draftOrder(asked, lines, currency, {
          id: this.world.id("ord"),
          number: numberFrom(this.world.bytes(8)),
          customerId: meta.caller?.userId ?? null,
          requestKey,
          bodyDigest,
          now: timeAt(this.world),
          lineIds: lines.map(() => this.world.id("line")),
        });
        try {
          return await this.orders.insert(begun(draft, this.world.now()));
        } catch (error) {
          if (isDuplicate(error, "requestKey"))
            return sameRequest(found(await this.orders.first({ requestKey: requestKey ?? "" }), "order"), bodyDigest);
          if (!isDuplicate(error, "number")) throw error;
        }
      }
    },

    async drive(order, untilMs) {
      let now = order;
      for (let ask = question(now); ask; ask = question(now)) {
        const { turn } = now.process;
        const outcome = await this.ask(ask);
        now = await this.orders.change(now, (order) => advance(order, turn, outcome, this.moment()));
        const pauseMs = outcome.kind === "unknown" ? Date.parse(now.dueAt ?? "") - this.world.now() : 0;
        if (this.world.now() + pauseMs > untilMs) return now;
        if (pauseMs > 0) await sleep(this.world, pauseMs);
      }
      return now;
    },

    async ask({ action, params }) {
      try {
        const answer = await this.broker.call(action, params as never);
        return { kind: "answered", payment: action.startsWith("payments.") ? (answer as never) : null };
      } catch (error) {
        const { message, name } = error as Error;
        if (isRefusal(error) && error.code < 500)
          return { kind: "refused", type: error.type, detail: message, data: error.data };
        if (!isRefusal(error) && name !== "RequestTimeoutError")
          this.logger.warn(`${action} failed: ${name} ${message}`);
        return { kind: "unknown", detail: `${action} did not answer` };
      }
    },

    async await(order, untilMs) {
      let now = order;
      while (!isSettled(now) && this.world.now() < untilMs) {
        await sleep(this.world, LOOK_AGAIN_MS);
        now = found(await this.orders.get(order.id), "order");
      }
      return now;
    },

    goOn(order) {
      if (isSettled(order)) return;
      this.drive(order, this.world.now() + PATIENCE_MS).catch((error) =>
        this.logger.warn(`${order.id} could not go on: ${error.message}`),
      );
    },

    async readable(id, { caller, guestToken: token, ...meta }) {
      const order = found(await this.orders.get(id), "order");
      const mine = caller !== undefined && order.customerId === caller.userId;
      const asGuest = token !== undefined && isGuestToken(this.guestSecret, id, token);
      return found(mine || asGuest || isStaff({ ...meta, ...(caller ? { caller } : {}) }) ? order : undefined, "order");
    },

    placed(order) {
      return { ...orderView(order), guestToken: guestToken(this.guestSecret, order.id) };
    },
  },

  /** The secret behind guests' tokens is made once; of two nodes that start together, one makes it. */
  async started() {
    const id = "guest-token";
    const made = { id, value: this.world.bytes(32).toString("base64url") };
    const kept = (await this.secrets.get(id)) ?? (await this.secrets.insert(made).catch(() => this.secrets.get(id)));
    this.guestSecret = found(kept, "secret").value;
  },
} satisfies ServiceOf<"orders", Orders>;

const viewsOf = ({ data, nextCursor }: Page<KeptOrder>): Page<Order> => ({ data: data.map(orderView), nextCursor });

function pageOfTimeline(
  timeline: readonly TimelineEntry[],
  limit: number,
  cursor: string | undefined,
): Page<TimelineEntry> {
  const start = cursor === undefined ? 0 : Number(/^t(\d{1,6})$/.exec(cursor)?.[1] ?? Number.NaN);
  if (Number.isNaN(start))
    throw new Refusal("invalid_input", undefined, {
      errors: [{ path: "cursor", message: "is not a cursor of this list" }],
    });
  const end = start + limit;
  return { data: timeline.slice(start, end), nextCursor: end < timeline.length ? `t${end}` : null };
}
