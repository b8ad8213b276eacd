import { due } from "../../mixins/due.mixin.ts";
import { type Collection, collectionOptions, type Doc, isDuplicate, store } from "../../mixins/store.mixin.ts";
import { found } from "../shared/refusal.ts";
import type { Params, ServiceOf } from "../shared/typed.ts";
import { sleep, timeAt } from "../shared/world.ts";
import {
  audited,
  bankAnswers,
  behaviourOf,
  cancel,
  capture,
  chargeView,
  confirm,
  type KeptCharge,
  newCharge,
  refund,
  settledByItself,
} from "./charge.ts";
import { confirmationPage } from "./page.ts";
import { signature } from "./signature.edge.ts";

interface Secret extends Doc {
  value: string;
}

const charges = collectionOptions<KeptCharge>({
  fields: ["key", "dueAt"],
  unique: [["key"]],
  indexes: [["dueAt"]],
  isWatched: true,
  tells: (before, after) =>
    settledByItself(before, after) ? [{ type: "sandbox.settled", data: { charge: after.id, key: after.key } }] : [],
});

interface Sandbox {
  charges: Collection<KeptCharge>;
  secrets: Collection<Secret>;
  /** How often each key has stumbled so far. */
  stumbles: Map<string, number>;
  charge(asked: Params<"sandbox.authorize">): Promise<KeptCharge>;
  change(key: string, decide: (charge: KeptCharge) => KeptCharge): Promise<KeptCharge>;
  stumble(key: string, times: number): void;
  loseAnswer(): Promise<never>;
  secret(): Promise<string>;
}

/** Longer than any shop waits for an answer. */
const LOST_MS = 4_000;
const MOST_STUMBLING = 1_000;
const WEBHOOK_SECRET = "webhook";

export default {
  name: "sandbox",
  mixins: [
    due<KeptCharge, Sandbox>("charges", function (charge) {
      return this.charges.change(charge, bankAnswers);
    }),
    store({ charges, secrets: {} }),
  ],

  actions: {
    async authorize(ctx) {
      const charge = await this.charge(ctx.params);
      return behaviourOf(ctx.params.token).losesAnswer ? this.loseAnswer() : chargeView(charge);
    },

    async capture(ctx) {
      const { key, amount } = ctx.params;
      return chargeView(await this.change(key, (charge) => capture(charge, amount)));
    },

    async cancel(ctx) {
      return chargeView(await this.change(ctx.params.key, cancel));
    },

    async refund(ctx) {
      const { key, refundKey, amount } = ctx.params;
      return chargeView(await this.change(key, (charge) => refund(charge, refundKey, amount)));
    },

    async lookUp(ctx) {
      const charge = await this.charges.first({ key: ctx.params.key });
      return charge ? chargeView(charge) : null;
    },

    async webhookSecret() {
      return { secret: await this.secret() };
    },

    charges(ctx) {
      return this.charges.page(ctx.params, {}, chargeView);
    },

    audit(ctx) {
      return this.charges.walk("key", ctx.params, audited);
    },

    async page(ctx) {
      return confirmationPage(found(await this.charges.get(ctx.params.id), "charge"));
    },

    async confirm(ctx) {
      const { id, approve = true } = ctx.params;
      const charge = found(await this.charges.get(id), "charge");
      const { status } = await this.charges.change(charge, (charge) => confirm(charge, approve));
      return { id, status };
    },
  },

  hears: {
    /** Each delivery is signed anew: one that was delayed must not look like one that is played back. */
    async "sandbox.settled"({ id, data }) {
      const body = JSON.stringify({ id, type: "charge.settled", data });
      const signed = signature(body, await this.secret(), this.world.now());
      await this.broker.call("payments.webhook", { provider: "sandbox", body, signature: signed });
    },
  },

  methods: {
    async charge(asked) {
      const { key, token } = asked;
      const { stumbles = 0 } = behaviourOf(token);
      if (stumbles > 0 && !(await this.charges.first({ key }))) this.stumble(key, stumbles);
      try {
        return await this.charges.insert(newCharge(asked, this.world.id("ch"), timeAt(this.world)));
      } catch (error) {
        if (!isDuplicate(error, "key")) throw error;
        return found(await this.charges.first({ key }), "charge");
      }
    },

    async change(key, decide) {
      return this.charges.change(found(await this.charges.first({ key }), "charge"), decide);
    },

    stumble(key, times) {
      const before = this.stumbles.get(key) ?? 0;
      this.stumbles.delete(key);
      if (before >= times) return;
      const [oldest] = this.stumbles.keys();
      if (oldest && this.stumbles.size >= MOST_STUMBLING) this.stumbles.delete(oldest);
      this.stumbles.set(key, before + 1);
      throw connectionLost();
    },

    /** A node that stops is not held up by an answer that nobody will get. */
    async loseAnswer() {
      const until = this.world.now() + LOST_MS;
      while (this.world.now() < until && !this.broker.stopping) await sleep(this.world, 100);
      throw connectionLost();
    },

    async secret() {
      const make = () => ({ value: this.world.bytes(32).toString("base64url") });
      return (await this.secrets.getOrMake(WEBHOOK_SECRET, make)).value;
    },
  },

  created() {
    this.stumbles = new Map();
  },
} satisfies ServiceOf<"sandbox", Sandbox>;

const connectionLost = () => Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
