import { Collection, type Doc } from "../../mixins/collection.ts";
import { Outbox } from "../../mixins/outbox.ts";
import { SqliteAdapter } from "../../mixins/sqlite.adapter.ts";
import { SqliteFile } from "../../mixins/sqlite.file.ts";
import type { Delivery } from "../../mixins/store.ts";
import type { Envelope } from "../../services/shared/delivery.ts";
import { Refusal } from "../../services/shared/refusal.ts";
import type { Telling } from "../../services/shared/typed.ts";
import { sleep, timeAt } from "../../services/shared/world.ts";
import { VirtualWorld } from "../virtual-world.ts";

interface Letterbox extends Doc {
  news: number;
  /** It is not told of. */
  colour?: string;
}
const away = () =>
  Object.assign(new Error("Service 'hearer' is not found."), { name: "ServiceNotFoundError", code: 404 });

/** A service that tells, with hearers that behave as a test says, on a clock that a test moves. */
async function openPost(
  hear: (to: string, fact: Envelope) => unknown,
  hearers = ["hearer"],
  { world = new VirtualWorld(7), file = new SqliteFile(":memory:").use(), inAnyOrder = false } = {},
) {
  const heard: { to: string; id: string; news: number; subject: string }[] = [];
  const logged: string[] = [];
  const logger = { warn: (text: string) => logged.push(text), error: (text: string) => logged.push(text) };
  const send = async (to: string, fact: Envelope) => {
    await hear(to, fact);
    heard.push({ to, id: fact.id, subject: fact.subject, news: (fact.data as { news: number }).news });
  };
  const laneOf = ({ to, id }: Delivery) => (inAnyOrder ? `${to} ${id}` : to);
  const outbox = new Outbox({ world, logger: logger as never, from: "teller", laneOf, send });
  const collect = async (name: string) => {
    const adapter = new SqliteAdapter(() => file);
    adapter.init({}, { schema: { collection: name } });
    const collection = new Collection<Letterbox>(
      name,
      adapter,
      {
        tells: (before, after) =>
          before?.news === after.news ? [] : [{ type: "told", data: { news: after.news } } as unknown as Telling],
      },
      {
        world,
        hearersOf: () => hearers,
        isAcknowledged: (delivery) => outbox.isAcknowledged(delivery),
        toldIn: (collection, record) => outbox.told(collection, record),
      },
    );
    await adapter.connect();
    outbox.add(collection as unknown as Collection<Doc>);
    return collection;
  };
  const boxes = await collect("boxes");
  outbox.start();
  const more = (id: string) => boxes.change(id, (box) => ({ ...box, news: box.news + 1 }));
  const paint = (id: string, colour: string) => boxes.change(id, (box) => ({ ...box, colour }));
  const { adapter } = boxes;
  return { world, outbox, boxes, collect, heard, logged, more, paint, adapter, close: () => outbox.stop() };
}

