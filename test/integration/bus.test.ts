import type { Socket } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { Redis } from "ioredis";
import type { ServiceBroker } from "moleculer";
import { newNode, twoNodes } from "../bus.ts";
import { until } from "../client.ts";
import { needKafka, startKafka } from "../servers/kafka.ts";
import { needNats, startNats } from "../servers/nats.ts";
import { needRabbitMq, startRabbitMq } from "../servers/rabbitmq.ts";
import { needRedis, startRedis } from "../servers/redis.ts";
import { type BreakableServer, describeWith, freePort, ours, type RunningServer } from "../servers/server.ts";

const meetingPoint = async (): Promise<RunningServer> => ({
  url: `tcp://127.0.0.1:${await freePort()}`,
  stop: async () => {},
});

interface Listening {
  tx: { reader: { sockets: Socket[] } };
}

const buses: [name: string, need: () => unknown, start: () => Promise<RunningServer>][] = [
  ["NATS", needNats, startNats],
  ["RabbitMQ", needRabbitMq, startRabbitMq],
  ["Kafka", needKafka, startKafka],
  ["Redis", needRedis, startRedis],
  ["TCP", () => {}, meetingPoint],
];

for (const [name, need, start] of buses)
  describeWith([need, ours(`LONJA_TEST_${name.toUpperCase()}_URL`)], `the bus over ${name}`, () => {
    let server: RunningServer;
    let asker: ServiceBroker;
    let answerer: ServiceBroker;
    let stop: () => Promise<void>;
    beforeAll(async () => {
      server = await start();
      ({ asker, answerer, stop } = await twoNodes(server.url));
    }, 600_000);
    afterAll(async () => {
      await stop();
      await server.stop();
    });

    // It is about what arrives, and not how soon on a machine that is busy.
    const say = (params: object) => asker.call("echo.say", params, { timeout: 30_000 });

    test("what is said is heard as it was", async () => {
      const odd = { text: "ñ 🐟 \u2028 \0", none: null, list: [1, { deep: [] }], number: 2 ** 53 - 1 };
      expect(await say(odd)).toEqual(odd);
    });

    test("two thousand calls at once are all answered", async () => {
      const answers = await Promise.all(Array.from({ length: 2_000 }, (_, n) => say({ n, text: "x".repeat(200) })));
      expect(answers.map((answer) => (answer as { n: number }).n)).toEqual(answers.map((_, n) => n));
    });

    test.each([3_200, 4_500])("a process that stood still for %d ms calls nobody gone", async (ms) => {
      const answers = [say({ n: 1 })];
      for (const until = performance.now() + ms; performance.now() < until; );
      answers.push(say({ n: 2 }));
      expect(await Promise.all(answers)).toEqual([{ n: 1 }, { n: 2 }]);
    });

    test("what is larger than a message broker takes arrives as well", async () => {
      const file = "a line of a product file\n".repeat(200_000);
      expect(((await say({ file })) as { file: string }).file === file).toBe(true);
    });

    test("a refusal is the same one on the other side, and of a failure no stack goes over the wire", async () => {
      await expect(asker.call("echo.refuse")).rejects.toMatchObject({
        name: "Refusal",
        type: "insufficient_stock",
        code: 409,
        message: "Only 2 left.",
        data: { errors: [{ path: "MUG", message: "2 left" }] },
      });
      const failure: Error = await asker.call("echo.fail").then(String as never, (error) => error);
      expect(failure).toMatchObject({ name: "TypeError", message: "x is not a function" });
      expect(failure.stack).not.toContain("test/bus.ts");
    });

    test("an answer changes nothing in who asks", async () => {
      const meta = { caller: { userId: "usr_1", role: "customer" } };
      await asker.call("echo.whoAsks", {}, { meta });
      expect(meta).toEqual({ caller: { userId: "usr_1", role: "customer" } });
    });

    if (name !== "TCP")
      test("after the server was killed and is back, calls work again without help", async () => {
        const breakable = server as BreakableServer;
        await breakable.kill();
        const down = await asker.call("echo.say", {}, { timeout: 1_000 }).catch((error) => error);
        await breakable.start();
        const answer = await until(
          () => asker.call("echo.say", { back: true }, { timeout: 1_000 }).catch(() => undefined),
          (heard) => heard !== undefined,
          600,
        );
        expect(down).toBeInstanceOf(Error);
        expect(answer).toEqual({ back: true });
        const burst = await Promise.all(Array.from({ length: 500 }, (_, n) => say({ n })));
        expect(burst).toHaveLength(500);
      });

    if (name === "TCP")
      test("after all connections were cut, a meeting point's with itself as well, nodes find each other again", async () => {
        for (const { transit } of [asker, answerer]) {
          const { reader } = (transit as unknown as Listening).tx;
          for (const socket of [...reader.sockets]) socket.resetAndDestroy();
        }
        const all = [asker, answerer].map(({ nodeID }) => nodeID).toSorted();
        const seenBy = ({ registry }: ServiceBroker) =>
          registry
            .getNodeList({ onlyAvailable: true, withServices: false })
            .map(({ id }) => id)
            .toSorted();
        // Whatever is asked first, both have noticed by then.
        await say({ cut: true }).catch(() => {});
        const seen = await until(
          async () => [seenBy(asker), seenBy(answerer)],
          (lists) => lists.every((ids) => ids.join() === all.join()),
        );
        expect(seen).toEqual([all, all]);
        expect(await say({ back: true })).toEqual({ back: true });
      });

    test("a node that has stopped is asked by nobody any more", async () => {
      await answerer.stop();
      const gone = await until(
        () => asker.call("echo.say", {}, { timeout: 500 }).catch((error) => error.name),
        (answer) => answer === "ServiceNotFoundError" || answer === "ServiceNotAvailableError",
      );
      expect(gone).toMatch(/^ServiceNot/);
    });
  });

