import { join } from "node:path";
import { due } from "../../mixins/due.mixin.ts";
import { type Collection, collectionOptions, store } from "../../mixins/store.mixin.ts";
import { found } from "../shared/refusal.ts";
import type { ServiceOf, Told } from "../shared/typed.ts";
import { timeAt } from "../shared/world.ts";
import { Guard } from "./address.edge.ts";
import { Courier } from "./courier.edge.ts";
import { endpointView, type KeptEndpoint, newestSecret, refuseUnlessEnabled } from "./endpoint.ts";
import { entryOf, type KeptEntry } from "./entry.ts";
import { again, hookOf, hookView, type KeptHook, paymentHappening, wholeHookView } from "./hook.ts";
import { entryOptions, Journal } from "./journal.edge.ts";
import { write } from "./letter.ts";
import {
  audited,
  behind,
  failureOf,
  type KeptMail,
  type Moment,
  mailId,
  mailView,
  type Outcome,
  queued,
  takenUp,
  tried,
} from "./mail.ts";
import type { Template } from "./notifications.contract.ts";
import { fileOffice, type PostOffice, smtpOffice } from "./office.edge.ts";
import { endpointOptions, Register } from "./register.edge.ts";
import type {
  ShopHappening,
  WebhookDelivery,
  WebhookEndpoint,
  WebhookEndpointWithSecret,
} from "./webhooks.contract.ts";

const mails = collectionOptions<KeptMail>({
  fields: ["orderId", "status", "dueAt"],
  indexes: [["dueAt"], ["orderId", "_id"]],
  isWatched: true,
});

const hooks = collectionOptions<KeptHook>({
  fields: ["endpointId", "status", "dueAt", "deliveredAt"],
  indexes: [
    ["endpointId", "dueAt"],
    ["endpointId", "_id"],
    ["endpointId", "status", "_id"],
    ["endpointId", "deliveredAt"],
    ["status"],
  ],
  isWatched: true,
});

interface Notifications {
  endpoints: Collection<KeptEndpoint>;
  hooks: Collection<KeptHook>;
  entries: Collection<KeptEntry>;
  journal: Journal;
  register: Register;
  courier: Courier;
  hook(asked: { id: string; deliveryId: string }): Promise<KeptHook>;
  view(endpoint: KeptEndpoint): Promise<WebhookEndpoint>;
  /** The same with its secret. */
  viewOnce(endpoint: KeptEndpoint): Promise<WebhookEndpointWithSecret>;
  /** Writes it down, for those who read what has happened and for the endpoints that are to be told, and lets it leave. */
  tell(fact: { id: string; at: string }, happening: ShopHappening): Promise<void>;
  mails: Collection<KeptMail>;
  office: PostOffice;
  moment(): Moment;
  /** The mails that leave at once. */
  leaving: Set<Promise<void>>;
  /** Writes the mail down, and lets it leave at once or when it is due: a slow mail server holds up no fact. */
  keep(template: Template, fact: Told<"orders.confirmed" | "orders.canceled">, atOnce: boolean): Promise<void>;
  /** One try to send a mail that nobody else is trying to send. */
  send(mail: KeptMail): Promise<void>;
  hand(mail: KeptMail): Promise<Outcome>;
}

/** How many leave at once. What is beyond that waits for the next look at what is due. */
const MOST_LEAVING = 50;

