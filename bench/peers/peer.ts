import { address } from "../../test/client.ts";
import type { Asked } from "../load.ts";

/** Another shop, set up in a folder of its own. */
export interface Peer {
  /** What `node` is told there. It learns PORT and DATABASE_URL from the environment. */
  program: readonly string[];
  open(url: string): Promise<OpenPeer>;
}
export interface OpenPeer {
  /** What is only read, with how many products there are in an answer. */
  reads: Record<string, { products: number; next: () => Asked }>;
  /** Everything that a guest does for one unit. Answers CONFIRMED, or why there is no order. */
  buy(sku: string): Promise<string>;
  /** How many orders there are, as the back office sees it. */
  orders(): Promise<number>;
}

export const CONFIRMED = "confirmed";
/** A guest is told no. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** CONFIRMED, unless a step has ended in a refusal. */
export async function outcome(steps: () => Promise<void>): Promise<string> {
  try {
    await steps();
    return CONFIRMED;
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    // That is what fetch throws.
    if (error instanceof TypeError && error.message === "fetch failed") return "no answer";
    throw error;
  }
}

export const PRODUCTS = 1_000;
export const PAGE = 20;
export const draw = (count: number): number => Math.floor(Math.random() * count);
/** Products of which there are 50 only. */
export const RARE = 8;
export const rareSku = (n: number): string => `RARE-${n}`;

let guests = 0;
const run = Date.now().toString(36);
/** Somebody new, who lives where our own buyers live. */
export const guest = () => ({ email: `guest-${run}-${guests++}@example.com`, address });
