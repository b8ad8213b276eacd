import { setTimeout as pause } from "node:timers/promises";
import { address, Client } from "../test/client.ts";
import { chanceOf, shuffled } from "./chance.ts";
import type { Passed } from "./faults.ts";
import { pointOf } from "./inside/points.ts";
import { plenty } from "./intentions.ts";
import type { Purchase, Told } from "./notes.ts";
import { approvalOf, pointsOf, type Recorded, recorded } from "./recording.ts";
import { admin, Rig, type RigOptions } from "./rig.ts";
import { stock } from "./stock.ts";
import { Stubborn } from "./stubborn.ts";
import { verdictOf } from "./verdict.ts";

/** The promise: an order is final this long after its node is back. */
const FINAL_MS = 15_000;
const RECORDINGS = 3;
const MOST_PURCHASES = 3;
const PASSING_MS = 6_000;
const LONGEST_TIDY_MS = 60_000;
const LOOK_MS = 20;
const UNITS = 10_000;
const opened = Object.fromEntries(plenty.map((sku) => [sku, UNITS]));

/** A point at which a node is to die. `always`: every purchase of this kind has passed it. */
export interface Stop extends Passed {
  token: Recorded;
  always: boolean;
}

export interface Killing {
  stop: Stop;
  /** It died there. Points that only some purchases pass may not be come by. */
  died: boolean;
  finalAfterMs: number;
}

export interface Matrix {
  stops: readonly Stop[];
  killings: Killing[];
  wrong: string[];
}

type Open = Omit<RigOptions, "logs"> & { logs: string };

/**
 * Kills a node at every point that purchases pass, so many times: one that comes off at once, one that the buyer has to
 * approve, one of which the provider says later that it is paid, one that has to be undone. The points are recorded, not
 * listed, so that a new step is covered by itself. Several shops share the work.
 */
export async function killMatrix(shops: readonly Open[], times: number, seed = 1): Promise<Matrix> {
  const lanes = await Promise.all(shops.map((options, n) => Lane.open(options, n)));
  try {
    const [first] = lanes;
    const stops = (await first?.stops()) ?? [];
    const rounds = Array.from({ length: times }, (_, round) => shuffled(chanceOf(seed, "round", round), stops));
    const queue = rounds.flat();
    await Promise.all(lanes.map((lane) => lane.work(queue)));
    await Promise.all(lanes.map((lane) => lane.judge()));
    return {
      stops,
      killings: lanes.flatMap(({ killings }) => killings),
      wrong: lanes.flatMap(({ wrong }) => wrong),
    };
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()));
  }
}

/** One shop, in which one node after the other dies. */
class Lane {
  readonly killings: Killing[] = [];
  readonly wrong: string[] = [];
  readonly #rig: Rig;
  readonly #name: string;
  readonly #ask: Stubborn;
  readonly #purchases: Purchase[] = [];
  #bought = 0;

  private constructor(rig: Rig, name: string) {
    this.#rig = rig;
    this.#name = name;
    this.#ask = new Stubborn(() => rig.urls);
  }

  static async open(options: Open, n: number): Promise<Lane> {
    const rig = await Rig.open(options);
    const lane = new Lane(rig, `lane-${n}`);
    for (const name of rig.places.keys()) rig.leaveEmpty(name, 0);
    await stock(await lane.#staff(), opened);
    return lane;
  }

  close(): Promise<void> {
    return this.#rig.close();
  }

  async stops(): Promise<Stop[]> {
    const stops = new Map<string, Stop>();
    for (const token of Object.keys(recorded) as Recorded[])
      for (const stop of await this.#stopsOf(token)) if (!stops.has(wordsOf(stop))) stops.set(wordsOf(stop), stop);
    return [...stops.values()];
  }

  async #stopsOf(token: Recorded): Promise<Stop[]> {
    const seen = new Map<string, { passed: Passed; times: number }>();
    for (let n = 0; n < RECORDINGS; n++)
      for (const passed of await pointsOf(this.#rig, token)) {
        const name = wordsOf(passed);
        seen.set(name, { passed, times: (seen.get(name)?.times ?? 0) + 1 });
      }
    return [...seen.values()].map(({ passed, times }) => ({ ...passed, token, always: times === RECORDINGS }));
  }

  async work(queue: Stop[]): Promise<void> {
    for (let stop = queue.shift(); stop; stop = queue.shift()) {
      const killing = await this.#kill(stop).catch((error: Error) => {
        this.wrong.push(`${wordsOf(stop as Stop)}: ${error.message}`);
        return undefined;
      });
      if (killing) this.killings.push(killing);
      if (killing && killing.finalAfterMs > FINAL_MS)
        this.wrong.push(
          `${wordsOf(stop)}: the order was final only ${Math.round(killing.finalAfterMs)} ms after the restart`,
        );
      if (killing && !killing.died && stop.always) this.wrong.push(`${wordsOf(stop)}: nobody has passed it`);
    }
  }

