import { due } from "../../mixins/due.mixin.ts";
import {
  type Collection,
  collectionOptions,
  isDuplicate,
  type List,
  type New,
  store,
} from "../../mixins/store.mixin.ts";
import { isStaff } from "../shared/identity.ts";
import { found, isRefusal, Refusal } from "../shared/refusal.ts";
import type { Ctx, Params, Self, ServiceOf } from "../shared/typed.ts";
import { sleep, timeAt } from "../shared/world.ts";
import { digest } from "./digest.edge.ts";
import { auditedInvoice, draftOf, invoiceView, type KeptInvoice } from "./invoice.ts";
import { allGaps, type Gap, Invoicing, newestFirst } from "./invoicing.edge.ts";
import { auditedEntry } from "./ledger.ts";
import {
  type Ask,
  audited,
  begin,
  cancel,
  capture,
  captureAll,
  changedFact,
  decidedOnce,
  hurried,
  type KeptPayment,
  learn,
  type Moment,
  movedFact,
  neverBegan,
  neverToBegin,
  nextAsk,
  paymentView,
  refund,
  refundable,
  refusalOf,
  refused,
  reverse,
  takenUp,
} from "./payment.ts";
import type { LedgerEntry, Payment } from "./payments.contract.ts";
import { type Charge, isNo, type Provider } from "./provider.ts";
import { sandboxProvider } from "./sandbox.edge.ts";

type KeptEntry = LedgerEntry & { version: number };

const payments = collectionOptions<KeptPayment>({
  fields: ["orderId", "dueAt"],
  unique: [["orderId"]],
  indexes: [["dueAt"]],
  isWatched: true,
  tells(before, after) {
    const [changed, moved] = [changedFact(before, after), movedFact(before, after)];
    return [
      ...(changed ? [{ type: "payments.changed" as const, data: changed }] : []),
      ...(moved ? [{ type: "payments.moved" as const, data: moved }] : []),
    ];
  },
});
const ledger = collectionOptions<KeptEntry>({ fields: ["orderId"], indexes: [["orderId", "_id"]] });
const invoices = collectionOptions<KeptInvoice>({
  fields: ["orderId", "sequence"],
  numbers: ["sequence"],
  unique: [["sequence"], ["orderId"]],
});

interface Payments {
  payments: Collection<KeptPayment>;
  ledger: Collection<KeptEntry>;
  invoices: Collection<KeptInvoice>;
  gaps: Collection<Gap>;
  invoicing: Invoicing;
  providers: ReadonlyMap<string, Provider>;
  /** The payments that are being settled in this process, so that each is settled by one caller at a time. */
  lanes: Map<string, Promise<unknown>>;
  moment(): Moment;
  /** The order's payment, begun now unless there is one. */
  begun(asked: Params<"payments.authorize">): Promise<KeptPayment>;
  /** The order's payment, or one that takes its place for good. */
  begunOrNever(asked: Params<"payments.reverse">): Promise<KeptPayment>;
  /** Of several that begin at once, one is kept. */
  insertOnce(payment: New<KeptPayment>): Promise<KeptPayment>;
  /** Asks the provider until nothing is left to ask, or time is up. */
  settle(payment: KeptPayment, budgetMs?: number): Promise<KeptPayment>;
  drive(payment: KeptPayment, untilMs: number): Promise<KeptPayment>;
  ask(payment: KeptPayment, ask: Ask): Promise<KeptPayment>;
  look(payment: KeptPayment): Promise<KeptPayment>;
  learn(payment: KeptPayment, news: Charge | null): Promise<KeptPayment>;
  /** The payment as it is now. */
  present(id: string): Promise<KeptPayment>;
  /** Takes a payment up that was left half-way. */
  reconcile(payment: KeptPayment): Promise<void>;
  providerOf(payment: KeptPayment): Provider;
  /** Puts into journal and invoices what the payment says of itself. */
  record(payment: KeptPayment): Promise<void>;
  issueInvoice(payment: KeptPayment): Promise<void>;
  answer(payment: KeptPayment): Promise<Payment>;
  /** What finds the one record of each of these orders, as far as whoever asks may read them. */
  readableOf(ctx: Ctx<{ orderIds: string[] }>): Promise<List & { limit: number }>;
  /** Whoever may read the order may read what was paid for it. */
  mayRead(ctx: Ctx, orderId: string): Promise<boolean>;
}

