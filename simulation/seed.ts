import { brokenPromise, disagreements, late, unfinished, type Violation, Watch } from "./books.ts";
import type { Break } from "./broken.ts";
import { People } from "./buyers.ts";
import { Cluster } from "./cluster.ts";

/** An order is at its end so soon after the last fault, unless it waits for its buyer; everything else a little later. */
const timely = { orderMs: 15_000, allMs: 60_000 };
/** What a clock that is slow by hours has written seems to be old, and what is old is looked at every five minutes. */
const afterWrongClocks = { orderMs: 330_000, allMs: 660_000 };
const STORM_MS = 15_000;
const AFTERMATH_MS = 4_000;
/** Longer than any buyer may take, and than any stock is held. */
const LATER_MS = 3_600_000;
/** Longer than any clock is off. */
const MUCH_LATER_MS = 4 * LATER_MS;
const LOOK_MS = 500;
/** Every so many seeds everything that crosses a border is validated and copied. */
const CHECKED_EVERY = 50;

/** One thing that happened, for those who have to find out why. */
export interface Happening {
  atMs: number;
  where: string;
  text: string;
  about: string;
}

export interface Outcome {
  seed: number;
  violations: Violation[];
  /** Equal for every run of the same seed by the same code. */
  trace: number;
  events: number;
  orders: number;
  virtualMs: number;
  faults: Record<string, number>;
  /** All that happened, and for each violation the ids under which it is spoken of; only where it is recorded. */
  happenings: Happening[];
  relatives: string[][];
}

export interface Options {
  record?: boolean;
  checks?: boolean;
  /** Its clocks are off by hours. */
  clocks?: boolean;
  broken?: Break | undefined;
}

/** One seed: a storm while buyers come, then calm; an hour later another storm, and calm again. */
export async function runSeed(
  seed: number,
  { record = false, checks = seed % CHECKED_EVERY === 0, clocks = false, broken }: Options = {},
): Promise<Outcome> {
  const happenings: Happening[] = [];
  const watch = new Watch(
    () => cluster.timeline.now,
    (value) => cluster.timeline.mix(value),
  );
  const note = (where: string, text: string, about: unknown) => {
    happenings.push({ atMs: cluster.timeline.now, where, text, about: JSON.stringify(about) ?? "" });
  };
  const conditions = { checks, clocks, record: record ? note : undefined, broken };
  const cluster: Cluster = new Cluster(seed, conditions, (table, before, after) => {
    watch.see(table, before, after);
    if (record) note("", `  ${table} has ${stateOf(after)}`, after?._id);
  });
  const people = new People(cluster);
  const { timeline, weather } = cluster;

  await cluster.open();
  await timeline.during(people.openStock());
  people.come();
  cluster.storm();
  await timeline.run(STORM_MS);
  const [limits, laterMs] = weather.clocksAreWrong ? [afterWrongClocks, MUCH_LATER_MS] : [timely, LATER_MS];
  const violations = await comeToRest(cluster, watch, people, limits);
  if (violations.length === 0) {
    timeline.leap(laterMs);
    people.comeLate();
    cluster.storm();
    await timeline.run(AFTERMATH_MS);
    violations.push(...(await comeToRest(cluster, watch, people)));
    violations.push(...disagreements(cluster, watch, people));
    violations.push(...(await askAgain(cluster, people)));
  } else violations.unshift(...watch.violations);
  return {
    seed,
    violations,
    trace: timeline.trace,
    events: timeline.events,
    orders: people.buyers.length,
    virtualMs: timeline.now,
    faults: weather.counts as Record<string, number>,
    happenings,
    relatives: record ? violations.map(({ about }) => relativesOf(cluster, about)) : [],
  };
}

/** The ids under which an order, or its payment, is spoken of. */
function relativesOf({ memory }: Cluster, about: string): string[] {
  const payments = memory.all<{ _id: string; orderId: string }>("payments_payments");
  const mine = payments.filter(({ _id, orderId }) => _id === about || orderId === about);
  return [...new Set([about, ...mine.flatMap(({ _id, orderId }) => [_id, orderId])])];
}

/** What a document says of itself, in a few words. */
function stateOf(record: Readonly<Record<string, unknown>> | undefined): string {
  const { version, status, process, toCapture, reversed, captured, refunded, onHand, outbox } = record ?? {};
  const { phase, step, tries } = (process ?? {}) as Record<string, unknown>;
  const said = { status, phase, step, tries, toCapture, reversed, captured, refunded, onHand };
  const words = Object.entries(said).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : `${name} ${value}`,
  );
  const facts = (outbox ?? []) as readonly { type: string; to: string }[];
  return [`version ${version}`, ...words, ...facts.map(({ type, to }) => `to tell ${to}: ${type}`)].join(", ");
}

/** Calm, until all is at its end. What takes too long is a violation. */
async function comeToRest(cluster: Cluster, watch: Watch, people: People, limits = timely): Promise<Violation[]> {
  cluster.calm();
  const { timeline, weather } = cluster;
  weather.clocksAreWrong = false;
  const calmAt = Math.max(timeline.now, weather.lastAt);
  for (;;) {
    await timeline.run(LOOK_MS);
    const tooLate = [...late(cluster, watch, calmAt, limits.orderMs)];
    if (tooLate.length) return tooLate;
    const isOver = timeline.now > calmAt && people.busy === 0;
    if (isOver && unfinished(cluster).next().done) return [];
    if (timeline.now - calmAt > limits.allMs)
      return people.busy
        ? [{ what: `${people.busy} people have no answer`, about: "people" }, ...unfinished(cluster)]
        : [...unfinished(cluster)];
  }
}

/** Everybody asks once more, with the same key. */
async function askAgain(cluster: Cluster, people: People): Promise<Violation[]> {
  const answers = people.buyers.map(async (buyer) => brokenPromise(buyer, await buyer.again()));
  return (await cluster.timeline.during(Promise.all(answers))).flat();
}
