import { once } from "node:events";
import { anOrder, Client, type Reply, stockMugs } from "./client.ts";

const tokens = [...Array<string>(8).fill("tok_visa"), "tok_declined", "tok_flaky"];
const PAUSE_MS = 40;
const LONGEST_ANSWER_MS = 20_000;
const LOOK_MS = 25;
const CALM_MS = 100_000;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A request that nobody has answered, or only with a failure. */
export interface Failure {
  what: string;
  why: string;
}

interface Doors {
  urls(): string[];
  skus: readonly string[];
  /** Somebody who looks around and stays signed in. */
  session: { refreshToken: string };
}

/**
 * People in a shop, until they are sent home. Like a load balancer they go to doors that say they are ready, and like
 * buyers they ask again, with the same key, until they know what became of their order.
 */
export class Buyers {
  readonly #doors: Doors;
  readonly #ready = new Set<string>();
  /** Doors that have not said the last time how they are. */
  readonly #silent = new Set<string>();
  /** The purchase that was confirmed last, as it was asked for and answered. */
  #last: { order: object; key: string; text: string } | undefined;
  readonly #people: Promise<void>[] = [];
  #isOver = false;
  #turn = 0;
  /** What was promised: orders by id. */
  readonly confirmed = new Set<string>();
  readonly failures: Failure[] = [];
  /** What was answered, but is no answer to what people ask here. */
  readonly unexpected: Failure[] = [];
  /** Purchases that were answered, since the last failure. */
  inARow = 0;
  answered = 0;

  constructor(doors: Doors) {
    this.#doors = doors;
  }

  /** Six people in a shop whose goods are these now, units by SKU. */
  static async of(shop: { urls: string[] }, admin: Client, goods: Readonly<Record<string, number>>): Promise<Buyers> {
    for (const [sku, units] of Object.entries(goods)) await stockMugs(admin, units, sku);
    const account = { email: "stroller@example.com", password: "seven salty sardines" };
    const { body: session } = await admin.post("/v1/auth/register", account);
    const buyers = new Buyers({ urls: () => shop.urls, skus: Object.keys(goods), session });
    await buyers.come(6);
    return buyers;
  }

  async come(count: number): Promise<void> {
    await this.#look();
    this.#people.push(this.#lookAgain(), this.#stroll());
    for (let n = 0; n < count; n++) this.#people.push(this.#shop());
  }

  async goHome(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#people);
  }