/** Together with a last question and a look, each with the provider's time-out, it ends before the caller's. */
const BUDGET_MS = 5_000;
const FIRST_PAUSE_MS = 100;

export default {
  name: "payments",
  mixins: [
    due<KeptPayment, Payments & Self>("payments", async function (payment) {
      const mine = await this.payments.replace(payment, takenUp(payment, timeAt(this.world), this.world.random()));
      if (mine) await this.reconcile(mine);
    }),
    store({ payments, ledger, invoices, gaps: {} }),
  ],

  actions: {
    async authorize(ctx) {
      const payment = await this.begun(ctx.params);
      return paymentView(await this.settle(payment));
    },

    async captureOrder(ctx) {
      const payment = found(await this.payments.first({ orderId: ctx.params.orderId }), "payment");
      const wanted = await this.payments.change(payment, (payment) => captureAll(payment, this.moment()));
      return this.answer(refuseWhile("capture", await this.settle(wanted)));
    },

    async reverse(ctx) {
      const payment = await this.begunOrNever(ctx.params);
      if (neverBegan(payment)) return null;
      const { reason } = ctx.params;
      const wanted = await this.payments.change(payment, (payment) => reverse(payment, reason, this.moment()));
      const reversed = refuseWhile(undefined, await this.settle(wanted));
      if (refundable(reversed) > 0) throw new Refusal("payment_failed", "The provider has refused the refund.");
      return this.answer(reversed);
    },

    async get(ctx) {
      const payment = await this.payments.get(ctx.params.id);
      const readable = payment && !neverBegan(payment) && (await this.mayRead(ctx, payment.orderId));
      return paymentView(found(readable ? payment : undefined, "payment"));
    },

    async capture(ctx) {
      const { id, amount } = ctx.params;
      const { requestKey: heard } = ctx.meta;
      const take = (payment: KeptPayment) => capture(payment, amount, this.moment());
      const once = (payment: KeptPayment) => decidedOnce(payment, heard, take);
      const wanted = unlessRefused(await this.payments.change(id, once, heard ? { heard } : {}), heard);
      const payment = refuseWhile("capture", await this.settle(wanted));
      if (payment.failure) throw new Refusal("payment_failed", payment.failure);
      return this.answer(payment);
    },

    async cancel(ctx) {
      const wanted = await this.payments.change(ctx.params.id, (payment) => cancel(payment, this.moment()));
      return this.answer(refuseWhile(undefined, await this.settle(wanted)));
    },

    async refund(ctx) {
      const { id, amount, reason } = ctx.params;
      const { requestKey } = ctx.meta;
      const refundId = requestKey ? `ref_${digest(`${id} ${requestKey}`).slice(0, 32)}` : this.world.id("ref");
      const give = (payment: KeptPayment) => refund(payment, { id: refundId, amount, reason }, this.moment());
      const once = (payment: KeptPayment) => decidedOnce(payment, requestKey, give);
      const wanted = unlessRefused(await this.payments.change(id, once), requestKey);
      const payment = await this.answer(await this.settle(wanted));
      if (payment.refunds.some((one) => one.id === refundId && one.status === "failed"))
        throw new Refusal("payment_failed", "The provider has refused the refund.");
      return payment;
    },

    ledger(ctx) {
      const { orderId, ...asked } = ctx.params;
      return this.ledger.page(asked, { where: { orderId } }, ({ version, ...entry }) => entry);
    },

    invoices(ctx) {
      return this.invoices.page(ctx.params, newestFirst, invoiceView);
    },

    async invoice(ctx) {
      const { orderId } = ctx.params;
      const readable = await this.mayRead(ctx, orderId);
      return invoiceView(found(readable ? await this.invoices.first({ orderId }) : undefined, "invoice"));
    },

    async ofOrders(ctx) {
      const payments = await this.payments.find(await this.readableOf(ctx));
      return payments.data.filter((payment) => !neverBegan(payment)).map(paymentView);
    },

    async invoicesOfOrders(ctx) {
      const invoices = await this.invoices.find(await this.readableOf(ctx));
      return invoices.data.map(invoiceView);
    },

    async webhook(ctx) {
      const { provider: name, body, signature } = ctx.params;
      const provider = found(this.providers.get(name), "payment provider");
      const key = await provider.readWebhook(body, signature, this.world.now());
      const payment = key === null ? undefined : await this.payments.get(key);
      if (payment?.provider !== name) return { received: false };
      const due = await this.payments.change(payment, (payment) => hurried(payment, timeAt(this.world)));
      await this.reconcile(due).catch((error) => this.logger.warn(`News of ${due.id} has to wait: ${error.message}`));
      return { received: true };
    },

    audit(ctx) {
      const { by = "orderId", ...asked } = ctx.params;
      return this.payments.walk(by, asked, audited);
    },

    auditLedger(ctx) {
      return this.ledger.walk("orderId", ctx.params, auditedEntry);
    },

    auditInvoices(ctx) {
      return this.invoices.walk("orderId", ctx.params, ({ version, ...invoice }) => auditedInvoice(invoice, digest));
    },

    auditNumbers(ctx) {
      return this.invoices.walk("sequence", ctx.params, ({ id, number, sequence }) => ({ id, number, sequence }));
    },

    async auditGaps() {
      return (await allGaps(this.gaps)).map(({ from, to }) => ({ from, to }));
    },

    auditCharges(ctx) {
      return found(this.providers.get(this.shop.paymentProvider), "payment provider").record(ctx.params);
    },

    async mend(ctx) {
      const due = await this.payments.change(ctx.params.id, (payment) => hurried(payment, timeAt(this.world)));
      await this.reconcile(due);
      await this.record(await this.present(ctx.params.id));
      return null;
    },
  },

  hears: {
    /** Whoever changed the payment has done so already, unless he died in between. */
    async "payments.changed"({ data }) {
      await this.record(await this.present(data.paymentId));
    },
  },

  methods: {
    moment() {
      return { now: timeAt(this.world), id: (prefix) => this.world.id(prefix) };
    },

    async begun(asked) {
      const payment = await this.insertOnce(begin(asked, this.shop.paymentProvider, this.moment()));
      if (neverBegan(payment)) throw new Refusal("invalid_state", "The payment of this order was given up.");
      return payment;
    },

    async begunOrNever({ orderId, reason }) {
      const { paymentProvider, currency } = this.shop;
      return (
        (await this.payments.first({ orderId })) ??
        this.insertOnce(neverToBegin(orderId, reason, paymentProvider, currency, this.moment()))
      );
    },

    async insertOnce(payment) {
      try {
        return await this.payments.insert(payment);
      } catch (error) {
        if (!isDuplicate(error, "orderId")) throw error;
        return found(await this.payments.first({ orderId: payment.orderId }), "payment");
      }
    },

    /** Whoever has to wait for another one begins with what that one leaves behind. */
    settle(payment, budgetMs = BUDGET_MS) {
      const { id } = payment;
      const untilMs = this.world.now() + budgetMs;
      const before = this.lanes.get(id);
      const now = before?.then(() => this.present(id)) ?? Promise.resolve(payment);
      const settled = now.then((payment) => this.drive(payment, untilMs));
      const lane = settled
        .catch(() => {})
        .then(() => {
          if (this.lanes.get(id) === lane) this.lanes.delete(id);
        });
      this.lanes.set(id, lane);
      return settled;
    },

    async drive(payment, untilMs) {
      let now = payment;
      for (let ask = nextAsk(now), misses = 0; ask; ask = nextAsk(now)) {
        const { version } = now;
        now = await this.ask(now, ask);
        if (now.version !== version) continue;
        const pauseMs = FIRST_PAUSE_MS * 2 ** misses++;
        if (this.world.now() + pauseMs >= untilMs) break;
        await sleep(this.world, pauseMs);
        now = await this.present(now.id);
      }
      return now;
    },

    async ask(payment, ask) {
      let no: string | undefined;
      try {
        return await this.learn(payment, await put(ask, this.providerOf(payment), payment));
      } catch (error) {
        if (isNo(error)) no = error.message;
        else this.logger.warn(`What came of ${ask.what} for ${payment.id} is not known: ${(error as Error).message}`);
      }
      const known = await this.look(payment).catch(() => payment);
      if (no === undefined) return known;
      const why = no;
      return this.payments.change(known, (payment) => refused(payment, ask, why, this.moment()));
    },

    async look(payment) {
      return this.learn(payment, await this.providerOf(payment).lookUp({ key: payment.id }));
    },

    learn(payment, news) {
      return this.payments.change(payment, (payment) => learn(payment, news, this.moment()));
    },

    async present(id) {
      return found(await this.payments.get(id), "payment");
    },

    async reconcile(payment) {
      await this.settle(await this.look(payment), 0);
    },

    providerOf({ provider }) {
      return found(this.providers.get(provider), "payment provider");
    },

    /** What comes first is most likely new, and written without a look whether it is there. */
    async record(payment) {
      const { entries } = payment;
      const known = entries.length > 1 ? await this.ledger.getMany(entries.map(({ id }) => id)) : [];
      const missing = entries.filter(({ id }) => !known.some((entry) => entry.id === id));
      const entered = missing.map((entry) => this.ledger.insertOnce(entry));
      await Promise.all([...entered, this.issueInvoice(payment)]);
    },

    async issueInvoice(payment) {
      const { orderId, entries } = payment;
      const draft = draftOf(payment);
      if (!draft) return;
      const known = entries.length > 1 ? await this.invoices.first({ orderId }) : undefined;
      const invoice = known ?? (await this.invoicing.issue(draft));
      if (invoice.status === "issued" && draft.status === "paid")
        await this.invoices.change(invoice, (invoice) => ({ ...invoice, status: "paid" }));
    },

    async answer(payment) {
      await this.record(payment);
      return paymentView(payment);
    },

    async readableOf(ctx) {
      const ids = await ctx.call("orders.readable", { ids: ctx.params.orderIds });
      return { where: { orderId: { $in: ids } }, sort: "orderId", limit: Math.max(1, ids.length) };
    },

    async mayRead(ctx, orderId) {
      if (isStaff(ctx.meta)) return true;
      return ctx.call("orders.mayRead", { id: orderId }).catch((error) => {
        if (isRefusal(error, "not_found")) return false;
        throw error;
      });
    },
  },

  created() {
    this.providers = new Map([["sandbox", sandboxProvider(this.broker)]]);
    this.invoicing = new Invoicing(this.invoices, this.gaps, this.world);
    this.lanes = new Map();
  },
} satisfies ServiceOf<"payments", Payments>;

function put(ask: Ask, provider: Provider, payment: KeptPayment): Promise<Charge | null> {
  const { id: key, orderId, token, amount, bill } = payment;
  switch (ask.what) {
    case "authorize":
      return provider.authorize({
        key,
        token: token ?? "",
        amount,
        about: bill ? { orderId, email: bill.email } : undefined,
      });
    case "capture":
      return provider.capture({ key, total: ask.total });
    case "cancel":
      return provider.cancel({ key });
    case "refund":
      return provider.refund({ key, refundKey: ask.refundKey, amount: ask.amount });
    case "look":
      return provider.lookUp({ key });
  }
}

function unlessRefused(payment: KeptPayment, requestKey: string | undefined): KeptPayment {
  const refusal = refusalOf(payment, requestKey);
  if (refusal) throw refusal;
  return payment;
}

/** The caller is not told that something is done while the provider has not said so. */
function refuseWhile(what: Ask["what"] | undefined, payment: KeptPayment): KeptPayment {
  const ask = nextAsk(payment);
  if (ask && (what === undefined || ask.what === what))
    throw new Refusal("unavailable", "The provider has not answered yet and will be asked again.", {
      retryAfterSeconds: 5,
    });
  return payment;
}
