import { Gate } from "../../mixins/gate.ts";
import { VirtualWorld } from "../virtual-world.ts";

const world = new VirtualWorld(1);
let gate: Gate;
let written: string[];
beforeEach(() => {
  gate = new Gate(world);
  written = [];
});
const write = (what: string, until: Promise<unknown> = Promise.resolve()) =>
  gate.pass(async () => {
    await until;
    written.push(what);
  });
const turn = () => world.run(0);

describe("the gate of a node's writes", () => {
  test("lets nothing through while it is closed, and all of it afterwards, in order", async () => {
    expect(await gate.close("backup", 1_000)).toBe(true);
    const writes = [write("a"), write("b")];
    await turn();
    expect(written).toEqual([]);
    expect(gate.open("backup")).toBe(true);
    await Promise.all(writes);
    expect(written).toEqual(["a", "b"]);
  });

  test("is closed only when what was under way has ended", async () => {
    const disk = Promise.withResolvers<void>();
    const slow = write("slow", disk.promise);
    let isClosed = false;
    const closing = gate.close("backup", 1_000).then((yes) => {
      isClosed = yes;
    });
    await turn();
    expect(isClosed).toBe(false);
    disk.resolve();
    await Promise.all([slow, closing]);
    expect([isClosed, written]).toEqual([true, ["slow"]]);
    gate.open("backup");
  });

  test("opens by itself where nobody opens it in time, and says so to whoever comes too late", async () => {
    await gate.close("a backup that dies", 1_000);
    const waiting = write("a");
    await world.run(1_000);
    await waiting;
    expect([written, gate.open("a backup that dies")]).toEqual([["a"], false]);
  });

  test("says that it could not be closed where a write takes longer than it may stay closed", async () => {
    const disk = Promise.withResolvers<void>();
    const slow = write("slow", disk.promise);
    const closing = gate.close("backup", 1_000);
    await world.run(1_000);
    expect(await closing).toBe(false);
    const next = write("next");
    await turn();
    expect(written).toEqual(["next"]);
    disk.resolve();
    await Promise.all([slow, next]);
  });

  test("is closed for one at a time, and nobody else opens it", async () => {
    await gate.close("one", 1_000);
    expect([await gate.close("other", 1_000), gate.open("other")]).toEqual([false, false]);
    expect(gate.open("one")).toBe(true);
  });

  test("a write that fails is over as well", async () => {
    const failing = gate.pass(() => Promise.reject(new Error("disk full")));
    const closing = gate.close("backup", 1_000);
    await expect(failing).rejects.toThrow("disk full");
    expect(await closing).toBe(true);
    gate.open("backup");
  });
});