  async #kill(stop: Stop): Promise<Killing> {
    const [name = ""] = this.#rig.nodesOf(stop.by);
    const victim = this.#rig.process(name);
    await this.#rig.tell(name, "arm", { ...pointOf(stop.point), signal: "SIGKILL" });
    for (let n = 0; n < MOST_PURCHASES && !victim.isGone; n++) {
      const purchase = this.#purchase(stop.token);
      const told = this.#buy(purchase).then(() => this.#untilFinal(purchase));
      await Promise.race([victim.gone, told.then(() => pause(PASSING_MS, undefined, { ref: false }))]);
      if (victim.isGone) return { stop, died: true, finalAfterMs: await this.#recovered(name, purchase, told) };
      await told;
    }
    await this.#rig.tell(name, "disarm", null);
    return { stop, died: false, finalAfterMs: 0 };
  }

  /** How long after its node was back the order was final, and whether the key still says the same. */
  async #recovered(name: string, purchase: Purchase, told: Promise<void>): Promise<number> {
    const dead = this.#rig.process(name);
    while (this.#rig.process(name).isGone) await pause(LOOK_MS);
    const alive = this.#rig.process(name);
    if (alive === dead || !(await alive.opened)) throw new Error(`${name} did not come up again`);
    const backMs = performance.now();
    await told;
    const finalAfterMs = performance.now() - backMs;
    await this.#buy(purchase, "repeat");
    return finalAfterMs;
  }

  #purchase(token: Recorded): Purchase {
    const id = `${this.#name}-${++this.#bought}`;
    const lines = [{ sku: plenty[this.#bought % plenty.length] ?? "", quantity: 1 }];
    const who = { key: `matrix-${id}`, email: `buyer-${id}@example.com`, token };
    const purchase: Purchase = { intention: { ...who, lines, approves: true, deed: "repeat" }, told: [] };
    this.#purchases.push(purchase);
    return purchase;
  }

  async #buy(purchase: Purchase, what: Told["what"] = "place"): Promise<void> {
    const { key, email, lines, token } = purchase.intention;
    const order = { email, lines, shippingAddress: address, payment: { token } };
    const { status, text, body } = await this.#ask.send("POST", "/v1/orders", order, { "idempotency-key": key });
    purchase.told.push({ at: new Date().toISOString(), what, status, text });
    const expected = [201, 202, recorded[token as Recorded].status];
    if (!expected.includes(status)) throw new Error(`the purchase was answered ${status}: ${text}`);
    Object.assign(purchase, { orderId: body.id, guestToken: body.guestToken });
  }

  /** One that was refused at once has no order to be asked for: the books tell what became of it. */
  async #untilFinal({ orderId, guestToken = "", intention }: Purchase): Promise<void> {
    const end = intention.token === "tok_capture_fails" ? "canceled" : "confirmed";
    while (orderId) {
      const guest = { "x-guest-token": guestToken };
      const { body } = await this.#ask.send("GET", `/v1/orders/${orderId}`, undefined, guest);
      if (body.status === end) return;
      const approval = body.status === "requires_action" ? approvalOf(body.payment?.nextAction?.url) : undefined;
      if (approval) await this.#ask.send("POST", approval, { approve: true });
      else if (body.status !== "pending" && body.status !== "requires_action")
        throw new Error(`${orderId} ended as ${body.status}: ${body.cancelReason}`);
      await pause(LOOK_MS * 5);
    }
  }

  /** Everything is compared, when mails, invoices and facts have had their time. */
  async judge(): Promise<void> {
    await this.#rig.ready();
    const until = performance.now() + LONGEST_TIDY_MS;
    for (;;) {
      // The recorded purchases are nobody's.
      const checks = await verdictOf(() => this.#staff(), this.#purchases, opened).catch((error: Error) => [
        { name: "asking", wrong: [error.message] },
      ]);
      const wrong = checks.flatMap(({ name, wrong }) => wrong.map((text) => `${this.#name}, ${name}: ${text}`));
      if (wrong.length > 0 && performance.now() < until) {
        await pause(500);
        continue;
      }
      this.wrong.push(...wrong);
      return;
    }
  }

  async #staff(): Promise<Client> {
    const [url = ""] = this.#rig.urls;
    return new Client(url).login(admin.email, admin.password);
  }
}

const wordsOf = ({ by, point }: Passed) => `${by} at ${point}`;
