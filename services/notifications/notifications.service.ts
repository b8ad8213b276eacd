import { join } from "node:path";
import { due } from "../../mixins/due.mixin.ts";
import { type Collection, collectionOptions, store } from "../../mixins/store.mixin.ts";
import type { ServiceOf, Told } from "../shared/typed.ts";
import { timeAt } from "../shared/world.ts";
import { write } from "./letter.ts";
import {
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

const mails = collectionOptions<KeptMail>({
  fields: ["orderId", "status", "dueAt"],
  indexes: [["dueAt"], ["orderId", "_id"]],
});

interface Notifications {
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
    store({ mails }),
  ],

  actions: {
    async mails(ctx) {
      const { orderId, limit = 20, cursor } = ctx.params;
      const page = await this.mails.find({ where: orderId ? { orderId } : {}, sort: "-_id", limit, cursor });
      return { ...page, data: page.data.map(mailView) };
    },
  },

  hears: {
    /** No earlier letter about an order can be in the way of this one. */
    "orders.confirmed"(fact) {
      return this.keep("order_confirmed", fact, this.leaving.size < MOST_LEAVING);
    },

    "orders.canceled"(fact) {
      return this.keep("order_canceled", fact, false);
    },
  },

  methods: {
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
    this.leaving = new Set();
    this.office = smtpUrl ? smtpOffice(smtpUrl, mailFrom, this.world) : fileOffice(join(dataDir, "mail"), mailFrom);
  },

  async stopped() {
    this.office.close();
    await Promise.all(this.leaving);
  },
} satisfies ServiceOf<"notifications", Notifications>;
