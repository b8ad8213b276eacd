import { Memory, MemoryAdapter } from "../../simulation/memory.adapter.ts";
import { storeConformance } from "../conformance/store.ts";

for (const copies of [true, false]) {
  let memory = new Memory({ copies });
  storeConformance(
    copies ? "memory" : "memory of frozen documents",
    () => new MemoryAdapter(memory),
    async () => {
      memory = new Memory({ copies });
    },
  );
}
