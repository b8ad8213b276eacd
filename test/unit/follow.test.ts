import { type Following, type Stretch, stretches, values } from "../../services/gateway/follow.edge.ts";
import { Refusal } from "../../services/shared/refusal.ts";
import { VirtualWorld } from "../virtual-world.ts";

/** A list that grows, and what was asked of it, when. */
class List {
  readonly world = new VirtualWorld(7);
  readonly stop = new AbortController();
  readonly items: string[] = [];
  readonly asked: { at: number; cursor: string | undefined }[] = [];
  readonly failures: unknown[] = [];
  /** What the next questions come to, instead of an answer. */
  troubles: Error[] = [];
  readonly #began = this.world.now();

  readonly following: Following = {
    world: this.world,
    signal: this.stop.signal,
    failed: (error) => this.failures.push(error),
  };

  readonly ask = async (cursor: string | undefined): Promise<Stretch<string>> => {
    this.asked.push({ at: this.world.now() - this.#began, cursor });
    const trouble = this.troubles.shift();
    if (trouble) throw trouble;
    const start = Number(cursor ?? 0);
    const data = this.items.slice(start, start + 2);
    const cursors = data.map((_, place) => String(start + place + 1));
    const isMore = start + 2 < this.items.length;
    return { data, cursors, nextCursor: isMore ? (cursors.at(-1) ?? null) : null };
  };

  get pauses(): number[] {
    return this.asked.map(({ at }, n) => at - (this.asked[n - 1]?.at ?? 0)).slice(1);
  }
}

/** What is in the stretches of a list, item by item. */
async function* items(...asked: Parameters<typeof stretches<string>>) {
  for await (const { data, cursors } of stretches(...asked))
    for (const [place, item] of data.entries()) yield { item, cursor: cursors[place] };
}

/** Takes whatever comes, until it is over. */
function taking<T>(stream: AsyncGenerator<T>) {
  const taken: T[] = [];
  const over = (async () => {
    for await (const one of stream) taken.push(one);
  })();
  over.catch(() => {});
  return { taken, over };
}

const away = () => Object.assign(new Error("nobody is there"), { name: "ServiceNotAvailableError" });

describe("whoever follows a list", () => {
  test("gets what there is, then what comes, each once and in its order, with the cursor behind it", async () => {
    const list = new List();
    list.items.push("a", "b", "c");
    const { taken } = taking(items(list.ask, undefined, list.following));
    await list.world.run(10);
    list.items.push("d");
    await list.world.run(1_000);
    expect(taken).toEqual(["a", "b", "c", "d"].map((item, n) => ({ item, cursor: String(n + 1) })));
  });

  test("goes on behind a cursor", async () => {
    const list = new List();
    list.items.push("a", "b", "c");
    const { taken } = taking(items(list.ask, "2", list.following));
    await list.world.run(10);
    expect(taken.map(({ item }) => item)).toEqual(["c"]);
  });

  test("goes on where a page has nothing for them, and leaves others time", async () => {
    const list = new List();
    const ask = async (cursor: string | undefined): Promise<Stretch<string>> => {
      const { data } = await list.ask(cursor);
      const place = Number(cursor ?? 0);
      return place < 3
        ? { data: [], cursors: [], nextCursor: String(place + 1) }
        : {
            data: data.length ? [] : ["z"].slice(0, place === 3 ? 1 : 0),
            cursors: place === 3 ? ["4"] : [],
            nextCursor: null,
          };
    };
    const { taken } = taking(items(ask, undefined, list.following));
    await list.world.run(8_000);
    expect(taken).toEqual([{ item: "z", cursor: "4" }]);
    expect(list.asked.slice(0, 4).map(({ cursor }) => cursor)).toEqual([undefined, "1", "2", "3"]);
    expect(Math.min(...list.pauses.slice(1))).toBeGreaterThanOrEqual(250);
  });

  test("asks at once while there is more, and with growing pauses while there is nothing new", async () => {
    const list = new List();
    list.items.push("a", "b", "c");
    taking(stretches(list.ask, undefined, list.following));
    await list.world.run(8_000);
    expect(list.pauses).toEqual([0, 250, 500, 1_000, 2_000, 2_000, 2_000]);
    list.asked.length = 0;
    list.items.push("d");
    await list.world.run(6_000);
    expect(list.pauses).toEqual([250, 500, 1_000, 2_000]);
  });

  test("pauses as long as it is told to where there are many", async () => {
    const list = new List();
    taking(stretches(list.ask, undefined, { ...list.following, longestMs: () => 5_000 }));
    await list.world.run(20_000);
    expect(Math.max(...list.pauses)).toBe(5_000);
  });

  test("is given the first stretch also where nothing is in it, and asks no further than it is taken", async () => {
    const list = new List();
    const stream = stretches(list.ask, undefined, list.following);
    expect(await stream.next()).toEqual({ done: false, value: { data: [], cursors: [], nextCursor: null } });
    await list.world.run(10_000);
    expect(list.asked).toHaveLength(1);
  });

  test("is refused what the list refuses, and what it cannot answer the first time", async () => {
    for (const trouble of [new Refusal("not_found"), away()]) {
      const list = new List();
      list.troubles = [trouble];
      await expect(stretches(list.ask, undefined, list.following).next()).rejects.toBe(trouble);
    }
  });

  test("does not notice that the service is away for a while, and it is said once", async () => {
    const list = new List();
    const { taken } = taking(items(list.ask, undefined, list.following));
    await list.world.run(10);
    list.troubles = [away(), new Refusal("unavailable"), new Refusal("too_many_requests"), new Error("a slip")];
    list.items.push("a");
    await list.world.run(20_000);
    expect(taken.map(({ item }) => item)).toEqual(["a"]);
    expect(list.failures.map((error) => (error as Error).name)).toEqual(["ServiceNotAvailableError"]);
    list.troubles = [away()];
    await list.world.run(5_000);
    expect(list.failures).toHaveLength(2);
  });

  test.each(["not_found", "forbidden", "invalid_input"] as const)(
    "is at the end when it is refused: %s",
    async (type) => {
      const list = new List();
      const { over } = taking(stretches(list.ask, undefined, list.following));
      await list.world.run(10);
      list.troubles = [new Refusal(type)];
      await list.world.run(1_000);
      await expect(over).rejects.toMatchObject({ type });
    },
  );

  test("can stop at any moment, and nothing is asked after that", async () => {
    for (const ms of [0, 100, 5_000]) {
      const list = new List();
      const { over } = taking(stretches(list.ask, undefined, list.following));
      await list.world.run(ms);
      const { length } = list.asked;
      list.stop.abort();
      await over;
      await list.world.run(10_000);
      expect(list.asked).toHaveLength(length);
    }
  });

  test("who has stopped is not given what was on its way", async () => {
    const list = new List();
    const answers: ((stretch: Stretch<string>) => void)[] = [];
    const slow = () => new Promise<Stretch<string>>((resolve) => void answers.push(resolve));
    const { taken, over } = taking(items(slow, undefined, list.following));
    answers[0]?.({ data: [], cursors: [], nextCursor: null });
    await list.world.run(300);
    list.stop.abort();
    answers[1]?.({ data: ["late"], cursors: ["1"], nextCursor: null });
    await over;
    expect(taken).toEqual([]);
  });
});

test("whoever follows a value gets it as it is, and again as often as it is another one", async () => {
  const { world, following, stop } = new List();
  let value = { available: 5 };
  const { taken, over } = taking(values(async () => ({ ...value }), following));
  await world.run(5_000);
  for (const available of [4, 4, 3]) {
    value = { available };
    await world.run(3_000);
  }
  expect(taken.map(({ available }) => available)).toEqual([5, 4, 3]);
  stop.abort();
  await over;
});
