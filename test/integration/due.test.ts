import { Collection, type Doc } from "../../mixins/collection.ts";
import { due } from "../../mixins/due.mixin.ts";
import { SqliteAdapter } from "../../mixins/sqlite.adapter.ts";
import { SqliteFile } from "../../mixins/sqlite.file.ts";
import { timeAt } from "../../services/shared/world.ts";
import { VirtualWorld } from "../virtual-world.ts";

interface Task extends Doc {
  dueAt?: string;
}

/** A service that looks after its tasks, on a clock that a test moves. */
async function openOffice(handle: (task: Task, tasks: Collection<Task>) => Promise<unknown>) {
  const world = new VirtualWorld(3);
  const file = new SqliteFile(":memory:").use();
  const adapter = new SqliteAdapter(() => file);
  adapter.init({}, { schema: { collection: "tasks" } });
  const options = { fields: ["dueAt"], indexes: [["dueAt"]] as const };
  const tasks = new Collection<Task>("tasks", adapter, options, { world, hearersOf: () => [], toldIn: () => {} });
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
});
