import type { Order } from "../services/orders/orders.contract.ts";
import type { Payment } from "../services/payments/payments.contract.ts";
import { isRefusal, type RefusalCode } from "../services/shared/refusal.ts";
import type { Cluster } from "./cluster.ts";

export const tokens = [
  "tok_visa",
  "tok_visa",
  "tok_declined",
  "tok_3ds",
  "tok_3ds",
  "tok_async",
  "tok_timeout",
  "tok_flaky",
  "tok_capture_fails",
  "tok_insufficient_funds",
  "tok_refund_fails",
];
/** So few that some buyers come too late. */
export const opened: Readonly<Record<string, number>> = { MUG: 16, TRAY: 9, LAMP: 4 };
const skus = Object.keys(opened);
const ORDERS = 20;
const COMING_MS = 9_000;
/** A buyer asks again after this, whether or not somebody is still at it. */
const PATIENCE_MS = 20_000;

const address = { name: "Ada", line1: "1 Quay", city: "Vigo", postalCode: "36201", country: "ES" };
const staff = { caller: { userId: "usr_00000000000000000000000000", role: "staff" } };

/** What a buyer was told, and may rely on. */
export interface Buyer {
  key: string;
  token: string;
  /** Asks for the order, once more, until there is an answer that one can rely on. */
  again: () => Promise<Answer<Order>>;
  order?: Order;
  refused?: string;
  /** Somebody was told that the order is canceled. */
  canceled?: boolean;
}

/** What staff were told. */
export interface Adjustment {
  sku: string;
  delta: number;
}

/** An answer that one can rely on. */
export type Answer<T> = { answer: T } | { refused: RefusalCode };

/** The people around the shop: they ask until they are answered, and note down what they were told. */
export class People {
  readonly buyers: Buyer[] = [];
  readonly adjustments: Adjustment[] = [];
  /** What staff have taken and paid back of a payment in all, as they were told: nothing where it was refused. */
  readonly taken = new Map<string, number>();
  readonly paidBack = new Map<string, number>();
  /** Those who will do something about their order when it has waited for an hour. */
  readonly late: (() => Promise<void>)[] = [];
  busy = 0;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** All the buyers that will come, and whoever of the staff has something to do meanwhile. */
  come(): void {
    const { chance } = this.#cluster;
    for (let n = 0; n < ORDERS; n++) this.#at(chance.next() * COMING_MS, () => this.#buy(n));
    for (let n = chance.below(3); n > 0; n--) this.#at(chance.next() * COMING_MS, () => this.#adjust(n));
  }

  comeLate(): void {
    for (const act of this.late.splice(0)) this.#at(this.#cluster.chance.next() * 2_000, act);
  }

  async openStock(): Promise<void> {
    const stock = skus.map((sku) => ({ sku, onHand: opened[sku] }));
    await this.#until("inventory.open", { stock });
  }

