import { writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "../test/client.ts";
import { Buyers } from "./buyers.ts";
import { type Done, type Fault, kindOf, type Passed } from "./faults.ts";
import { opened } from "./intentions.ts";
import type { Options } from "./options.ts";
import { planOf } from "./plan.ts";
import { pointsOf, type Recorded, recorded } from "./recording.ts";
import { admin, Rig } from "./rig.ts";
import { stock } from "./stock.ts";
import { type Check, unsettled, verdictOf } from "./verdict.ts";

/** What a fault was, and what came of it. */
export interface Happened {
  n: number;
  kind: Fault["kind"];
  words: string;
  /** From the beginning of the run. */
  atMs: number;
  endedMs?: number;
  /** How long after its end a buyer was served at the first asking. */
  servedAfterMs?: number;
  /** It took place. */
  begun?: true;
  /** Why it did not, or why it could not be ended. */
  failed?: string;
}

export interface Outcome {
  ok: boolean;
  checks: Check[];
  happened: Happened[];
  purchases: number;
  told: Record<string, number>;
  notServed: Readonly<Record<string, number>>;
  tookMs: number;
  /** From the last fault until nothing was under way any more. */
  finalAfterMs: number;
  points: readonly Passed[];
}

/** What is to be seen of a run that is going on. */
export interface Show {
  words(text: string): void;
  follow(run: Run): void;
  end(): void;
}

/** The promise of the shop, and what is given to it besides to tidy up. */
const FINAL_MS = 15_000;
const LONGEST_TIDY_MS = 90_000;
const NEW_TOKEN_MS = 60_000;
const LOOK_MS = 250;

export interface More {
  preload?: readonly string[];
  /** How long the shop has after the last fault, until what is wrong then is held to be wrong for good. */
  tidyMs?: number;
  logs: string;
  notes: string;
}

/** One run: a shop is opened, people come, things break, and in the end everything is compared. */
export class Run {
  static readonly #rigs = new Set<Promise<Rig>>();
  readonly options: Options;
  readonly happened: Happened[] = [];
  readonly down = new Set<string>();
  readonly rig: Rig;
  readonly buyers: Buyers;
  readonly endsMs: number;
  points: readonly Passed[] = [];
  #beganMs = performance.now();
  readonly #faults: readonly Fault[];
  readonly #tidyMs: number;
  #isOver = false;
  #token: { client: Client; sinceMs: number } | undefined;

  private constructor(options: Options, rig: Rig, { tidyMs = LONGEST_TIDY_MS, notes }: More) {
    this.options = options;
    this.rig = rig;
    this.endsMs = options.minutes * 60_000;
    this.#faults = planOf(options);
    this.#tidyMs = tidyMs;
    writeFileSync(notes, "");
    const shop = { urls: () => rig.urls, staff: () => this.#staff() };
    this.buyers = new Buyers(shop, { seed: options.seed, pace: options.pace, notes });
    rig.onChange = (name, isUp) => void (isUp ? this.down.delete(name) : this.down.add(name));
  }

  /** Stops what is open or about to be, as when somebody has seen enough. */
  static async stop(): Promise<void> {
    const rigs = await Promise.allSettled(Run.#rigs);
    await Promise.all(rigs.map(async (rig) => rig.status === "fulfilled" && rig.value.close()));
  }

  static async all(options: Options, show: Show, more: More): Promise<Outcome> {
    show.words("The shop opens.");
    const { logs, preload = [] } = more;
    const opening = Rig.open({ ...options, logs, preload });
    Run.#rigs.add(opening);
    const rig = await opening;
    try {
      const run = new Run(options, rig, more);
      return await run.#whole(show).finally(() => run.#end());
    } finally {
      Run.#rigs.delete(opening);
      await rig.close();
    }
  }

  #end(): void {
    this.#isOver = true;
    this.buyers.giveUp();
  }

  get elapsedMs(): number {
    return performance.now() - this.#beganMs;
  }

  async #whole(show: Show): Promise<Outcome> {
    await stock(await this.#staff(), opened);
    const dies = this.options.only.some((family) => family === "kill" || family === "term");
    for (const token of dies ? (Object.keys(recorded) as Recorded[]) : (["tok_visa"] as const))
      this.points = [...this.points, ...(await pointsOf(this.rig, token))];
    this.#beganMs = performance.now();
    show.follow(this);
    this.buyers.come();
    await this.#breakThings();
    const sinceMs = performance.now();
    const home = this.buyers.goHome();
    await Promise.race([
      Promise.all([home, this.#untilAllIsSettled()]),
      pause(this.#tidyMs, undefined, { ref: false }),
    ]);
    const finalAfterMs = performance.now() - sinceMs;
    await this.rig.ready();
    show.words("Everything is compared.");
    const checks = await this.#untilClean(sinceMs);
    show.end();
    const untold = this.buyers.purchases.filter(({ told, failed }) => told.length === 0 || failed);
    const words = untold.map(({ intention, failed }) => `${intention.key}: ${failed ?? "no answer yet"}`);
    checks.push({ name: "every buyer was told something", wrong: words });
    checks.push({ name: "of every family that was drawn something was broken", wrong: this.#spared() });
    if (finalAfterMs > FINAL_MS)
      checks.push({
        name: "every order is final within 15 s of the last fault",
        wrong: [`the last one was final after ${(finalAfterMs / 1_000).toFixed(1)} s`],
      });
    const told: Record<string, number> = {};
    for (const { told: all } of this.buyers.purchases) {
      const [first] = all;
      const name = first
        ? `${first.status} ${first.status < 300 ? statusOf(first.text) : codeOf(first.text)}`
        : "nothing";
      told[name] = (told[name] ?? 0) + 1;
    }
    return {
      ok: checks.every(({ wrong }) => wrong.length === 0),
      checks,
      told,
      finalAfterMs,
      happened: this.happened,
      purchases: this.buyers.purchases.length,
      notServed: this.buyers.notServed,
      tookMs: this.elapsedMs,
      points: this.points,
    };
  }

  async #breakThings(): Promise<void> {
    const all = this.#faults.map(async (fault) => {
      await pause(Math.max(0, fault.atMs - this.elapsedMs));
      await this.#happen(fault);
    });
    await Promise.all([...all, pause(this.endsMs)]);
    while (this.down.size > 0) await pause(LOOK_MS);
  }

  async #happen(fault: Fault): Promise<void> {
    const { rig, options, points } = this;
    const happened: Happened = { n: fault.n, kind: fault.kind, words: fault.kind, atMs: this.elapsedMs };
    this.happened.push(happened);
    let done: Done | undefined;
    try {
      done = await kindOf(fault.kind).begin({ rig, options, points }, fault);
      happened.words = done.words;
      happened.begun = true;
      await pause(fault.forMs);
    } catch (error) {
      happened.failed = (error as Error).message;
    }
    try {
      await done?.end?.();
    } catch (error) {
      // What was broken stays broken: the run says so.
      happened.failed = (error as Error).message;
    }
    happened.endedMs = this.elapsedMs;
    void this.#noteService(happened, performance.now());
  }

  async #noteService(happened: Happened, endedMs: number): Promise<void> {
    while (this.buyers.servedAtMs <= endedMs && !this.#isOver) await pause(LOOK_MS / 5);
    if (this.buyers.servedAtMs > endedMs) happened.servedAfterMs = this.buyers.servedAtMs - endedMs;
  }

  /** The families of which no fault took place: of them the run says nothing. */
  #spared(): string[] {
    const families = Map.groupBy(this.happened, ({ kind }) => kindOf(kind).family);
    return [...families].flatMap(([family, all]) =>
      all.some(({ begun }) => begun) ? [] : [`${family}: ${all[0]?.failed}`],
    );
  }

  async #untilAllIsSettled(): Promise<void> {
    while (!this.#isOver) {
      const left = await unsettled(() => this.#staff(), Object.keys(opened)).catch(() => undefined);
      if (left === 0) return;
      await pause(LOOK_MS);
    }
  }

  /** Mails, invoices and facts may come a moment after the order is final. */
  async #untilClean(sinceMs: number): Promise<Check[]> {
    for (;;) {
      const checks = await verdictOf(() => this.#staff(), this.buyers.purchases, opened).catch((error: Error) => [
        { name: "the shop can be asked", wrong: [error.message] },
      ]);
      const isOver = performance.now() - sinceMs > this.#tidyMs;
      if (isOver || checks.every(({ wrong }) => wrong.length === 0)) return checks;
      await pause(1_000);
    }
  }

  async #staff(): Promise<Client> {
    if (this.#token && performance.now() - this.#token.sinceMs < NEW_TOKEN_MS) return this.#token.client;
    const [url = ""] = this.rig.urls;
    const client = await new Client(url).login(admin.email, admin.password);
    this.#token = { client, sinceMs: performance.now() };
    return client;
  }
}

const codeOf = (text: string) => /"code":"(\w+)"/.exec(text)?.[1] ?? "";
const statusOf = (text: string) => /"status":"(\w+)"/.exec(text)?.[1] ?? "";