  /** Until so many purchases in a row were answered at once. @throws where that does not come. */
  async untilCalm(purchases: number, patienceMs = CALM_MS): Promise<void> {
    this.inARow = 0;
    const until = performance.now() + patienceMs;
    for (; this.inARow < purchases && !this.#isOver; await pause(LOOK_MS))
      if (performance.now() > until)
        throw new Error(`Not ${purchases} purchases in a row: ${JSON.stringify(this.failures.slice(-5))}`);
  }

  /** Until more than so many requests have failed since there were `before`. @throws where they do not. */
  async untilSomeFail(before: number, more: number): Promise<void> {
    const until = performance.now() + CALM_MS;
    for (; this.failures.length <= before + more; await pause(LOOK_MS))
      if (performance.now() > until) throw new Error(`Not ${more} requests have failed`);
  }

  #door(): string | undefined {
    const ready = [...this.#ready];
    return ready[this.#turn++ % Math.max(1, ready.length)];
  }

  async #lookAgain(): Promise<void> {
    for (; !this.#isOver; await pause(LOOK_MS)) await this.#look();
  }

  async #look(): Promise<void> {
    const urls = this.#doors.urls();
    for (const url of this.#ready) if (!urls.includes(url)) this.#ready.delete(url);
    const look = async (url: string) => {
      const health = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
      await health?.arrayBuffer().catch(() => undefined);
      // Whoever says no is believed at once, and silence the second time.
      if (health?.status === 200) this.#ready.add(url);
      else if (health || this.#silent.has(url)) this.#ready.delete(url);
      if (health) this.#silent.delete(url);
      else this.#silent.add(url);
    };
    await Promise.all(urls.map(look));
  }

  /** What is answered, however; undefined for what is not. */
  async #ask(method: string, path: string, headers: Record<string, string> = {}, body?: unknown) {
    const door = this.#door();
    if (!door) {
      this.#failed(`${method} ${path}`, "no door is open");
      return undefined;
    }
    const answer = new Client(door).send(method, path, body, headers);
    const tooLate = once(AbortSignal.timeout(LONGEST_ANSWER_MS), "abort").then(() => {
      throw new Error("no answer in 20 s");
    });
    try {
      const reply = await Promise.race([answer, tooLate]);
      if (reply.status < 500) return reply;
      this.#failed(`${method} ${path}`, `${reply.status} ${reply.text}`);
    } catch (error) {
      const { message, cause } = error as Error & { cause?: Error & { code?: string } };
      this.#failed(`${method} ${path} at ${door}`, cause?.code ?? message);
    }
    return undefined;
  }

  #failed(what: string, why: string): void {
    this.failures.push({ what, why });
    this.inARow = 0;
  }

  async #shop(): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      const [sku, token] = [pick(this.#doors.skus), pick(tokens)];
      const order = anOrder(token, 1, sku, `buyer${n}@example.com`);
      await this.#insist(order, crypto.randomUUID());
      await pause(PAUSE_MS);
    }
  }

  /** Asks once more for the purchase that was confirmed last, and expects the same answer. */
  async repeat(): Promise<void> {
    if (!this.#last) return;
    const { order, key, text } = this.#last;
    const reply = await this.#ask("POST", "/v1/orders", { "idempotency-key": key }, order);
    if (reply && reply.text !== text) this.#wonderAt("the same purchase again", reply);
  }

  #wonderAt(what: string, { status, text }: Reply): void {
    this.unexpected.push({ what, why: `${status} ${text}` });
  }

  async #insist(order: object, key: string): Promise<void> {
    while (!this.#isOver) {
      const reply = await this.#ask("POST", "/v1/orders", { "idempotency-key": key }, order);
      if (reply && !asUsual(reply)) this.#wonderAt("POST /v1/orders", reply);
      if (reply?.status === 201) {
        this.confirmed.add(reply.body.id);
        this.#last = { order, key, text: reply.text };
      }
      if (reply?.status === 202) await this.#follow(reply.body);
      // Whatever is asked for a second time at once is to be asked for again; all else is an answer.
      if (reply && reply.body.code !== "request_in_progress") break;
      await pause(100);
    }
    this.answered++;
    this.inARow++;
  }

  /** The outcome was not known in time: a repeat would be told the same, but the order can be looked at. */
  async #follow({ id, guestToken }: { id: string; guestToken: string }): Promise<void> {
    while (!this.#isOver) {
      const order = await this.#ask("GET", `/v1/orders/${id}`, { "x-guest-token": guestToken });
      if (order && order.status !== 200) this.#wonderAt(`GET /v1/orders/${id}`, order);
      if (order?.body.status === "confirmed") this.confirmed.add(id);
      if (order && order.body.status !== "pending") break;
      await pause(100);
    }
  }

  /** Reads, and goes on being signed in. */
  async #stroll(): Promise<void> {
    let { refreshToken } = this.#doors.session;
    for (; !this.#isOver; await pause(PAUSE_MS)) {
      const products = await this.#ask("GET", "/v1/products?limit=5");
      if (products && products.status !== 200) this.#wonderAt("GET /v1/products", products);
      const session = await this.#ask("POST", "/v1/auth/refresh", {}, { refreshToken });
      if (session && session.status !== 200) this.#wonderAt("POST /v1/auth/refresh", session);
      refreshToken = session?.body.refreshToken ?? refreshToken;
    }
  }
}

/** It came off, or is under way, or the card was declined. */
const asUsual = ({ status, body }: Reply): boolean =>
  [201, 202, 402].includes(status) || body.code === "request_in_progress";
const pick = <T>(all: readonly T[]): T => all[Math.floor(Math.random() * all.length)] as T;
