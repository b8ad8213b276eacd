import { Collection } from "../../mixins/store.mixin.ts";
import { Guard } from "../../services/notifications/address.edge.ts";
import type { KeptEndpoint } from "../../services/notifications/endpoint.ts";
import { endpointOptions, Register } from "../../services/notifications/register.edge.ts";
import { Memory, MemoryAdapter } from "../../simulation/memory.adapter.ts";
import { quietHouse } from "../house.ts";
import { VirtualWorld } from "../virtual-world.ts";

/** Several nodes over one store. */
function openRegisters(count: number): Register[] {
  const memory = new Memory();
  const guard = new Guard(["erp.lan:8080"]);
  return Array.from({ length: count }, (_, seed) => {
    const world = new VirtualWorld(seed);
    const adapter = new MemoryAdapter(memory);
    adapter.init(undefined, { schema: { collection: "endpoints" } });
    const house = quietHouse(world);
    return new Register({
      endpoints: new Collection<KeptEndpoint>("endpoints", adapter, endpointOptions, house),
      guard,
      world,
    });
  });
}

test("whoever asks is told of what was there by then, also where many ask at once", async () => {
  const [register] = openRegisters(1) as [Register];
  const wanted = { url: "http://erp.lan:8080/hook", eventTypes: ["order.confirmed" as const] };
  const ask = async () => {
    const { id } = await register.add(wanted, undefined);
    return { id, heard: (await register.hearersOf("order.confirmed")).map((endpoint) => endpoint.id) };
  };
  const told = await Promise.all(Array.from({ length: 20 }, ask));

  expect(told.filter(({ id, heard }) => !heard.includes(id))).toEqual([]);
  expect(await register.hearersOf("order.canceled")).toEqual([]);
});

test("of those who register at once at several nodes fifty come in, and one that was removed makes room", async () => {
  const registers = openRegisters(3);
  const [register] = registers as [Register, ...Register[]];
  const wanted = { url: "http://erp.lan:8080/hook", eventTypes: ["order.confirmed" as const] };
  const asked = Array.from({ length: 75 }, (_, n) =>
    (registers[n % registers.length] as Register).add(wanted, undefined),
  );
  const answers = await Promise.allSettled(asked);
  const made = answers.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const refused = answers.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));

  expect([made.length, refused.length]).toEqual([50, 25]);
  for (const error of refused) expect(error).toMatchObject({ type: "invalid_state" });
  expect(await register.hearersOf("order.confirmed")).toHaveLength(50);
  await register.end(made[0]?.id ?? "", undefined);
  expect(await register.add(wanted, undefined)).toMatchObject({ state: "enabled" });
  await expect(register.add(wanted, undefined)).rejects.toMatchObject({ type: "invalid_state" });
});