describe("delivery", () => {
  test("what is told is heard, and then forgotten", async () => {
    const post = await openPost(() => {});
    await post.boxes.insert({ id: "a", news: 1 });
    await post.world.run(100);
    expect(post.heard).toMatchObject([{ to: "hearer", subject: "a", news: 1 }]);
    expect(await post.outbox.state()).toEqual({ waiting: 0, deadLetters: 0 });
    expect(await post.adapter.findById("a")).not.toHaveProperty("outbox");
  });

  test.each([
    ["one after the other", false],
    ["at once, where they may come in any order", true],
  ])("facts of one document are delivered %s", async (_, inAnyOrder) => {
    let inside = 0;
    let most = 0;
    const post = await openPost(
      async () => {
        most = Math.max(most, ++inside);
        await sleep(post.world, 10);
        inside--;
      },
      undefined,
      { inAnyOrder },
    );
    await post.boxes.insert({ id: "a", news: 1 });
    for (let n = 0; n < 4; n++) await post.more("a");
    await post.world.run(1_000);
    expect(post.heard).toHaveLength(5);
    expect(most > 1).toBe(inAnyOrder);
  });

  test("a document that is changed without a pause forgets what was delivered, and tells nothing twice", async () => {
    const post = await openPost(() => sleep(post.world, 5), undefined, { inAnyOrder: true });
    let box = await post.boxes.insert({ id: "a", news: 1 });
    const lengths: number[] = [];
    for (let n = 0; n < 200; n++) {
      box = await post.boxes.change(box, (box) => ({ ...box, news: box.news + 1 }));
      lengths.push((await post.adapter.findById("a"))?.outbox?.length ?? 0);
      await post.world.run(1);
    }
    await post.world.run(1_000);
    expect(Math.max(...lengths)).toBeLessThan(20);
    expect(post.heard.map(({ news }) => news).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 201 }, (_, n) => n + 1),
    );
    expect(await post.adapter.findById("a")).not.toHaveProperty("outbox");
  });

  test("documents of two collections that have the same id are not taken for each other", async () => {
    const post = await openPost(async (_, { data }) => {
      await sleep(post.world, 5);
      if ((data as { news: number }).news === 12) await post.paint("a", "blue");
    });
    const bags = await post.collect("bags");
    await bags.insert({ id: "a", news: 11, colour: "red" });
    await post.world.run(100);
    await post.boxes.insert({ id: "a", news: 1 });
    await bags.change("a", (bag) => ({ ...bag, news: 12 }));
    await post.world.run(1_000);

    expect(post.heard.map(({ news }) => news)).toEqual([11, 1, 12]);
    expect(await post.boxes.get("a")).toEqual({ id: "a", version: 2, news: 1, colour: "blue" });
    expect(await bags.get("a")).toMatchObject({ news: 12, colour: "red" });
  });

  test("what one has heard is left out of the next change, while another one still listens", async () => {
    const post = await openPost(
      async (to) => {
        if (to === "slow") await sleep(post.world, 1_000);
      },
      ["fast", "slow"],
    );
    await post.boxes.insert({ id: "a", news: 1 });
    await post.world.run(100);
    await post.paint("a", "red");
    expect((await post.adapter.findById("a"))?.outbox).toMatchObject([{ to: "slow" }]);
    await post.world.run(2_000);
    expect(post.heard).toHaveLength(2);
    expect(await post.adapter.findById("a")).not.toHaveProperty("outbox");
  });

  test("where a change has left out all that was heard, and only a dead letter is left, it is left alone", async () => {
    const post = await openPost(async (_, { subject, data }) => {
      if ((data as Letterbox).news === 1) throw new Error("cannot digest it");
      void paintAfter(subject, Number(subject));
    });
    // One of these moments is between what was heard and the note of it.
    const paintAfter = async (id: string, moments: number) => {
      for (let n = 0; n < moments; n++) await undefined;
      await post.paint(id, "red");
    };
    const ids = Array.from({ length: 12 }, (_, moments) => String(moments));
    for (const id of ids) await post.boxes.insert({ id, news: 1 });
    await post.world.run(120_000);
    for (const id of ids) await post.more(id);
    await post.world.run(60_000);
    const before = await post.adapter.findByIds(ids);
    await post.world.run(60_000);
    expect(await post.outbox.state()).toEqual({ waiting: 0, deadLetters: ids.length });
    expect(await post.adapter.findByIds(ids)).toEqual(before);
  });

  test("the oldest fact that waits is known, also where newer ones are due before it", async () => {
    const post = await openPost((_, { subject }) => {
      if (subject === "old") throw new Error("no");
      throw away();
    });
    const beganAt = timeAt(post.world);
    await post.boxes.insert({ id: "old", news: 1 });
    await post.world.run(30_000);
    for (let n = 0; n < 5; n++) await post.boxes.insert({ id: `new-${n}`, news: 1 });
    await post.world.run(100);
    expect(await post.outbox.state()).toEqual({ waiting: 6, deadLetters: 0, oldestAt: beganAt });
    await post.close();
  });

  test("what a node whose clock is hours ahead has put off is delivered soon by one whose clock is right", async () => {
    let fails = true;
    const file = new SqliteFile(":memory:").use();
    const fast = await openPost(
      () => {
        if (fails) throw new Error("no");
      },
      undefined,
      { file, world: new VirtualWorld(7, "2026-01-01T15:00:00.000Z") },
    );
    await fast.boxes.insert({ id: "a", news: 1 });
    await fast.world.run(200);
    await fast.close();
    fails = false;

    const right = await openPost(() => {}, undefined, { file, world: new VirtualWorld(8) });
    await right.world.run(1_900);
    expect(right.heard).toEqual([]);
    await right.world.run(2_000);
    expect(right.heard).toMatchObject([{ subject: "a", news: 1 }]);
    await right.close();
  });

  test("a hearer that is away gets everything once it is there, in order, and nothing is a dead letter", async () => {
    let isAway = true;
    const post = await openPost(() => {
      if (isAway) throw away();
    });
    await post.boxes.insert({ id: "a", news: 1 });
    await post.more("a");
    await post.world.run(3_600_000);
    expect(post.heard).toEqual([]);
    expect(await post.outbox.state()).toMatchObject({ waiting: 1, deadLetters: 0 });

    isAway = false;
    await post.world.run(10_000);
    expect(post.heard.map(({ news }) => news)).toEqual([1, 2]);
  });

  test("facts of one document keep their order while the hearer fails", async () => {
    let failures = 5;
    const post = await openPost(() => {
      if (failures-- > 0) throw new Error("not now");
    });
    await post.boxes.insert({ id: "a", news: 1 });
    await post.more("a");
    await post.more("a");
    await post.world.run(60_000);
    expect(post.heard.map(({ news }) => news)).toEqual([1, 2, 3]);
  });

  test("a poisonous fact is parked after 45 seconds, not for ever, and delays nobody else", async () => {
    let tries = 0;
    const post = await openPost((_to, { subject }) => {
      if (subject !== "a") return;
      tries++;
      throw new Error("cannot digest it");
    });
    await post.boxes.insert({ id: "a", news: 1 });
    await post.boxes.insert({ id: "b", news: 1 });
    await post.world.run(50);
    expect(post.heard.map(({ subject }) => subject)).toEqual(["b"]);

    await post.world.run(40_000);
    expect(await post.outbox.deadLetters()).toEqual([]);
    expect(tries).toBeGreaterThan(12);
    await post.world.run(20_000);
    const whenParked = tries;
    await post.world.run(3_600_000);
    expect(tries).toBe(whenParked);
    const [letter] = await post.outbox.deadLetters();
    expect(letter).toMatchObject({
      from: "teller",
      to: "hearer",
      tries,
      error: "Error: cannot digest it",
      event: { subject: "a" },
    });
    expect(post.logged.some((text) => text.includes("dead letter"))).toBe(true);
  });

  test("a dead letter that is replayed is delivered, and leaves the list", async () => {
    let broken = true;
    const post = await openPost(() => {
      if (broken) throw new Error("broken");
    });
    await post.boxes.insert({ id: "a", news: 1 });
    await post.world.run(3_600_000);
    const [letter] = await post.outbox.deadLetters();
    broken = false;
    expect(await post.outbox.replay(letter?.id ?? "")).toMatchObject({ to: "hearer" });
    await post.world.run(1_000);
    expect(post.heard).toHaveLength(1);
    expect(await post.outbox.deadLetters()).toEqual([]);
    expect(await post.outbox.replay(letter?.id ?? "")).toBeUndefined();
  });

  test("one hearer that fails keeps no other from hearing", async () => {
    const post = await openPost(
      (to) => {
        if (to === "deaf") throw new Error("deaf");
      },
      ["deaf", "hearer"],
    );
    await post.boxes.insert({ id: "a", news: 1 });
    await post.world.run(500);
    expect(post.heard).toMatchObject([{ to: "hearer" }]);
  });

  test("a hearer whose store is away is tried again for as long as it takes", async () => {
    let down = true;
    const post = await openPost(() => {
      if (down) throw new Refusal("unavailable");
    });
    await post.boxes.insert({ id: "a", news: 1 });
    await post.world.run(600_000);
    expect(await post.outbox.state()).toMatchObject({ waiting: 1, deadLetters: 0 });
    down = false;
    await post.world.run(10_000);
    expect(post.heard).toHaveLength(1);
  });

  test("what was told by a process that died is delivered by the next one, under the same id", async () => {
    const post = await openPost(() => {});
    await post.outbox.stop();
    await post.boxes.insert({ id: "a", news: 1 });
    expect(post.heard).toEqual([]);
    const stored = (await post.adapter.findById("a"))?.outbox?.[0]?.id;

    post.outbox.start();
    await post.world.run(10_000);
    expect(post.heard).toMatchObject([{ id: stored, news: 1 }]);
  });

  test("of several nodes that find the same fact undelivered, one delivers it", async () => {
    const world = new VirtualWorld(7);
    const file = new SqliteFile(":memory:").use();
    let heard = 0;
    const hear = async () => {
      heard++;
      await world.pause(300);
    };
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => openPost(hear, ["hearer"], { world, file })));
    for (const post of [first, ...others]) await post?.outbox.stop();
    await first?.boxes.insert({ id: "a", news: 1 });
    for (const post of [first, ...others]) post?.outbox.start();
    await world.run(30_000);
    expect(heard).toBe(1);
  });

  test("nothing is lost when the document changes while a delivery is under way", async () => {
    const post = await openPost(async () => {
      await post.world.pause(200);
    });
    await post.boxes.insert({ id: "a", news: 1 });
    for (let n = 0; n < 5; n++) {
      await post.world.run(70);
      await post.more("a");
    }
    await post.world.run(20_000);
    expect([...new Set(post.heard.map(({ news }) => news))]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await post.outbox.state()).toEqual({ waiting: 0, deadLetters: 0 });
  });

  test("a hearer that stumbles is not asked more often because there is more to tell", async () => {
    let tries = 0;
    let stumbles = true;
    const post = await openPost(() => {
      tries++;
      if (stumbles) throw new Error("stumbled");
    });
    await post.boxes.insert({ id: "a", news: 1 });
    for (let n = 0; n < 40; n++) {
      await post.more("a");
      await post.world.run(25);
    }
    expect(tries).toBeLessThan(7);
    stumbles = false;
    await post.world.run(20_000);
    expect(post.heard.map(({ news }) => news)).toEqual(Array.from({ length: 41 }, (_, n) => n + 1));
    expect(await post.outbox.deadLetters()).toEqual([]);
  });

  test("a hearer that fails does not hold up what another is told later", async () => {
    const post = await openPost(
      (to) => {
        if (to === "deaf") throw new Error("deaf");
      },
      ["deaf", "hearer"],
    );
    await post.boxes.insert({ id: "a", news: 1 });
    await post.world.run(9_000);
    await post.more("a");
    await post.world.run(20);
    expect(post.heard.map(({ news }) => news)).toEqual([1, 2]);
  });

  test("what is told just as the delivery before it is noted does not wait for the next look", async () => {
    const post = await openPost(() => {});
    await post.boxes.insert({ id: "a", news: 1 });
    const telling: Promise<unknown>[] = [];
    for (let n = 0; n < 60; n++) {
      telling.push(post.more("a"));
      if (n % 3 === 0) await post.world.run(0);
    }
    await post.world.run(1_500);
    await Promise.all(telling);
    await post.world.run(100);
    expect(post.heard.at(-1)?.news).toBe(61);
    expect(await post.outbox.state()).toMatchObject({ waiting: 0 });
  });

  test("what was queued when the delivery stopped goes out after the next start", async () => {
    let blocked = true;
    const post = await openPost(async () => {
      while (blocked) await post.world.pause(10);
    });
    await Promise.all(Array.from({ length: 100 }, (_, n) => post.boxes.insert({ id: `b${n}`, news: 1 })));
    const stopped = post.outbox.stop();
    blocked = false;
    await post.world.run(3_000);
    await stopped;
    expect(post.heard.length).toBeLessThan(100);

    post.outbox.start();
    await post.world.run(10_000);
    expect(new Set(post.heard.map(({ subject }) => subject)).size).toBe(100);
  });

  test("a dead letter of a record with colons in its name can be replayed", async () => {
    let broken = true;
    const post = await openPost(() => {
      if (broken) throw new Error("broken");
    });
    await post.boxes.insert({ id: "SKU:1:a", news: 1 });
    await post.world.run(3_600_000);
    const [letter] = await post.outbox.deadLetters();
    broken = false;
    expect(await post.outbox.replay(letter?.id ?? "")).toMatchObject({ to: "hearer" });
    await post.world.run(1_000);
    expect(post.heard).toMatchObject([{ subject: "SKU:1:a" }]);
  });

  test("a replay is not undone by a delivery of the same document that was under way", async () => {
    let broken = true;
    const post = await openPost(async (_to, { data }) => {
      if (broken) throw new Error("broken");
      if ((data as { news: number }).news === 2) await post.world.pause(300);
    });
    await post.boxes.insert({ id: "a", news: 1 });
    await post.world.run(3_600_000);
    const [letter] = await post.outbox.deadLetters();
    broken = false;
    await post.more("a");
    await post.world.run(50);
    await post.outbox.replay(letter?.id ?? "");
    await post.world.run(10_000);
    expect(post.heard.map(({ news }) => news).toSorted()).toEqual([1, 2]);
    expect(await post.outbox.deadLetters()).toEqual([]);
  });

  test("a hearer that is back is told within seconds, also of what it has failed at for half a minute", async () => {
    let broken = true;
    const post = await openPost(() => {
      if (broken) throw new Error("broken");
    });
    await post.boxes.insert({ id: "a", news: 1 });
    await post.world.run(30_000);
    broken = false;
    await post.world.run(5_000);
    expect(post.heard).toHaveLength(1);
  });
});
