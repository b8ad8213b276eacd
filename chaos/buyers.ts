import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { address, type Client, type Reply } from "../test/client.ts";
import { chanceOf } from "./chance.ts";
import { type Intention, intentionOf, REFUND } from "./intentions.ts";
import type { Purchase, Told } from "./notes.ts";
import { approvalOf } from "./recording.ts";
import { Stubborn } from "./stubborn.ts";

interface Shop {
  urls(): readonly string[];
  /** Staff, for what only they may do. */
  staff(): Promise<Client>;
}

export interface Crowd {
  seed: number;
  /** Orders a second, if each is answered at once. */
  pace: number;
  /** Where each word that is said to a buyer is written down at once. */
  notes: string;
}

const MOST_BUYERS = 24;
const LONGEST_FOLLOWING_MS = 120_000;
const LOOK_MS = 250;

/**
 * People who buy, repeat, cancel and want their money back, and note what they are told. Whoever is not served asks
 * again with the same key, as clients should, until somebody tells him something.
 */
export class Buyers {
  readonly purchases: Purchase[] = [];
  readonly #shop: Shop;
  readonly #crowd: Crowd;
  readonly #ask: Stubborn;
  #people: Promise<void>[] = [];
  #isOver = false;
  /** How many purchases are not told yet. */
  underWay = 0;

  constructor(shop: Shop, crowd: Crowd) {
    this.#shop = shop;
    this.#crowd = crowd;
    this.#ask = new Stubborn(() => shop.urls());
  }

  get notServed(): Readonly<Record<string, number>> {
    return this.#ask.notServed;
  }

  /** When a purchase was last answered at its first asking. */
  get servedAtMs(): number {
    return this.#ask.servedAtMs;
  }

  come(): void {
    const count = Math.max(2, Math.min(MOST_BUYERS, Math.ceil(this.#crowd.pace * 2)));
    this.#people = Array.from({ length: count }, (_, buyer) => this.#live(buyer, count));
  }

  /** Whoever has not been told by now never will be. */
  giveUp(): void {
    this.#ask.giveUp();
  }

  /** They begin nothing new, and stay until they have been told. */
  async goHome(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#people);
  }

  async #live(buyer: number, count: number): Promise<void> {
    const everyMs = (1_000 * count) / this.#crowd.pace;
    await pause(chanceOf(this.#crowd.seed, "arrival", buyer)() * everyMs);
    for (let n = 0; !this.#isOver; n++) {
      const since = performance.now();
      await this.#buy(intentionOf(this.#crowd.seed, buyer, n));
      const leftMs = since + everyMs - performance.now();
      if (leftMs > 0 && !this.#isOver) await pause(leftMs);
    }
  }

  async #buy(intention: Intention): Promise<void> {
    const purchase: Purchase = { intention, told: [] };
    this.purchases.push(purchase);
    this.underWay++;
    await this.#all(purchase).catch((error: Error) => {
      purchase.failed = error.message;
    });
    this.underWay--;
  }

  async #all(purchase: Purchase): Promise<void> {
    const { intention } = purchase;
    const place = () => this.#place(intention);
    const reply = this.#note(purchase, "place", await place());
    if (reply.status === 201 || reply.status === 202) {
      purchase.guestToken = reply.body.guestToken;
      purchase.orderId = reply.body.id;
      await this.#follow(purchase, reply.body);
    }
    if (intention.deed === "repeat" || reply.status >= 400) this.#note(purchase, "repeat", await place());
    if (purchase.status === "confirmed") await this.#change(purchase);
  }

  #place({ key, email, lines, token }: Intention): Promise<Reply> {
    const order = { email, lines, shippingAddress: address, payment: { token } };
    return this.#ask.send("POST", "/v1/orders", order, { "idempotency-key": key });
  }

  /** Until it is known how it ended, and the buyer has done what there is to do. */
  async #follow(purchase: Purchase, first: Reply["body"]): Promise<void> {
    const { orderId, guestToken = "" } = purchase;
    let order = first;
    for (const until = performance.now() + LONGEST_FOLLOWING_MS; performance.now() < until; await pause(LOOK_MS)) {
      purchase.status = order.status;
      if (order.status === "requires_action") await this.#approve(purchase, order.payment?.nextAction?.url);
      if (order.status !== "pending" && order.status !== "requires_action") return;
      const reply = await this.#ask.send("GET", `/v1/orders/${orderId}`, undefined, { "x-guest-token": guestToken });
      this.#note(purchase, "look", reply, order.status);
      if (reply.status === 200) order = reply.body;
    }
  }

  async #approve({ intention }: Purchase, page: string | undefined): Promise<void> {
    const approval = approvalOf(page);
    if (approval) await this.#ask.send("POST", approval, { approve: intention.approves });
  }

  async #change(purchase: Purchase): Promise<void> {
    const { intention, orderId, guestToken = "" } = purchase;
    const key = { "idempotency-key": `${intention.key}-${intention.deed}` };
    if (intention.deed === "cancel") {
      const path = `/v1/orders/${orderId}/cancel`;
      const reply = await this.#ask.send("POST", path, {}, { ...key, "x-guest-token": guestToken });
      this.#note(purchase, "cancel", reply);
    }
    if (intention.deed === "refund") {
      const staff = () => this.#shop.staff();
      const { body: order } = await this.#ask.send("GET", `/v1/orders/${orderId}`, undefined, {}, staff);
      const refund = { amount: REFUND, reason: "a scratch" };
      const path = `/v1/admin/payments/${order.payment.id}/refunds`;
      this.#note(purchase, "refund", await this.#ask.send("POST", path, refund, key, staff));
    }
  }

  #note(purchase: Purchase, what: Told["what"], reply: Reply, before?: string): Reply {
    const { status, text, body } = reply;
    const isNews = what !== "look" || body?.status !== before;
    if (!isNews) return reply;
    const told: Told = {
      at: new Date().toISOString(),
      what,
      status,
      text: what === "look" ? String(body?.status) : text,
    };
    purchase.told.push(told);
    appendFileSync(this.#crowd.notes, `${JSON.stringify({ key: purchase.intention.key, ...told })}\n`);
    return reply;
  }
}
