import { repeat } from "../../mixins/repeat.ts";
import { VirtualWorld } from "../virtual-world.ts";

/** When each run begins, in milliseconds from the start. */
const startsOf = async (tookMs: number, more = false): Promise<number[]> => {
  const world = new VirtualWorld(1);
  const begin = world.now();
  const starts: number[] = [];
  const task = async () => {
    starts.push(world.now() - begin);
    await world.pause(tookMs);
    return more;
  };
  const stop = repeat(world, 500, task, () => {});
  await world.run(5_000);
  await world.during(stop());
  return starts;
};

describe("what is looked for again and again", () => {
  test("is looked for at its own pace while looks are quick", async () => {
    expect((await startsOf(10)).slice(0, 3)).toEqual([500, 1_010, 1_520]);
  });

  test("leaves a slow store four fifths of its time", async () => {
    expect((await startsOf(300)).slice(0, 3)).toEqual([500, 2_000, 3_500]);
  });

  test("never pauses for more than two seconds, however slow a look", async () => {
    expect(await startsOf(1_000)).toEqual([500, 3_500]);
  });

  test("is looked for at once where there is more", async () => {
    expect((await startsOf(300, true)).slice(0, 3)).toEqual([500, 801, 1_102]);
  });
});
