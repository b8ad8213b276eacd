import { ServiceBroker } from "moleculer";
import { schemaOf } from "../extensions.ts";
import { brokerOptions, type Node } from "../moleculer.config.ts";
import { isAbsent } from "../moving/shop.ts";
import { contracts, type ServiceName } from "../services/contracts.ts";
import type { Report } from "../services/doctor/doctor.contract.ts";
import type { TypedBroker } from "../services/shared/typed.ts";
import { sleep } from "../services/shared/world.ts";

const MOST_TRIES = 20;
const PAUSE_MS = 1_000;

/**
 * Opens a shop without its door, has doctor look at it until all is well or time is up, and closes it again. It is a shop
 * like any other meanwhile: what was under way goes on.
 */
export async function examine({ settings, world }: Node): Promise<Report> {
  const alone = { ...settings, transporter: undefined };
  const broker = new ServiceBroker(await brokerOptions({ settings: alone, world, logger: false }));
  const services = (Object.keys(contracts) as ServiceName[]).filter((name) => name !== "gateway");
  for (const name of services) {
    // An empty record of the provider would say that nobody has ever paid.
    if (name === "sandbox" && isAbsent(settings, name)) continue;
    broker.createService(await schemaOf(name));
  }
  await broker.start();
  try {
    const shop = broker as unknown as TypedBroker;
    let report = await shop.call("doctor.examine", {});
    for (let tries = 1; tries < MOST_TRIES && !report.ok; tries++) {
      await sleep(world, PAUSE_MS);
      report = await shop.call("doctor.examine", {});
    }
    return report;
  } finally {
    await broker.stop();
  }
}

export const linesOf = ({ checks }: Report): string[] => [
  ...checks
    .filter(({ ok }) => !ok)
    .flatMap(({ name, detail, advice }) => [`${name}: ${detail}`, ...(advice ? [`  ${advice}`] : [])]),
  checks.every(({ ok }) => ok)
    ? `Doctor finds nothing wrong in ${checks.length} checks.`
    : "Doctor looks again when the shop is open: npm run doctor.",
];
