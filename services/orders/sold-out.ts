import type { Outcome } from "./checkout.ts";

const REMEMBERED_MS = 10_000;
const MOST = 10_000;

/** SKUs of which somebody could not have enough a moment ago: whoever wants more than was left is to ask first. */
export class SoldOut {
  readonly #left = new Map<string, { units: number; at: number }>();

  learn(outcome: Outcome, nowMs: number): void {
    if (outcome.kind !== "refused" || outcome.type !== "insufficient_stock") return;
    if (this.#left.size >= MOST) this.#left.clear();
    for (const { sku, available } of outcome.data?.errors ?? [])
      if (typeof sku === "string") this.#left.set(sku, { units: Number(available), at: nowMs });
  }

  isLikely(lines: readonly { sku: string; quantity: number }[], nowMs: number): boolean {
    return lines.some(({ sku, quantity }) => {
      const left = this.#left.get(sku);
      return left !== undefined && quantity > left.units && nowMs - left.at < REMEMBERED_MS;
    });
  }
}
