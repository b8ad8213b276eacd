import { Collection } from "../../mixins/collection.ts";
import { SqliteAdapter } from "../../mixins/sqlite.adapter.ts";
import { SqliteFile } from "../../mixins/sqlite.file.ts";
import type { Answer } from "../../services/gateway/answer.ts";
import { type Kept, Once, type Outcome, type Ticket } from "../../services/gateway/once.ts";
import { sealOf } from "../../services/gateway/seal.edge.ts";
import { VirtualWorld } from "../virtual-world.ts";

const answer = (text: string, status = 200): Answer => ({ status, headers: {}, body: text });
const ticket: Ticket = { id: "one", bodyDigest: "digest", seal: sealOf("key-1", "user a") };

/** Two gateways on one store, of which a test can take one away, and the work that they are to do. */
async function openTwo() {
  const world = new VirtualWorld(3);
  const file = new SqliteFile(":memory:").use();
  const adapter = new SqliteAdapter(() => file);
  adapter.init({}, { schema: { collection: "answers" } });
  const house = { world, hearersOf: () => [], toldIn: () => {} };
  const kept = new Collection<Kept>("answers", adapter, { fields: ["dueAt"] }, house);
  await adapter.connect();
  const there = new Set(["west", "east"]);
  const gateway = (self: string) => new Once(() => kept, world, { self, isThere: (id) => there.has(id) });
  const acts: { finish(text: string, status?: number): void }[] = [];
  const act = () =>
    new Promise<Answer>((resolve) => acts.push({ finish: (text, status) => resolve(answer(text, status)) }));
  return { world, kept, there, west: gateway("west"), east: gateway("east"), acts, act };
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