const hasSix = networkInterfaces().lo?.some(({ address }) => address === "::1");
const hosts = [hostname(), ...(hasSix ? ["[::1]"] : [])];

test.each(hosts)("nodes meet at %s over TCP, which is an address of their machine", async (host) => {
  const { asker, stop } = await twoNodes(`tcp://${host}:${await freePort()}`);
  expect(await asker.call("echo.say", { well: "met" })).toEqual({ well: "met" });
  await stop();
});

test("nodes that start one upon the other at the same meeting point do not get into each other's way", async () => {
  const url = `tcp://127.0.0.1:${await freePort()}`;
  const nodes = await Promise.all(Array.from({ length: 24 }, (_, n) => newNode({ url, serves: n === 0 })));
  const failed: unknown[] = [];
  const start = async (node: ServiceBroker, turns: number) => {
    Object.assign(node.transit?.tx.logger ?? {}, { error: (...why: unknown[]) => failed.push(why) });
    for (let n = 0; n < turns; n++) await new Promise(setImmediate);
    await node.start();
  };
  await Promise.all(nodes.map(start));
  await Promise.all(nodes.map((node) => node.waitForServices("echo", 20_000, 50)));
  await Promise.all(nodes.map((node) => node.stop()));
  expect(failed).toEqual([]);
});

describeWith([needRedis], "the bus over Redis", () => {
  test("asks nothing on its connections that Redis does not take from whoever listens", async () => {
    const server = await startRedis();
    const watcher = new Redis(server.url);
    const monitor = await watcher.monitor();
    const asked = new Set<string>();
    monitor.on("monitor", (_time: string, [command = ""]: string[]) => void asked.add(command.toLowerCase()));
    const { stop } = await twoNodes(server.url);
    await until(
      async () => asked.has("publish"),
      (isThere) => isThere,
    );
    await stop();
    for (const client of [watcher, monitor]) client.disconnect();
    await server.stop();
    expect([...asked].toSorted()).toEqual(["publish", "subscribe"]);
  });
});
