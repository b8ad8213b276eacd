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
  record(asked: PlaceOrder, meta: Meta): Promise<{ order: KeptOrder; isNew: boolean }>;
  /**
   * Asks step by step until the order is settled, or the time that the caller has is over. What is not answered is
   * asked again when it is due, by whoever takes the order up then. Who finds that another one has moved it on, stops.
   */
  drive(order: KeptOrder, untilMs?: number): Promise<KeptOrder>;
  /** The same for somebody who waits, and who is answered in time, however long a question is not. */
  driveFor(order: KeptOrder, untilMs: number): Promise<KeptOrder>;
  /** Changes an order, and says whether its process has moved by that. */
  move(
    known: string | KeptOrder,
    decide: (order: KeptOrder) => KeptOrder,
    options?: { heard: string },
  ): Promise<{ order: KeptOrder; moved: boolean }>;
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
      const { order, moved } = await this.move(id, (order) => takenUp(order, this.moment()));
      if (moved) this.goOn(order);
    }),
    store({ orders, secrets: {} }),
  ],

  actions: {
    async place(ctx) {
      const untilMs = this.world.now() + PATIENCE_MS;
      const { order, isNew } = await this.record(ctx.params, ctx.meta);
      const settled = await this.await(isNew ? await this.driveFor(order, untilMs) : order, untilMs);
      const refusal = refusalOf(settled);
      if (refusal) throw refusal;
      return this.placed(settled);
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
      const untilMs = this.world.now() + PATIENCE_MS;
      const { order, moved } = await this.move(id, (order) => canceled(order, reason, this.moment()));
      return orderView(await this.await(moved ? await this.driveFor(order, untilMs) : order, untilMs));
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
      const news = { ...data, id: data.paymentId };
      const hear = (order: KeptOrder) => heardOfPayment(order, news, this.moment());
      const { order, moved } = await this.move(data.orderId, hear, { heard });
      if (moved) this.goOn(order);
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
      if (known) return { order: sameRequest(known, bodyDigest), isNew: false };
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
          return { order: await this.orders.insert(begun(draft, this.world.now())), isNew: true };
        } catch (error) {
          if (isDuplicate(error, "requestKey")) return this.record(asked, meta);
          if (!isDuplicate(error, "number")) throw error;
        }
      }
    },

    async drive(order, untilMs = Number.POSITIVE_INFINITY) {
      let now = order;
      for (let ask = question(now); ask; ask = isSettled(now) ? undefined : question(now)) {
        const { process: asked } = now;
        const outcome = await this.ask(ask);
        if (asked.phase === "undoing" && outcome.kind === "refused")
          this.logger.warn(`${now.id} is not undone, ${ask.action} will be asked again: ${outcome.detail}`);
        const next = await this.move(now, (order) => advance(order, asked, outcome, this.moment()));
        now = next.order;
        if (!next.moved || now.process.tries > 0 || this.world.now() >= untilMs) break;
      }
      return now;
    },

    async driveFor(order, untilMs) {
      const late = Promise.withResolvers<undefined>();
      const callOff = this.world.after(untilMs - this.world.now(), () => late.resolve(undefined));
      const now = await Promise.race([this.drive(order, untilMs), late.promise]).finally(callOff);
      return now ?? found(await this.orders.get(order.id), "order");
    },

    async move(known, decide, options) {
      let moved = false;
      const noticing = (order: KeptOrder) => {
        const next = decide(order);
        moved = next.process.turn !== order.process.turn;
        return next;
      };
      return { order: await this.orders.change(known, noticing, options), moved };
    },

    async ask({ action, params }) {
      try {
        const answer = await this.broker.call(action, params as never);
        return { kind: "answered", payment: action.startsWith("payments.") ? (answer as never) : null };
      } catch (error) {
        const { message, name } = error as Error;
        if (isRefusal(error) && error.code < 500 && error.type !== "too_many_requests")
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
      this.drive(order).catch((error) => this.logger.warn(`${order.id} could not go on: ${error.message}`));
    },

    async readable(id, meta) {
      const { caller, guestToken: token } = meta;
      const order = found(await this.orders.get(id), "order");
      const mine = caller !== undefined && order.customerId === caller.userId;
      const asGuest = token !== undefined && isGuestToken(this.guestSecret, id, token);
      return found(mine || asGuest || isStaff(meta) ? order : undefined, "order");
    },

    placed(order) {
      return { ...orderView(order), guestToken: guestToken(this.guestSecret, order.id) };
    },
  },

  /** The secret behind guests' tokens. */
  async started() {
    const make = () => ({ value: this.world.bytes(32).toString("base64url") });
    this.guestSecret = (await this.secrets.getOrMake("guest-token", make)).value;
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