  #at(ms: number, act: () => Promise<void>): void {
    this.busy++;
    this.#cluster.timeline.after(ms, () => {
      act().finally(() => this.busy--);
    });
  }

  async #buy(n: number): Promise<void> {
    const { chance } = this.#cluster;
    const token = chance.pick(tokens);
    const first = chance.below(skus.length);
    const lines = Array.from({ length: 1 + chance.below(skus.length) }, (_, k) => ({
      sku: skus[(first + k) % skus.length] ?? "",
      quantity: 1 + chance.below(2),
    }));
    const asked = { email: `b${n}@example.com`, lines, shippingAddress: address, payment: { token } };
    const meta = { requestKey: `request-${n}`, bodyDigest: `body-${n}` };
    const buyer: Buyer = { key: meta.requestKey, token, again: () => this.#until("orders.place", asked, meta) };
    this.buyers.push(buyer);
    // Some press the button twice.
    if (chance.is(0.15)) this.#ask("orders.place", asked, meta).catch(() => {});
    // And some are gone before they are answered.
    if (chance.is(0.05)) {
      this.#ask("orders.place", asked, meta).catch(() => {});
      return;
    }
    const outcome = await buyer.again();
    if ("refused" in outcome) {
      buyer.refused = outcome.refused;
      return;
    }
    buyer.order = outcome.answer;
    await Promise.all([this.#confirm(buyer), this.#changeMind(buyer), this.#deal(buyer)]);
  }

  /** On the page of the bank: at once, after an hour, or never. */
  async #confirm({ token, order }: Buyer): Promise<void> {
    const { chance } = this.#cluster;
    if (token !== "tok_3ds" || !order?.payment?.nextAction) return;
    const id = order.payment.nextAction.url.split("/").at(-1);
    const confirm = async (): Promise<void> => {
      await this.#until("sandbox.confirm", { id, approve: chance.is(0.7) });
    };
    const when = chance.next();
    if (when < 0.6) {
      await this.#pause(when * 5_000);
      await confirm();
    } else if (when < 0.8) this.late.push(confirm);
  }

  async #changeMind(buyer: Buyer): Promise<void> {
    const { chance } = this.#cluster;
    const cancel = async (): Promise<void> => {
      const outcome = await this.#until<Order>("orders.cancel", { id: buyer.order?.id }, staff);
      if ("answer" in outcome && outcome.answer.status === "canceled") buyer.canceled = true;
    };
    const when = chance.next();
    if (when < 0.15) {
      await this.#pause(when * 30_000);
      await cancel();
    } else if (when < 0.2) this.late.push(cancel);
  }

  /** What staff do with the payment of an order. */
  async #deal(buyer: Buyer): Promise<void> {
    const { chance, captureLater } = this.#cluster;
    const id = buyer.order?.payment?.id;
    if (!id || !chance.is(captureLater ? 0.9 : 0.15)) return;
    await this.#pause(chance.next() * 3_000);
    const key = { ...staff, requestKey: `deal-${id}`, bodyDigest: "deal" };
    if (captureLater && chance.is(0.8)) {
      const part: { amount?: number } = chance.is(0.5) ? { amount: 1_000 } : {};
      if (chance.is(0.2)) {
        const outcome = await this.#until("payments.cancel", { id }, staff);
        if ("answer" in outcome) buyer.canceled = true;
      } else {
        const outcome = await this.#until<Payment>("payments.capture", { id, ...part }, key);
        this.taken.set(id, "answer" in outcome ? (part.amount ?? outcome.answer.captured.amount) : 0);
      }
      if (chance.is(0.6)) return;
    }
    const part: { amount?: number } = chance.is(0.5) ? { amount: 500 } : {};
    const outcome = await this.#until<Payment>(
      "payments.refund",
      { id, reason: "broken", ...part },
      { ...key, requestKey: `refund-${id}` },
    );
    if ("refused" in outcome) this.paidBack.set(id, 0);
    else if (outcome.answer.refunds.every(({ status }) => status === "succeeded"))
      this.paidBack.set(id, part.amount ?? outcome.answer.refunded.amount);
  }

  async #adjust(n: number): Promise<void> {
    const { chance } = this.#cluster;
    const [sku, delta] = [chance.pick(skus), chance.is(0.6) ? 2 : -1];
    const meta = { ...staff, requestKey: `adjustment-${n}`, bodyDigest: "adjustment" };
    const outcome = await this.#until("inventory.adjust", { sku, delta, reason: "counted" }, meta);
    if ("answer" in outcome) this.adjustments.push({ sku, delta });
  }

  #ask(name: string, params: unknown, meta: object): Promise<unknown> {
    return this.#cluster.bus.call(this.#cluster.door, name, params, { meta });
  }

  /** Until there is an answer that one can rely on. */
  async #until<T>(name: string, params: unknown, meta: object = {}): Promise<Answer<T>> {
    for (;;) {
      const outcome = await Promise.race([
        this.#ask(name, params, meta).then(
          (answer) => ({ answer: answer as T }),
          (error) => (isRefusal(error) && error.code < 500 ? { refused: error.type } : undefined),
        ),
        this.#pause(PATIENCE_MS),
      ]);
      if (outcome) return outcome;
      await this.#pause(this.#cluster.chance.between(200, 1_000));
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#cluster.timeline.after(ms, resolve));
  }
}
