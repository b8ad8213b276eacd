import { ServiceBroker } from "moleculer";
import { schemaOf } from "../extensions.ts";
import type { Collection, Doc } from "../mixins/store.mixin.ts";
import { HALF_MOVED, UnusableStore } from "../mixins/store.ts";
import { brokerOptions, type Node } from "../moleculer.config.ts";
import { connectAll, isAbsent, placesOf } from "../moving/shop.ts";
import { contracts, type ServiceName } from "../services/contracts.ts";
import { examine } from "../services/doctor/examination.edge.ts";
import type { Cluster } from "../services/shared/typed.ts";
import { NoPatient, type Patient } from "./ways.ts";

interface Made {
  $collections?: Collection<Doc>[];
  actions: Record<string, (params: unknown) => Promise<unknown>>;
}

/**
 * A shop that nobody has started. Its services are made, because they know their records, and never started: nothing is
 * delivered, driven on or repaired while it is looked at. What they ask of each other is a call of a function.
 */
export async function stoppedShop({ settings, world }: Node): Promise<Patient> {
  const alone = { ...settings, transporter: undefined };
  const options = await brokerOptions({ settings: alone, world, logger: false });
  // What is under way is tracked for a stop, by services that were started.
  const broker = new ServiceBroker({ ...options, tracking: { enabled: false } });
  const made = new Map<string, Made>();
  const cluster = {
    async call(name: string, params: unknown) {
      const [service = "", action = ""] = name.split(".");
      const asked = made.get(service)?.actions[action];
      if (!asked) throw new Error(`there is nothing of ${service} in ${placesOf(settings)}`);
      return asked(params);
    },
  };
  Object.assign(broker, cluster);
  const everyService = Object.keys(contracts) as ServiceName[];
  for (const name of everyService.filter((name) => name !== "gateway" && !isAbsent(settings, name))) {
    made.set(name, broker.createService(await schemaOf(name)) as unknown as Made);
  }
  if (made.size === 0) throw new NoPatient(`There is no shop in ${placesOf(settings)}: nothing was ever kept there.`);
  const collections = [...made.values()].flatMap(({ $collections = [] }) => $collections);
  const leave = await connectAll(collections.map(({ adapter }) => adapter));
  try {
    for (const { name, adapter } of collections)
      if ((await adapter.storedSchemaVersion()) === HALF_MOVED)
        throw new UnusableStore(`An import has not come to its end, and ${name} may not be all there.`);
  } catch (error) {
    await leave();
    throw error;
  }
  const manner = { rest: () => 0, isOver: () => false, isStopped: true };
  return {
    place: placesOf(settings),
    examine: () => examine(cluster as Cluster, world, manner),
    leave,
  };
}
