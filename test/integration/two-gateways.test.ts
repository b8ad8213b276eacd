import { Collection } from "../../mixins/collection.ts";
import { SqliteAdapter } from "../../mixins/sqlite.adapter.ts";
import { SqliteFile } from "../../mixins/sqlite.file.ts";
import { type Kept, Once, type Outcome, type Ticket } from "../../services/gateway/once.edge.ts";
import type { Answer } from "../../services/gateway/problem.ts";
import { sealOf } from "../../services/gateway/seal.edge.ts";
import { noFigures } from "../../services/shared/figures.ts";
import { quietHouse } from "../house.ts";
import { VirtualWorld } from "../virtual-world.ts";

const answer = (text: string, status = 200): Answer => ({ status, headers: {}, body: text });
const ticket: Ticket = { id: "one", bodyDigest: "digest", seal: sealOf("key-1", "user a"), knowsKeys: false };
const knowing = { ...ticket, knowsKeys: true };

/** Two gateways on one store, of which a test can take one away, and the work that they are to do. */
async function openTwo() {
  const world = new VirtualWorld(3);
  const figures = noFigures();
  const file = new SqliteFile(":memory:", figures).use();
  const adapter = new SqliteAdapter(() => file);
  adapter.init({}, { schema: { collection: "answers" } });
  const house = quietHouse(world);
  const kept = new Collection<Kept>("answers", adapter, { fields: ["dueAt"] }, house);
  await adapter.connect();
  const there = new Set(["west", "east"]);
  const gateway = (self: string) => new Once(() => kept, world, { self, isThere: (id) => there.has(id) });
  const acts: { finish(text: string, status?: number): void }[] = [];
  const act = () =>
    new Promise<Answer>((resolve) => acts.push({ finish: (text, status) => resolve(answer(text, status)) }));
  return { world, kept, figures, there, west: gateway("west"), east: gateway("east"), acts, act };
}
const outcomeOf = (run: Promise<Outcome>) =>
  run.then(
    ({ answer: { body }, replayed }) => [body, replayed],
    (error) => error.type,
  );

describe("one request at two gateways", () => {
  test("whoever is first does it, the other waits a moment and gives the same answer", async () => {
    const { west, east, acts, act, world } = await openTwo();
    const first = outcomeOf(west.run(ticket, act));
    await world.run(10);
    const second = outcomeOf(east.run(ticket, act));
    await world.run(300);
    acts[0]?.finish("done");
    await world.run(300);

    expect(await first).toEqual(["done", false]);
    expect(await second).toEqual(["done", true]);
    expect(acts).toHaveLength(1);
  });

  test("the other does not wait for ever", async () => {
    const { west, east, acts, act, world } = await openTwo();
    const first = outcomeOf(west.run(ticket, act));
    await world.run(10);
    const second = outcomeOf(east.run(ticket, act));
    await world.run(2_000);

    expect(await second).toBe("request_in_progress");
    acts[0]?.finish("done");
    await world.run(10);
    expect(await first).toEqual(["done", false]);
  });

  test("repeats at one of them share what the first one gets, and cost nothing", async () => {
    const { west, acts, act, world, figures } = await openTwo();
    const all = Array.from({ length: 50 }, () => outcomeOf(west.run(ticket, act)));
    await world.run(10);
    acts[0]?.finish("done");

    const [first, ...repeats] = await Promise.all(all);
    expect(first).toEqual(["done", false]);
    expect(repeats).toEqual(Array(49).fill(["done", true]));
    expect([acts.length, figures.writes]).toEqual([1, 2]);
  });

  test("what is not kept is shared by those who asked meanwhile, and asked anew by those who come later", async () => {
    const { west, acts, act, world } = await openTwo();
    const all = [1, 2, 3].map(() => outcomeOf(west.run(ticket, act)));
    await world.run(10);
    acts[0]?.finish("no", 503);
    expect((await Promise.all(all)).map((outcome) => outcome[0])).toEqual(["no", "no", "no"]);

    const later = outcomeOf(west.run(ticket, act));
    await world.run(10);
    acts[1]?.finish("yes");
    expect(await later).toEqual(["yes", false]);
  });

  test("another body is refused by both, whether the first is running or done", async () => {
    const { west, east, acts, act, world } = await openTwo();
    const other = { ...ticket, bodyDigest: "other" };
    const first = outcomeOf(west.run(ticket, act));
    await world.run(10);
    expect(await outcomeOf(east.run(other, act))).toBe("idempotency_key_reused");
    acts[0]?.finish("done");
    await first;

    expect(await outcomeOf(west.run(other, act))).toBe("idempotency_key_reused");
  });

  test("when the first one dies, one other takes over at once", async () => {
    const { west, east, acts, act, world, there } = await openTwo();
    const lost = outcomeOf(west.run(ticket, act));
    await world.run(10);
    there.delete("west");
    const repeats = [1, 2, 3].map(() => outcomeOf(east.run(ticket, act)));
    await world.run(50);
    acts[1]?.finish("done");
    await world.run(500);

    expect((await Promise.all(repeats)).toSorted()).toEqual([
      ["done", false],
      ["done", true],
      ["done", true],
    ]);
    expect(acts).toHaveLength(2);
    acts[0]?.finish("too late");
    await world.run(10);
    expect(await lost).toEqual(["done", true]);
  });

  test("one that hangs is taken for dead after 30 s, and what it then fails at does no harm", async () => {
    const { west, east, acts, act, world } = await openTwo();
    const hung = outcomeOf(west.run(ticket, act));
    await world.run(31_000);
    const second = outcomeOf(east.run(ticket, act));
    await world.run(50);
    acts[0]?.finish("failed", 500);
    await world.run(50);
    acts[1]?.finish("done");
    await world.run(50);

    expect(await hung).toEqual(["failed", false]);
    expect(await second).toEqual(["done", false]);
    expect(await outcomeOf(west.run(ticket, act))).toEqual(["done", true]);
    expect(acts).toHaveLength(2);
  });

  test.each([400, 401, 403, 404, 422, 429, 500, 503])("an answer of %d is forgotten", async (status) => {
    const { west, east, acts, act, world, kept } = await openTwo();
    const first = outcomeOf(west.run(ticket, act));
    await world.run(10);
    acts[0]?.finish("no", status);
    await world.run(10);
    await first;

    expect(await kept.count()).toBe(0);
    const second = outcomeOf(east.run(ticket, act));
    await world.run(10);
    acts[1]?.finish("yes");
    await world.run(10);
    expect(await second).toEqual(["yes", false]);
  });

  test.each([200, 201, 202, 204, 402, 409, 412])("an answer of %d is kept", async (status) => {
    const { west, east, acts, act, world } = await openTwo();
    const first = outcomeOf(west.run(ticket, act));
    await world.run(10);
    acts[0]?.finish("final", status);
    await world.run(10);
    await first;

    expect(await outcomeOf(east.run(ticket, act))).toEqual(["final", true]);
  });
});

