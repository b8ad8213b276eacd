import { Collection, type Doc } from "../../mixins/collection.ts";
import { due } from "../../mixins/due.mixin.ts";
import { SqliteAdapter } from "../../mixins/sqlite.adapter.ts";
import { SqliteFile } from "../../mixins/sqlite.file.ts";
import { timeAt } from "../../services/shared/world.ts";
import { quietHouse } from "../house.ts";
import { VirtualWorld } from "../virtual-world.ts";

interface Task extends Doc {
  dueAt?: string;
}

/** A service that looks after its tasks, on a clock that a test moves. */
async function openOffice(
  handle: (task: Task, tasks: Collection<Task>) => Promise<unknown>,
  { world = new VirtualWorld(3), file = new SqliteFile(":memory:").use() } = {},
) {
  const adapter = new SqliteAdapter(() => file);
  adapter.init({}, { schema: { collection: "tasks" } });
  const options = { fields: ["dueAt"], indexes: [["dueAt"]] as const, isWatched: true };
  const tasks = new Collection<Task>("tasks", adapter, options, quietHouse(world));
  await adapter.connect();
  const mixin = due<Task>("tasks", (task) => handle(task, tasks)) as Record<"started" | "stopped", () => Promise<void>>;
  const service = { world, tasks, logger: { warn: () => {} } };
  await mixin.started.call(service);
  return { world, tasks, stop: () => mixin.stopped.call(service) };
}

describe("what is due", () => {
  test("is looked after even where many others always fail", async () => {
    const seen = new Set<string>();
    const office = await openOffice(async ({ id }, tasks) => {
      if (id.startsWith("bad")) throw new Error("cannot be looked after");
      seen.add(id);
      await tasks.change(id, ({ dueAt, ...rest }) => rest);
    });
    const now = timeAt(office.world);
    for (let n = 0; n < 120; n++) await office.tasks.insert({ id: `bad${n}`, dueAt: now });
    await office.tasks.insert({ id: "good", dueAt: timeAt(office.world, 100) });
    await office.world.run(3_000);

    expect([...seen]).toEqual(["good"]);
    await office.stop();
  });

  test("is not looked at without a pause where a handler leaves it as it is", async () => {
    let looks = 0;
    const office = await openOffice(async () => {
      looks++;
    });
    for (let n = 0; n < 50; n++) await office.tasks.insert({ id: `t${n}`, dueAt: timeAt(office.world) });
    await office.world.run(5_000);

    expect(looks).toBeLessThanOrEqual(50 * 10);
    await office.stop();
  });

  /** Two nodes on one store, whose clocks go three hours apart. Who works needs five seconds, and puts it off for so long. */
  async function twoOffices(clocks: { mine: string; others: string }, works: boolean) {
    const file = new SqliteFile(":memory:").use();
    const taken: string[] = [];
    const takeUp = (who: string, world: VirtualWorld) => async (task: Task, tasks: Collection<Task>) => {
      if (await tasks.replace(task, { ...task, dueAt: timeAt(world, 5_000) })) taken.push(who);
    };
    const [mine, others] = [new VirtualWorld(3, clocks.mine), new VirtualWorld(4, clocks.others)];
    const one = await openOffice(takeUp("mine", mine), { world: mine, file });
    const other = await openOffice(takeUp("other", others), { world: others, file });
    await one.tasks.insert({ id: "task", dueAt: timeAt(mine) });
    await mine.run(600);
    if (!works) await one.stop();
    const run = async (ms: number) => {
      for (let at = 0; at < ms; at += 100) {
        if (works) await mine.run(100);
        await others.run(100);
      }
    };
    return { taken, run, stop: () => Promise.all([one.stop(), other.stop()]) };
  }

  test("is taken over from a node whose clock was hours ahead, after as long as it had it for itself", async () => {
    const clocks = { mine: "2026-01-01T15:00:00.000Z", others: "2026-01-01T12:00:00.000Z" };
    const { taken, run, stop } = await twoOffices(clocks, false);
    await run(5_000);
    expect(taken).toEqual(["mine"]);
    await run(4_000);
    expect(taken).toEqual(["mine", "other"]);
    await stop();
  });

  test("is left to a node that comes back to it, by one whose clock is hours behind", async () => {
    const clocks = { mine: "2026-01-01T15:00:00.000Z", others: "2026-01-01T12:00:00.000Z" };
    const { taken, run, stop } = await twoOffices(clocks, true);
    await run(60_000);
    expect(new Set(taken)).toEqual(new Set(["mine"]));
    expect(taken.length).toBeGreaterThan(9);
    await stop();
  });
});
