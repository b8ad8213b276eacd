import { Chance } from "../simulation/chance.ts";
import { Timeline } from "../simulation/timeline.ts";

/** What one kind of request costs, and how many come a second. */
export interface Stream {
  name: string;
  perSecond: number;
  /** Milliseconds of a core, by who spends them. */
  ms: ReadonlyMap<string, number>;
}

export interface Forecast {
  /** Of each kind of request: half of them, and 99 of 100, are answered within so many milliseconds. */
  answers: Map<string, { p50Ms: number; p99Ms: number }>;
  /** By who works: the part of the time in which a core of theirs is busy. */
  busy: Map<string, number>;
}

/** Some cores with one queue. Whoever comes is served in the order of coming, for a time that varies exponentially. */
class Station {
  readonly #cores: number;
  readonly #waiting: (() => void)[] = [];
  readonly #timeline: Timeline;
  #working = 0;
  busyMs = 0;

  constructor(cores: number, timeline: Timeline) {
    this.#cores = cores;
    this.#timeline = timeline;
  }

  visit(ms: number, then: () => void): void {
    this.#waiting.push(() => {
      this.busyMs += ms;
      this.#timeline.after(ms, () => {
        this.#working--;
        this.#serve();
        then();
      });
    });
    this.#serve();
  }

  #serve(): void {
    if (this.#working >= this.#cores) return;
    const next = this.#waiting.shift();
    if (!next) return;
    this.#working++;
    next();
  }
}

/** With so many cores that nobody is busy for more than `most` of the time. */
export function coresFor(streams: readonly Stream[], most: number): Map<string, number> {
  const busy = new Map<string, number>();
  for (const { perSecond, ms } of streams)
    for (const [who, cost] of ms) busy.set(who, (busy.get(who) ?? 0) + (perSecond * cost) / 1_000);
  return new Map([...busy].map(([who, cores]) => [who, Math.max(1, Math.ceil(cores / most))]));
}

/**
 * What a shop of so many cores would be like under such load: a network of queues, run in virtual time. Requests come
 * by chance (Poisson), ask one after the other, and each once; so it knows nothing of what is asked side by side, nor of
 * how several decisions about one SKU are made together, and what they wait for is a core, never a disk, a wire or a lock.
 */
export async function forecast(
  streams: readonly Stream[],
  cores: ReadonlyMap<string, number>,
  { seconds, seed = 1 }: { seconds: number; seed?: number },
): Promise<Forecast> {
  const [timeline, chance] = [new Timeline(), new Chance(seed)];
  const varied = (mean: number) => -Math.log(1 - chance.next()) * mean;
  const stations = new Map([...cores].map(([who, count]) => [who, new Station(count, timeline)]));
  const took = new Map<string, number[]>(streams.map(({ name }) => [name, []]));

  const come = ({ name, ms }: Stream) => {
    const since = timeline.now;
    const visits = [...ms];
    const goOn = () => {
      const [who, cost] = visits.shift() ?? [];
      if (who === undefined || cost === undefined) took.get(name)?.push(timeline.now - since);
      else stations.get(who)?.visit(varied(cost), goOn);
    };
    goOn();
  };
  const flow = (stream: Stream): void => {
    timeline.after(varied(1_000 / stream.perSecond), () => {
      come(stream);
      flow(stream);
    });
  };
  for (const stream of streams) flow(stream);
  await timeline.run(seconds * 1_000);

  const answers = [...took].map(([name, all]) => {
    const sorted = all.toSorted((a, b) => a - b);
    const within = (part: number) => sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
    return [name, { p50Ms: within(0.5), p99Ms: within(0.99) }] as const;
  });
  const busy = [...stations].map(
    ([who, { busyMs }]) => [who, busyMs / (seconds * 1_000 * (cores.get(who) ?? 1))] as const,
  );
  return { answers: new Map(answers), busy: new Map(busy) };
}
