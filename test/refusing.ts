import { existsSync } from "node:fs";
import { ServiceBroker } from "moleculer";

/**
 * Loaded before a node of the shop (`node --import`), this is a mistake in one consumer: while the file at
 * LONJA_TEST_REFUSING is there, `notifications` cannot take a fact about an order of somebody called refused@….
 */
type Hear = (fact: { data: { order?: { email?: string } } }) => unknown;

const { createService } = ServiceBroker.prototype;
ServiceBroker.prototype.createService = function (this: ServiceBroker, schema: Parameters<typeof createService>[0]) {
  const { hears } = schema as { hears?: Record<string, Hear> };
  for (const [type, hear] of Object.entries(schema.name === "notifications" ? (hears ?? {}) : {}))
    Object.assign(hears ?? {}, {
      [type](this: unknown, fact: Parameters<Hear>[0]) {
        if (fact.data.order?.email?.startsWith("refused@") && existsSync(process.env.LONJA_TEST_REFUSING ?? ""))
          throw new TypeError("Cannot read properties of undefined");
        return hear.call(this, fact);
      },
    });
  return createService.call(this, schema);
} as typeof createService;