export default {
  name: "notifications",
  mixins: [
    due<KeptMail, Notifications>("mails", async function (mail) {
      const earlier = await this.mails.first({ orderId: mail.orderId, status: "queued", _id: { $lt: mail.id } });
      const decided = earlier ? behind(mail, this.moment()) : takenUp(mail, this.moment());
      const mine = await this.mails.replace(mail, decided);
      if (mine && !earlier) await this.send(mine);
    }),
    store({ mails, endpoints: endpointOptions, hooks, entries: entryOptions }),
  ],

  actions: {
    mails(ctx) {
      const { orderId, ...asked } = ctx.params;
      return this.mails.page(asked, { where: { orderId } }, mailView);
    },

    events(ctx) {
      return this.journal.page(ctx.params);
    },

    webhookEndpoints(ctx) {
      return this.register.list(ctx.params, (endpoint) => this.view(endpoint));
    },

    async webhookEndpoint(ctx) {
      return this.view(await this.register.get(ctx.params.id));
    },

    async addWebhookEndpoint(ctx) {
      return this.viewOnce(await this.register.add(ctx.params, ctx.meta.requestKey));
    },

    async changeWebhookEndpoint(ctx) {
      const { id, ifVersion, ...change } = ctx.params;
      const endpoint = await this.register.change(id, change, ifVersion);
      this.courier.wake(id);
      return this.view(endpoint);
    },

    async removeWebhookEndpoint(ctx) {
      const { id, ifVersion } = ctx.params;
      await this.register.end(id, ifVersion);
      this.courier.wake(id);
      return null;
    },

    async rotateWebhookSecret(ctx) {
      const { id, oldValidSeconds = 86_400 } = ctx.params;
      return this.viewOnce(await this.register.rotate(id, oldValidSeconds * 1_000, ctx.meta.requestKey));
    },

    async testWebhook(ctx) {
      const endpoint = await this.register.get(ctx.params.id);
      refuseUnlessEnabled(endpoint);
      const now = timeAt(this.world);
      const data = { message: "Nothing has happened. Webhooks arrive." };
      const fact = { id: this.world.id("evt"), at: now };
      const hook = await this.hooks.insert(hookOf(endpoint.id, fact, { type: "webhook.test", data }, now));
      this.courier.wake(endpoint.id);
      return hookView(hook);
    },

    async webhookDeliveries(ctx) {
      const { id, status, ...asked } = ctx.params;
      await this.register.get(id);
      return this.hooks.page(asked, { where: { endpointId: id, status } }, hookView);
    },

    async webhookDelivery(ctx) {
      return wholeHookView(await this.hook(ctx.params));
    },

    async retryWebhook(ctx) {
      const { id } = await this.hook(ctx.params);
      refuseUnlessEnabled(await this.register.get(ctx.params.id));
      const hook = await this.hooks.change(id, (hook) => again(hook, timeAt(this.world)));
      this.courier.wake(ctx.params.id);
      return hookView(hook);
    },

    async webhookBacklog() {
      const waiting = await this.hooks.count({ status: "waiting" });
      const dead = await this.hooks.count({ status: "dead" });
      const disabledEndpoints = await this.endpoints.count({ disabledReason: { $in: ["gone", "failing"] } });
      return { waiting, dead, disabledEndpoints };
    },

    audit(ctx) {
      return this.mails.walk("orderId", ctx.params, audited);
    },
  },

  hears: {
    /** No earlier letter about an order can be in the way of this one. */
    async "orders.confirmed"(fact) {
      const { order } = fact.data;
      await this.keep("order_confirmed", fact, this.leaving.size < MOST_LEAVING);
      await this.tell(fact, { type: "order.confirmed", data: { order } });
    },

    async "orders.canceled"(fact) {
      await this.keep("order_canceled", fact, false);
      await this.tell(fact, { type: "order.canceled", data: fact.data });
    },

    async "payments.moved"(fact) {
      const happening = paymentHappening(fact.data);
      if (happening) await this.tell(fact, happening);
    },
  },

  methods: {
    async hook({ id, deliveryId }) {
      await this.register.get(id);
      const hook = await this.hooks.get(deliveryId);
      return found(hook?.endpointId === id ? hook : undefined, "delivery");
    },

    async view(endpoint) {
      const of = (status: WebhookDelivery["status"]) => this.hooks.count({ endpointId: endpoint.id, status });
      const [waiting, dead] = await Promise.all([of("waiting"), of("dead")]);
      return endpointView(endpoint, { waiting, dead }, timeAt(this.world));
    },

    async viewOnce(endpoint) {
      return { ...(await this.view(endpoint)), secret: newestSecret(endpoint) };
    },

    async tell(fact, happening) {
      const hearers = await this.register.hearersOf(happening.type);
      const now = timeAt(this.world);
      await Promise.all([
        this.journal.add(entryOf(fact, happening, now)),
        ...hearers.map(({ id }) => this.hooks.insertOnce(hookOf(id, fact, happening, now))),
      ]);
      for (const { id } of hearers) this.courier.wake(id);
    },

    moment() {
      return { nowMs: this.world.now(), random: this.world.random(), leaseMs: 2 * this.office.longestMs };
    },

    async keep(template, { id, data }, atOnce) {
      const letter = write(template, data, this.shop.shopName);
      const mail = queued({ id: mailId(id), orderId: data.order.id, template, letter }, timeAt(this.world));
      const kept = await this.mails.insertOnce(atOnce ? takenUp(mail, this.moment()) : mail);
      if (!kept || !atOnce) return;
      const leaving = this.send(kept)
        .catch((error) => this.logger.warn(`What became of ${kept.id} could not be noted: ${error.message}`))
        .finally(() => this.leaving.delete(leaving));
      this.leaving.add(leaving);
    },

    async send(mail) {
      const outcome = await this.hand(mail);
      const { id, status, tries, error } = await this.mails.change(mail, (mail) => tried(mail, outcome, this.moment()));
      if (error) this.logger.warn(`${id} is ${status} after ${tries} tries: ${error}`);
    },

    async hand(mail) {
      try {
        this.logger.info(`${mail.id} (${mail.letter.subject}): ${await this.office.take(mail)}`);
        return { kind: "sent" };
      } catch (error) {
        return failureOf(error as Error);
      }
    },
  },

  created() {
    const { smtpUrl, mailFrom, dataDir } = this.shop;
    const { entries, endpoints, hooks, world, logger } = this;
    this.journal = new Journal({ entries, world, logger });
    const guard = new Guard(this.shop.webhookAllow);
    this.register = new Register({ endpoints, guard, world });
    this.courier = new Courier({ endpoints, hooks, guard, world, logger });
    this.leaving = new Set();
    this.office = smtpUrl ? smtpOffice(smtpUrl, mailFrom, this.world) : fileOffice(join(dataDir, "mail"), mailFrom);
  },

  started() {
    this.courier.start();
    this.journal.start();
  },

  async stopped() {
    this.office.close();
    await Promise.all([...this.leaving, this.courier.stop(), this.journal.stop()]);
  },
} satisfies ServiceOf<"notifications", Notifications>;
