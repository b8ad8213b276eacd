import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { address, Client } from "../test/client.ts";
import { disagreementsSeenBy } from "./books.ts";
import { admin, Rig, type RigOptions } from "./rig.ts";
import { stock } from "./stock.ts";

export interface Sale {
  buyers: number;
  units: number;
  /** How many stand at the doors at once. */
  atOnce: number;
}

/** What became of a sale. */
export interface Sold {
  confirmed: number;
  soldOut: number;
  /** Whoever was told anything else at last, and what. */
  others: Record<string, number>;
  /** What came instead of an answer, and was followed by another try with the same key. */
  notServed: Record<string, number>;
  /** How many had been told that they have one when a node that sells them was killed. */
  confirmedAtKill: number;
  killed: string;
  tookMs: number;
  wrong: string[];
}

const SKU = "FLASH";
const LONGEST_ANSWER_MS = 30_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const LONGEST_TIDY_MS = 60_000;
const LOOK_MS = 500;

interface Answer {
  status: number;
  text: string;
}

/** Many want the few that there are, and one of the two nodes that sell them is killed in the middle. */
export async function flashSale(options: RigOptions, sale: Sale): Promise<Sold> {
  const rig = await Rig.open({
    ...options,
    nodes: 1,
    scale: { gateway: 2, inventory: 2, orders: 2, payments: 2, ...options.scale },
  });
  try {
    return await new Rush(rig, sale).run();
  } finally {
    await rig.close();
  }
}

class Rush {
  readonly #rig: Rig;
  readonly #sale: Sale;
  readonly #agent: Agent;
  readonly #confirmed = new Set<string>();
  #soldOut = 0;
  #turn = 0;
  #killed: Promise<{ name: string; confirmed: number }> | undefined;
  readonly #others: Record<string, number> = {};
  readonly #notServed: Record<string, number> = {};

  constructor(rig: Rig, sale: Sale) {
    this.#rig = rig;
    this.#sale = sale;
    this.#agent = new Agent({ keepAlive: true, maxSockets: sale.atOnce });
  }

  async run(): Promise<Sold> {
    const { buyers, units, atOnce } = this.#sale;
    await stock(await this.#staff(), { [SKU]: units });
    await Promise.all(this.#rig.nodesOf("inventory").map((name) => this.#rig.tell(name, "record", null)));
    const since = performance.now();
    let next = 0;
    const queue = async () => {
      while (next < buyers) await this.#buy(next++);
    };
    await Promise.all(Array.from({ length: atOnce }, queue));
    const tookMs = performance.now() - since;
    this.#agent.destroy();
    const { name = "nobody", confirmed = 0 } = (await this.#killed) ?? {};
    return {
      confirmed: this.#confirmed.size,
      soldOut: this.#soldOut,
      others: this.#others,
      notServed: this.#notServed,
      confirmedAtKill: confirmed,
      killed: name,
      tookMs,
      wrong: await this.#compared(),
    };
  }

  async #buy(n: number): Promise<void> {
    const order = {
      email: `flash-${n}@example.com`,
      lines: [{ sku: SKU, quantity: 1 }],
      shippingAddress: address,
      payment: { token: "tok_visa" },
    };
    const { status, text } = await this.#insist("POST", "/v1/orders", JSON.stringify(order), {
      "idempotency-key": `flash-${n}`,
    });
    const body = JSON.parse(text);
    if (status === 201) this.#isConfirmed(body.id);
    else if (status === 202) await this.#follow(body);
    else if (status === 409 && body.code === "insufficient_stock") this.#soldOut++;
    else this.#other(`${status} ${body.code}`);
  }

  #isConfirmed(id: string): void {
    this.#confirmed.add(id);
    if (this.#confirmed.size >= this.#sale.units / 3) this.#killed ??= this.#kill();
  }

  async #follow({ id, guestToken }: { id: string; guestToken: string }): Promise<void> {
    for (;;) {
      const { text } = await this.#insist("GET", `/v1/orders/${id}`, undefined, { "x-guest-token": guestToken });
      const { status, cancelReason } = JSON.parse(text);
      if (status === "confirmed") return this.#isConfirmed(id);
      if (status === "canceled" && /stock|left|enough/i.test(cancelReason ?? "")) return void this.#soldOut++;
      if (status !== "pending") return this.#other(`${status}: ${cancelReason}`);
      await pause(LOOK_MS);
    }
  }

  #other(what: string): void {
    this.#others[what] = (this.#others[what] ?? 0) + 1;
  }

  /** The node that has more to do with these goods: calls for one SKU go to one node. */
  async #kill(): Promise<{ name: string; confirmed: number }> {
    const confirmed = this.#confirmed.size;
    const work = await Promise.all(
      this.#rig.nodesOf("inventory").map(async (name) => {
        const passed = (await this.#rig.tell(name, "passed", null))?.answer as string[] | undefined;
        return { name, passed: passed?.length ?? 0 };
      }),
    );
    const { name = "" } = work.toSorted((a, b) => b.passed - a.passed)[0] ?? {};
    await this.#rig.process(name).kill();
    return { name, confirmed };
  }

  /** Asks until something is told that is meant to last. */
  async #insist(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answer> {
    for (let tries = 0; ; tries++) {
      const answer = await this.#ask(method, path, body, headers);
      const isTold = typeof answer !== "string" && answer.status < 500 && answer.status !== 429;
      if (isTold && !answer.text.includes('"request_in_progress"')) return answer;
      const why = typeof answer === "string" ? answer : String(answer.status);
      this.#notServed[why] = (this.#notServed[why] ?? 0) + 1;
      await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries) * (0.5 + Math.random()));
    }
  }

  #ask(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answer | string> {
    const urls = this.#rig.urls;
    const { hostname, port } = new URL(urls[this.#turn++ % urls.length] ?? "");
    const more =
      body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const where = { agent: this.#agent, hostname, port, method, path, timeout: LONGEST_ANSWER_MS };
    return new Promise((resolve) => {
      const failed = (error: Error & { code?: string }) => resolve(error.code ?? error.message);
      const sent = request({ ...where, headers: { ...headers, ...more } }, (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part)).on("error", failed);
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer in 30 s")));
      sent.on("error", failed).end(body);
    });
  }

  /** The books, and that who was told that he has one has one. */
  async #compared(): Promise<string[]> {
    await this.#rig.ready();
    const until = performance.now() + LONGEST_TIDY_MS;
    for (;;) {
      const client = await this.#staff();
      const wrong = await disagreementsSeenBy(client, { [SKU]: this.#sale.units }).catch((error) => [error.message]);
      if (wrong.length === 0 || performance.now() > until) return wrong;
      await pause(1_000);
    }
  }

  async #staff(): Promise<Client> {
    const [url = ""] = this.#rig.urls;
    return new Client(url).login(admin.email, admin.password);
  }
}
