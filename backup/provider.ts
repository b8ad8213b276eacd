import { ServiceBroker, type ServiceSchema } from "moleculer";
import { UnusableStore } from "../mixins/store.ts";
import { brokerOptions, type Node } from "../moleculer.config.ts";
import { isAbsent, placesOf } from "../moving/shop.ts";
import type { ListedCharge } from "../services/payments/provider.ts";
import { sandboxProvider } from "../services/payments/sandbox.edge.ts";
import type { TypedBroker } from "../services/shared/typed.ts";

/** The provider's record cannot be had. */
export class NoRecord extends Error {
  override readonly name = "NoRecord";
}

/**
 * All that the payment provider has of this shop. The sandbox is a service of ours: it is started for it, alone. It must
 * not be made for it: an empty record would say that nobody has ever paid.
 */
export async function chargesOf({ settings, world }: Node): Promise<ListedCharge[]> {
  const place = placesOf(settings, ["sandbox"]);
  if (isAbsent(settings, "sandbox")) throw new NoRecord(`there is no ${place}, where the sandbox keeps its record`);
  const alone = { ...settings, transporter: undefined };
  const broker = new ServiceBroker(await brokerOptions({ settings: alone, world, logger: false }));
  const { default: sandbox } = await import("../services/sandbox/sandbox.service.ts");
  broker.createService(sandbox as ServiceSchema);
  try {
    await broker.start();
    return await Array.fromAsync(sandboxProvider(broker as unknown as TypedBroker).charges());
  } catch (error) {
    if (error instanceof UnusableStore) throw new NoRecord(error.message);
    throw error;
  } finally {
    await broker.stop();
  }
}
