import { between, type Chance, chanceOf, pick } from "./chance.ts";

/** What a buyer does when the order is placed. */
export type Deed = "nothing" | "repeat" | "cancel" | "refund";

/** What a buyer is about to do: a pure function of the seed, the buyer and how often he has bought. */
export interface Intention {
  key: string;
  /** Of this purchase alone, so that what became of it can be found. */
  email: string;
  lines: readonly { sku: string; quantity: number }[];
  token: string;
  /** Whether a payment that the buyer has to approve is approved. */
  approves: boolean;
  deed: Deed;
}

/** Goods that there are enough of. */
export const plenty = Array.from({ length: 6 }, (_, n) => `CHAOS-${n}`);
/** Goods of which everybody wants the last. Each buyer comes to the same ones at about the same time. */
export const rare = Array.from({ length: 24 }, (_, n) => `LAST-${n}`);
export const RARE_UNITS = 6;
export const PLENTY_UNITS = 1_000_000;
export const opened = Object.fromEntries([
  ...plenty.map((sku) => [sku, PLENTY_UNITS] as const),
  ...rare.map((sku) => [sku, RARE_UNITS] as const),
]);
/** What staff pays back of an order that somebody complains about. */
export const REFUND = 100;
const PURCHASES_PER_RARE = 12;
const RARE_SHARE = 0.15;

const tokens = [
  ...Array<string>(10).fill("tok_visa"),
  "tok_3ds",
  "tok_3ds",
  "tok_async",
  "tok_flaky",
  "tok_timeout",
  "tok_declined",
  "tok_insufficient_funds",
  "tok_capture_fails",
];
const deeds: readonly Deed[] = [...Array<Deed>(6).fill("nothing"), "repeat", "repeat", "cancel", "refund"];

export function intentionOf(seed: number, buyer: number, n: number): Intention {
  const chance = chanceOf(seed, "buyer", buyer, n);
  return {
    key: `chaos-${seed}-${buyer}-${n}`,
    email: `buyer-${seed}-${buyer}-${n}@example.com`,
    lines: linesOf(chance, n),
    token: pick(chance, tokens),
    approves: chance() < 0.8,
    deed: pick(chance, deeds),
  };
}

function linesOf(chance: Chance, n: number): Intention["lines"] {
  const first = chance() < RARE_SHARE ? rare[Math.floor(n / PURCHASES_PER_RARE) % rare.length] : pick(chance, plenty);
  const skus = [first, ...Array.from({ length: between(chance, 0, 3) }, () => pick(chance, plenty))];
  return [...new Set(skus)].map((sku) => ({ sku: sku ?? "", quantity: between(chance, 1, 3) }));
}
