import type { Middleware, ServiceBroker } from "moleculer";
import { newNode } from "../bus.ts";
import { until } from "../client.ts";
import { freePort } from "../servers/server.ts";

type Receive = (command: string, data: Uint8Array, socket?: unknown) => unknown;

/** What has arrived at a node lies there until it has time to read. */
function frozen() {
  let kept: (() => void)[] | undefined;
  const more = {
    transporterReceive:
      (next: Receive): Receive =>
      (command, data, socket) => {
        if (!kept || command !== "REQ") return next(command, data, socket);
        return kept.push(() => void next(command, data, socket));
      },
  } as unknown as Middleware;
  return {
    more,
    freeze() {
      kept = [];
    },
    wake() {
      const waiting = kept ?? [];
      kept = undefined;
      for (const read of waiting) read();
      return waiting.length;
    },
  };
}

describe("a call that arrives late", () => {
  const node = frozen();
  let asker: ServiceBroker;
  let answerer: ServiceBroker;
  const done: unknown[] = [];
  beforeAll(async () => {
    const url = `tcp://127.0.0.1:${await freePort()}`;
    [asker, answerer] = await Promise.all([newNode({ url }), newNode({ url, more: node.more })]);
    answerer.createService({
      name: "work",
      actions: {
        do: (ctx) => {
          done.push(ctx.params);
          return ctx.options.timeout;
        },
      },
    });
    await Promise.all([asker.start(), answerer.start()]);
    await asker.waitForServices("work", 20_000, 50);
    await asker.call("work.do", "first");
  });
  afterAll(async () => void (await Promise.all([asker.stop(), answerer.stop()])));

  test("is not begun when nobody waits for it any more, and begun when somebody does", async () => {
    node.freeze();
    const impatient = asker.call("work.do", "late", { timeout: 100 }).catch((error) => error.name);
    const patient = asker.call("work.do", "in time", { timeout: 60_000 });
    const given = await impatient;
    await until(
      async () => performance.now(),
      () => false,
      4,
    );
    const read = node.wake();
    const left = Number(await patient);

    expect([given, read]).toEqual(["RequestTimeoutError", 2]);
    expect(done).toEqual(["first", "in time"]);
    // What it has waited is taken off what is left for it, and for whatever it asks of others.
    expect(left).toBeLessThanOrEqual(60_000 - 100);
    expect(left).toBeGreaterThan(0);
  });
});
