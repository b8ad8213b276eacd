import { unchangingCopy } from "./plain.ts";

const witnesses = new WeakMap<object, () => boolean>();

/**
 * A result that can tell whether it is still true, for as long as it stays in this process: on the wire it is a copy like
 * any other. `isStillTrue` has to be sure, and costs less than to find out anew.
 */
export function witnessed<T extends object>(result: T, isStillTrue: () => boolean): T {
  const kept = unchangingCopy(result);
  witnesses.set(kept, isStillTrue);
  return kept;
}

/** False also where nobody knows. */
export const isStillTrue = (result: object): boolean => witnesses.get(result)?.() ?? false;
export const isWitnessed = (result: unknown): result is object =>
  typeof result === "object" && result !== null && witnesses.has(result);
