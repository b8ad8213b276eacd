import { contracts } from "../services/contracts.ts";
import { between, chanceOf, pick, shuffled } from "./chance.ts";
import { type Fault, type Kind, kindOf, kindsFor } from "./faults.ts";
import type { Options } from "./options.ts";

const FIRST_MS = 3_000;
/** Where the shop is one process, each fault hits all of it: it has to be there for something in between. */
const pauses = { sqlite: [2_500, 12_000], postgres: [800, 6_000], mongodb: [800, 6_000] } as const;
const services = Object.keys(contracts);

/**
 * What goes wrong, and when: a pure function of the options, of which the seed is one. Kinds are drawn from a bag
 * that is filled again when it is empty, so that a short run sees many of them; faults last longer than the pauses
 * between them, so that some overlap.
 */
export function planOf(options: Options): Fault[] {
  const chance = chanceOf(options.seed, "faults");
  const all = kindsFor(options).flatMap((kind) => Array<Kind>(kindOf(kind).weight).fill(kind));
  const faults: Fault[] = [];
  let bag: Kind[] = [];
  for (let atMs = FIRST_MS; atMs < options.minutes * 60_000 && all.length > 0; ) {
    if (bag.length === 0) bag = shuffled(chance, all);
    const kind = bag.pop() as Kind;
    const [from, to] = kindOf(kind).lasts;
    faults.push({
      n: faults.length + 1,
      kind,
      atMs,
      forMs: between(chance, from, to),
      service: pick(chance, services),
      node: between(chance, 0, options.nodes),
      chance: chance(),
    });
    const [shortest, longest] = pauses[options.store];
    atMs += between(chance, shortest, longest);
  }
  return faults;
}
