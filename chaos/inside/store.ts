import type { StoreAdapter } from "../../mixins/store.ts";
import type { OpenStore } from "../../mixins/stores.ts";

type Write = (...given: unknown[]) => Promise<unknown>;

const writes = { insert: "insert", insertMany: "insert", replace: "save", removeById: "remove" } as const;

interface Watch {
  pass(point: string): void;
  isDiskFull(): boolean;
}

/** Stores whose writes are points, and which may find no room. */
export const watchedStores =
  (open: OpenStore, watch: Watch): OpenStore =>
  (service) =>
    watched(open(service), service, watch);

function watched(adapter: StoreAdapter, service: string, { pass, isDiskFull }: Watch): StoreAdapter {
  let collection = "";
  const init = adapter.init.bind(adapter);
  adapter.init = (broker, owner) => {
    collection = owner.schema.collection.slice(service.length + 1);
    init(broker, owner);
  };
  for (const [name, word] of Object.entries(writes)) {
    const write = (adapter[name as keyof typeof writes] as Write).bind(adapter);
    const around: Write = async (...given) => {
      const point = `${service}.${collection}.${word}`;
      pass(`${point}:before`);
      if (isDiskFull()) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
      const written = await write(...given);
      pass(`${point}:after`);
      return written;
    };
    Object.assign(adapter, { [name]: around });
  }
  return adapter;
}
