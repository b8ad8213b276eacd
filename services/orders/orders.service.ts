import { due } from "../../mixins/due.mixin.ts";
import { type Collection, collectionOptions, type Doc, isDuplicate, store } from "../../mixins/store.mixin.ts";
import { isStaff, type Meta, signedIn } from "../shared/identity.ts";
import { notACursor, pageOf } from "../shared/page.ts";
import { found, isRefusal, Refusal } from "../shared/refusal.ts";
import type { Page, Paging } from "../shared/schema.ts";
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
  precheck,
  question,
  takenUp,
  wokenUp,
} from "./checkout.ts";
import { guestToken, isGuestToken } from "./guest.edge.ts";
import { audited, draftOrder, type KeptOrder, numberFrom, orderView, refusalOf, sameRequest } from "./order.ts";
import type { PlacedOrder, PlaceOrder, TimelineEntry } from "./orders.contract.ts";
import { SoldOut } from "./sold-out.ts";
import { priceLines } from "./totals.ts";

interface Secret extends Doc {
  value: string;
}

const orders = collectionOptions<KeptOrder>({
  fields: ["status", "customerId", "email", "number", "requestKey", "dueAt", "attention"],
  unique: [["requestKey"], ["number"]],
  indexes: [["dueAt"], ["customerId", "_id"], ["status", "_id"], ["email", "_id"], ["attention"]],
  isWatched: true,
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
  draft(asked: PlaceOrder, meta: Meta): Promise<ReturnType<typeof draftOrder>>;
  /** The order with its first step, or refused already where there is less in stock than it wants. */
  begin(draft: ReturnType<typeof draftOrder>): Promise<KeptOrder>;
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
  soldOut: SoldOut;
  /** How many orders go on in the background. */
  going: number;
  /** Goes on in the background; if that fails, the order is due soon anyway. */
  goOn(order: KeptOrder): void;
  mayRead(order: KeptOrder, meta: Meta): boolean;
  /** The order, if whoever asks may read it. */
  readable(id: string, meta: Meta): Promise<KeptOrder>;
  allReadable(ids: readonly string[], meta: Meta): Promise<KeptOrder[]>;
  placed(order: KeptOrder): PlacedOrder;
}

/** How long a buyer is kept waiting for the outcome. */
const PATIENCE_MS = 8_000;
const LOOK_AGAIN_MS = 100;
/** After a long outage many orders are due at once. They are taken up as fast as those before them come through. */
const MOST_GOING = 200;

export default {
  name: "orders",
  mixins: [
    due<KeptOrder, Orders>("orders", {
      hasRoom() {
        return this.going < MOST_GOING;
      },
      async handle({ id }) {
        const { order, moved } = await this.move(id, (order) => takenUp(order, this.moment()));
        if (moved) this.goOn(order);
      },
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
      const { status, ...asked } = ctx.params;
      const where = { customerId: signedIn(ctx.meta), status };
      return this.orders.page(asked, { where }, orderView);
    },

    async get(ctx) {
      return orderView(await this.readable(ctx.params.id, ctx.meta));
    },

    async events(ctx) {
      const { id, ...asked } = ctx.params;
      const { timeline } = await this.readable(id, ctx.meta);
      return pageOfTimeline(timeline, asked);
    },

    async cancel(ctx) {
      const { id, reason = "canceled on request" } = ctx.params;
      await this.readable(id, ctx.meta);
      const untilMs = this.world.now() + PATIENCE_MS;
      const { order, moved } = await this.move(id, (order) => canceled(order, reason, this.moment()));
      return orderView(await this.await(moved ? await this.driveFor(order, untilMs) : order, untilMs));
    },

    search(ctx) {
      const { status, attention, q, ...asked } = ctx.params;
      const wanted = q?.trim();
      const where = {
        status,
        attention,
        ...(wanted ? { $or: [{ _id: wanted }, { number: wanted.toUpperCase() }, { email: wanted }] } : {}),
      };
      return this.orders.page(asked, { where }, orderView);
    },

    async mayRead(ctx) {
      await this.readable(ctx.params.id, ctx.meta);
      return true;
    },

    async readable(ctx) {
      return (await this.allReadable(ctx.params.ids, ctx.meta)).map(({ id }) => id);
    },

    async byIds(ctx) {
      return (await this.allReadable(ctx.params.ids, ctx.meta)).map(orderView);
    },

    audit(ctx) {
      return this.orders.walk("_id", ctx.params, audited);
    },

    async wake(ctx) {
      const { order, moved } = await this.move(ctx.params.id, (order) => wokenUp(order, this.moment()));
      if (moved) this.goOn(order);
      return null;
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

    /** Nearly every request is a new one. Whether it is not is looked up only where something is in its way. */
    async record(asked, meta) {
      const { requestKey, bodyDigest } = meta;
      try {
        return { order: await this.orders.insert(await this.begin(await this.draft(asked, meta))), isNew: true };
      } catch (error) {
        if (isDuplicate(error, "number")) return this.record(asked, meta);
        const known = requestKey ? await this.orders.first({ requestKey }) : undefined;
        if (!known) throw error;
        if (!isRefusal(error) && !isDuplicate(error))
          this.logger.warn(`A repeat of the request for ${known.id} failed: ${(error as Error).message}`);
        return { order: sameRequest(known, bodyDigest), isNew: false };
      }
    },

    async draft(asked, { caller, requestKey, bodyDigest }) {
      const { offers, currency } = await this.broker.call("catalog.offers", {
        skus: [...new Set(asked.lines.map(({ sku }) => sku))],
      });
      if (asked.currency && asked.currency !== currency)
        throw new Refusal("invalid_input", undefined, {
          errors: [{ path: "currency", message: `this shop sells in ${currency}` }],
        });
      const lines = priceLines(asked.lines, offers);
      return draftOrder(asked, lines, currency, {
        id: this.world.id("ord"),
        number: numberFrom(this.world.bytes(8)),
        customerId: caller?.userId ?? null,
        requestKey,
        bodyDigest,
        now: timeAt(this.world),
        lineIds: lines.map(() => this.world.id("line")),
      });
    },

    async begin(draft) {
      const order = { ...begun(draft, this.world.now()), version: 0 };
      if (!this.soldOut.isLikely(order.lines, this.world.now())) return order;
      const outcome = await this.ask(precheck(order));
      return outcome.kind === "refused" ? advance(order, order.process, outcome, this.moment()) : order;
    },

    async drive(order, untilMs = Number.POSITIVE_INFINITY) {
      let now = order;
      for (let ask = question(now); ask; ask = isSettled(now) ? undefined : question(now)) {
        const { process: asked } = now;
        const outcome = await this.ask(ask);
        this.soldOut.learn(outcome, this.world.now());
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
      this.going++;
      this.drive(order)
        .catch((error) => this.logger.warn(`${order.id} could not go on: ${error.message}`))
        .finally(() => this.going--);
    },

    mayRead({ id, customerId }, meta) {
      const { caller, guestToken: token } = meta;
      const isMine = caller !== undefined && customerId === caller.userId;
      const isGuests = token !== undefined && isGuestToken(this.guestSecret, id, token);
      return isMine || isGuests || isStaff(meta);
    },

    async readable(id, meta) {
      const order = found(await this.orders.get(id), "order");
      return found(this.mayRead(order, meta) ? order : undefined, "order");
    },

    async allReadable(ids, meta) {
      return (await this.orders.getMany(ids)).filter((order) => this.mayRead(order, meta));
    },

    placed(order) {
      return { ...orderView(order), guestToken: guestToken(this.guestSecret, order.id) };
    },
  },

  created() {
    this.going = 0;
    this.soldOut = new SoldOut();
  },

  /** The secret behind guests' tokens. */
  async started() {
    const make = () => ({ value: this.world.bytes(32).toString("base64url") });
    this.guestSecret = (await this.secrets.getOrMake("guest-token", make)).value;
  },
} satisfies ServiceOf<"orders", Orders>;

/** The cursor behind the nth entry is `t` and n. It is one also where there is nothing behind it yet. */
function pageOfTimeline(timeline: readonly TimelineEntry[], asked: Paging): Page<TimelineEntry> {
  const { cursor = "t0" } = asked;
  const start = Number(/^t(\d{1,6})$/.exec(cursor)?.[1] ?? Number.NaN);
  // Whoever waited behind what has not happened would miss what happens before it.
  if (!(start <= timeline.length)) throw notACursor();
  return pageOf(timeline.slice(start), asked, (_, place) => `t${start + place + 1}`);
}
