import { due } from "../../mixins/due.mixin.ts";
import { type Collection, collectionOptions, type Doc, store } from "../../mixins/store.mixin.ts";
import { Refusal } from "../shared/refusal.ts";
import type { Self, ServiceOf } from "../shared/typed.ts";
import { sleep, timeAt } from "../shared/world.ts";
import type { Repair, Report } from "./doctor.contract.ts";
import { examine } from "./examination.edge.ts";
import {
  askOf,
  begun,
  failed,
  type KeptRepair,
  repairView,
  seen,
  shortened,
  type ToRepair,
  toRepair,
} from "./repair.ts";

/** The rounds of the shop: there is one record of them. */
interface Rounds extends Doc {
  /** What the latest examination has found. */
  report?: Report;
  /** When the next one is due. */
  dueAt?: string | undefined;
}

const repairs = collectionOptions<KeptRepair>({});
const rounds = collectionOptions<Rounds>({ fields: ["dueAt"], indexes: [["dueAt"]], isWatched: true });

interface Doctor {
  repairs: Collection<KeptRepair>;
  rounds: Collection<Rounds>;
  /** Examinations come one after the other: the end of the last one. */
  lane: Promise<unknown>;
  /** The one that has not begun: whoever asks by then shares it. */
  next: Promise<Report> | undefined;
  /** The one whose asker could not wait, alone or after repairs. Its report is for whoever asks next. */
  owed: Promise<Report> | undefined;
  /** How many have asked for what is not over: while somebody has, nobody rests. */
  asked: number;
  isStopping: boolean;
  /** An examination that begins after this call. */
  examination(): Promise<Report>;
  examineNow(): Promise<Report>;
  /** Keeps what is going on for whoever asks next. */
  owe(work: Promise<Report>): void;
  /** What comes of it in the time that a caller has; undefined if nothing does, and it goes on. */
  inTime<T>(work: Promise<T>): Promise<T | undefined>;
  repairAll(by: string): Promise<{ repairs: Repair[]; report: Report }>;
  repairOne(wrong: ToRepair, by: string): Promise<KeptRepair>;
}

const ROUNDS = "rounds";
/** Less than the door waits for an answer. */
const PATIENCE_MS = 25_000;
const OWED_MS = 600_000;
/** Who asks at the same time asks within this. */
const GATHERING_MS = 20;
/** While nobody waits: so long between two questions, as a part of the time. */
const REST = 0.8;
const MOST_SHOWN = 20;
const MOST_REPAIRS = 500;

export default {
  name: "doctor",
  mixins: [
    due<Rounds, Doctor & Self>("rounds", async function (due) {
      const mine = await this.rounds.replace(due, { ...due, dueAt: nextRound(this) });
      // Whoever sweeps does not wait for it.
      if (mine) this.examination().catch((error) => this.logger.warn(`A round came to no end: ${error.message}`));
    }),
    store({ repairs, rounds }),
  ],

  actions: {
    async examine() {
      const work = this.owed ?? this.examination();
      this.owed = undefined;
      const report = await this.inTime(work);
      if (report) return shortened(report, MOST_SHOWN);
      this.owe(work);
      throw new Refusal("unavailable", "The examination goes on. Ask again for its report.", { retryAfterSeconds: 5 });
    },

    async repair(ctx) {
      const work = this.repairAll(ctx.meta.caller?.userId ?? "unknown");
      const done = await this.inTime(work);
      if (done) return { status: "done" as const, ...done };
      this.owe(work.then(({ report }) => report));
      return { status: "pending" as const, repairs: [], report: null };
    },

    repairs(ctx) {
      return this.repairs.page(ctx.params, {}, repairView);
    },

    async latest() {
      const report = (await this.rounds.get(ROUNDS))?.report;
      if (!report) return null;
      const { ok, endedAt, checks } = report;
      const found = checks.map((check) => [check.name, check.ok || check.found > 0 ? check.found : -1]);
      return { ok, endedAt, found: Object.fromEntries(found) };
    },
  },

  methods: {
    examination() {
      this.next ??= this.lane
        .then(() => sleep(this.world, GATHERING_MS))
        .then(() => {
          this.next = undefined;
          return this.examineNow();
        });
      this.lane = this.next.catch(() => {});
      return this.next;
    },

    async examineNow() {
      const manner = { rest: () => (this.asked > 0 ? 0 : REST), isOver: () => this.isStopping };
      const report = await examine(this.broker, this.world, manner, MOST_REPAIRS);
      await this.rounds.change(ROUNDS, (rounds) => ({ ...rounds, report: shortened(report, MOST_SHOWN) }));
      return report;
    },

    inTime(work) {
      this.asked++;
      const late = Promise.withResolvers<undefined>();
      const callOff = this.world.after(PATIENCE_MS, () => late.resolve(undefined));
      const over = () => {
        callOff();
        this.asked--;
      };
      work.then(over, over);
      return Promise.race([work, late.promise]);
    },

    owe(work) {
      this.owed = work;
      work.catch((error) => this.logger.warn(`What somebody could not wait for came to no end: ${error.message}`));
      this.world.after(OWED_MS, () => {
        if (this.owed === work) this.owed = undefined;
      });
    },

    async repairAll(by) {
      const before = await this.examination();
      const asked: KeptRepair[] = [];
      for (const wrong of toRepair(before)) asked.push(await this.repairOne(wrong, by));
      const report = asked.length ? await this.examination() : before;
      const ended = asked.map((repair) => this.repairs.change(repair, (repair) => seen(repair, report)));
      return { repairs: (await Promise.all(ended)).map(repairView), report: shortened(report, MOST_SHOWN) };
    },

    async repairOne(wrong, by) {
      const { action, params } = askOf(wrong.remedy);
      const repair = await this.repairs.insert(begun(wrong, { id: this.world.id("rep"), at: timeAt(this.world), by }));
      this.logger.info(`${wrong.check} of ${wrong.about.join(", ")}: ${action} is asked for by ${by}`);
      try {
        await this.broker.call(action as "orders.wake", params as never);
        return repair;
      } catch (error) {
        return this.repairs.change(repair, (repair) => failed(repair, (error as Error).message));
      }
    },
  },

  created() {
    this.lane = Promise.resolve();
    this.asked = 0;
    this.isStopping = false;
  },

  async started() {
    const dueAt = nextRound(this);
    await this.rounds.getOrMake(ROUNDS, () => ({ dueAt }));
    await this.rounds.change(ROUNDS, (rounds) =>
      dueAt && rounds.dueAt && rounds.dueAt <= dueAt ? rounds : { ...rounds, dueAt },
    );
  },

  async stopped() {
    this.isStopping = true;
    await this.lane;
  },
} satisfies ServiceOf<"doctor", Doctor>;

/** Undefined: there are no rounds. */
const nextRound = ({ shop, world }: Self): string | undefined =>
  shop.doctorEveryMinutes > 0 ? timeAt(world, shop.doctorEveryMinutes * 60_000) : undefined;
