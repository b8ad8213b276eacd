import { transporterOf } from "../../bus/transporters.ts";

const optionsOf = (url: string) => (transporterOf(url) as unknown as { options: Record<string, unknown> }).options;

describe("the transporter of a URL", () => {
  test.each([
    ["nats://shop:a:b@one", "shop", "a:b", ["one:4222"]],
    ["nats://shop:p%40ss%3Aw%2Frd@one:4,[::1]:5", "shop", "p@ss:w/rd", ["one:4", "[::1]:5"]],
    ["nats://shop@one", "shop", "", ["one:4222"]],
    ["nats://one,two:4223/", undefined, undefined, ["one:4222", "two:4223"]],
  ])("%s", (url, user, pass, servers) => {
    const options = optionsOf(url);
    expect([options.user, options.pass, options.servers]).toEqual([user, pass, servers]);
  });

  test("several of RabbitMQ are tried one after the other", () => {
    expect(optionsOf("amqp://a:b@one,amqps://two/shop").url).toBe("amqp://a:b@one;amqps://two/shop");
  });

  test.each([
    "nats://shop:hunter2@host:port",
    "nats://shop:hun%zzter2@host",
    "kafka://shop:hunter2/x@host",
    "tcp://",
    "nats://host?ca=/nowhere/ca.pem",
    "redis://:hunter2/x@host:6379",
    "redis://:hun%zzter2@host:6379",
    "amqp://shop:hunter2@host:port",
    "amqp://one,amqp://shop:hunter2/x@two",
  ])("%s is refused in one line that shows no password", (url) => {
    expect(() => transporterOf(url)).toThrow(
      expect.objectContaining({
        name: "UnusableSetting",
        message: expect.stringMatching(/^TRANSPORTER cannot be used: (?!.*ter2).*\.$/),
      }),
    );
  });
});
