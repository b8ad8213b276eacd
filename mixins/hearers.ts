import { contracts } from "../services/contracts.ts";
import type { Contract } from "../services/shared/contract.ts";
import type { Delivery } from "./store.ts";

const hearers = new Map<string, string[]>();
const inAnyOrder = new Set<string>();
for (const { name, hears = [], hearsInAnyOrder = [] } of Object.values<Contract>(contracts)) {
  for (const type of hears) hearers.set(type, [...(hearers.get(type) ?? []), name]);
  for (const type of hearsInAnyOrder) inAnyOrder.add(`${name} ${type}`);
}
const nobody: readonly string[] = [];

/** The services that hear a fact. */
export const hearersOf = (type: string): readonly string[] => hearers.get(type) ?? nobody;

/** Deliveries of one document that have the same lane come one after the other. */
export const laneOf = ({ id, type, to }: Pick<Delivery, "id" | "type" | "to">): string =>
  inAnyOrder.has(`${to} ${type}`) ? `${to} ${id}` : to;