describe("one request at two gateways, to an action that knows its repeats", () => {
  test("nothing is written before the answer, and the answer once", async () => {
    const { west, acts, act, world, kept, figures } = await openTwo();
    const first = outcomeOf(west.run(knowing, act));
    await world.run(10);
    expect([await kept.count(), figures.writes]).toEqual([0, 0]);
    acts[0]?.finish("done");

    expect(await first).toEqual(["done", false]);
    expect([await kept.count(), figures.writes]).toEqual([1, 1]);
    expect(await outcomeOf(west.run(knowing, act))).toEqual(["done", true]);
    expect(acts).toHaveLength(1);
  });

  test("both ask, and both give the answer that was kept first", async () => {
    const { west, east, acts, act, world } = await openTwo();
    const outcomes = [west, east].map((gateway) => outcomeOf(gateway.run(knowing, act)));
    await world.run(10);
    acts[1]?.finish("confirmed");
    await world.run(10);
    acts[0]?.finish("confirmed and shipped");

    expect(await Promise.all(outcomes)).toEqual([
      ["confirmed", true],
      ["confirmed", false],
    ]);
    expect(await outcomeOf(west.run(knowing, act))).toEqual(["confirmed", true]);
  });

  test("when the first one dies, the other asks at once, and keeps what it is told", async () => {
    const { west, east, acts, act, world, there } = await openTwo();
    void west.run(knowing, act);
    await world.run(10);
    there.delete("west");
    const second = outcomeOf(east.run(knowing, act));
    await world.run(10);
    acts[1]?.finish("done");

    expect(await second).toEqual(["done", false]);
  });

  test("another body is refused while the first is under way here, and by both when it is kept", async () => {
    const { west, east, acts, act, world } = await openTwo();
    const other = { ...knowing, bodyDigest: "other" };
    const first = outcomeOf(west.run(knowing, act));
    await world.run(10);
    expect(await outcomeOf(west.run(other, act))).toBe("idempotency_key_reused");
    acts[0]?.finish("done");
    await first;

    for (const gateway of [west, east]) expect(await outcomeOf(gateway.run(other, act))).toBe("idempotency_key_reused");
  });

  test.each([422, 500, 503])("an answer of %d is not kept", async (status) => {
    const { west, acts, act, world, figures } = await openTwo();
    const first = outcomeOf(west.run(knowing, act));
    await world.run(10);
    acts[0]?.finish("no", status);

    expect(await first).toEqual(["no", false]);
    expect(figures.writes).toBe(0);
  });
});
