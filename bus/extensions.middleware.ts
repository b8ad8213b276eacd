import type { Middleware, ServiceBroker } from "moleculer";
import { extensions } from "../extensions.ts";

interface Met {
  node: { id: string; metadata?: { extensions?: readonly string[] } };
}

/** The services of this shop's own, as a node tells the others. */
export const ownServices: readonly string[] = extensions.map(({ contract }) => contract.name).toSorted();

const listed = (names: readonly string[]) => names.join(", ") || "none";

/**
 * Who tells a fact has to know who hears it: a node that knows other services than the rest keeps nothing for those, and
 * nobody would miss it. So it is said by both as soon as two such nodes meet.
 */
export function sameExtensions(): Middleware {
  return {
    created(broker: ServiceBroker) {
      const logger = broker.getLogger("extensions");
      broker.localBus.on("$node.connected", ({ node }: Met) => {
        const theirs = node.metadata?.extensions ?? [];
        if (listed(theirs) !== listed(ownServices))
          logger.error(
            `EXTENSIONS differ: this node knows ${listed(ownServices)}, and ${node.id} knows ${listed(theirs)}. What either tells is not kept for services that it does not know.`,
          );
      });
    },
  };
}
