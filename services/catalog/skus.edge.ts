import type { Collection, New } from "../../mixins/store.mixin.ts";
import { Refusal } from "../shared/refusal.ts";
import { sleep, timeAt, type World } from "../shared/world.ts";
import { isProduct, type Kept, skusOf } from "./product.ts";

/** Who has a SKU, or is about to have it. `id` is the SKU; nobody has it while `productId` is null. */
export interface Claim {
  id: string;
  version: number;
  productId: string | null;
}

/** How often and how long somebody who is just saving a product is waited for. */
const LOOKS = 6;
const LOOK_MS = 40;
const MOST_TRIES = 30;

/**
 * Sees to it that no two products have the same SKU, although a write changes one document only.
 * Whoever wants to save a product reads it, claims the SKUs that are new to it here, and then saves it
 * on condition that it is still as it was read. A product that has a SKU therefore has its claim too.
 *
 * A crash between claim and save leaves a claim that its product makes nothing of. Whoever wants the
 * SKU then waits a moment, and makes sure that the owner cannot save any more what it was about to:
 * the product is moved to another version, or the id of one that does not exist is used up. Only then
 * the claim changes hands, on condition that it is still as it was read before all this. So whichever
 * of the two is slower finds out, at whatever point it was stopped.
 */
export class SkuRegister {
  readonly #claims: Collection<Claim>;
  readonly #products: Collection<Kept>;
  readonly #world: World;

  constructor(claims: Collection<Claim>, products: Collection<Kept>, world: World) {
    this.#claims = claims;
    this.#products = products;
    this.#world = world;
  }

  /**
   * Claims all of these SKUs, or none: then `taken` tells which of them belong to other products.
   * `fresh` are the claims to be released if nothing is saved. One that was the product's own before
   * is not among them: somebody else may be about to save the product with it.
   */
  async claim(skus: readonly string[], productId: string): Promise<{ fresh: Claim[]; taken: string[] }> {
    const outcomes = await Promise.allSettled(skus.map((sku) => this.#claim(sku, productId)));
    const failed = outcomes.find((one) => one.status === "rejected");
    const fresh = outcomes.flatMap((one) =>
      one.status === "fulfilled" && one.value?.isFresh ? [one.value.claim] : [],
    );
    const taken = skus.filter((_, i) => outcomes[i]?.status === "fulfilled" && !outcomes[i].value);
    if (!failed && taken.length === 0) return { fresh, taken };
    await this.release(fresh);
    if (failed) throw failed.reason;
    return { fresh: [], taken };
  }

  /** Lets go of claims, except of those that were claimed again in the meantime. */
  async release(claims: readonly Claim[]): Promise<void> {
    await Promise.all(claims.map((claim) => this.#claims.replace(claim, { ...claim, productId: null })));
  }

  /** The claims on these SKUs as they are now. */
  claims(skus: readonly string[]): Promise<Claim[]> {
    return this.#claims.getMany(skus);
  }

  /** Which of these SKUs are in other products. */
  async taken(skus: readonly string[], productId: string | undefined): Promise<Set<string>> {
    const claims = (await this.claims(skus)).filter((claim) => claim.productId && claim.productId !== productId);
    const owners = await this.#products.getMany([...new Set(claims.flatMap((claim) => claim.productId ?? []))]);
    const owned = new Set(owners.filter(isProduct).flatMap(skusOf));
    return new Set(claims.flatMap(({ id }) => (owned.has(id) ? [id] : [])));
  }

  /** The products that have these SKUs. */
  async products(skus: readonly string[]): Promise<Kept[]> {
    const claims = await this.claims(skus);
    const ids = new Set(claims.flatMap((claim) => claim.productId ?? []));
    return (await this.#products.getMany([...ids])).filter(isProduct);
  }

  /** Undefined when another product has the SKU. */
  async #claim(sku: string, productId: string): Promise<{ claim: Claim; isFresh: boolean } | undefined> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const first = await this.#insert(sku, productId);
      if (first) return { claim: first, isFresh: true };
      const claim = await this.#claims.get(sku);
      if (!claim) continue;
      if (claim.productId && claim.productId !== productId) {
        const owner = await this.#products.get(claim.productId);
        if (isProduct(owner) && skusOf(owner).includes(sku)) return undefined;
        if (tries < LOOKS) {
          await sleep(this.#world, LOOK_MS * (0.5 + this.#world.random()));
          continue;
        }
        if (!(await this.#holdOff(claim.productId, owner))) continue;
      }
      // Also the product's own claim is moved on, so that nobody who has read it before takes it away.
      const mine = await this.#claims.replace(claim, { ...claim, productId });
      if (mine) return { claim: mine, isFresh: claim.productId !== productId };
    }
    throw new Refusal("unavailable", `Too many want the SKU ${sku} at once.`, { retryAfterSeconds: 1 });
  }

  #insert(sku: string, productId: string): Promise<Claim | undefined> {
    return this.#claims.insertOnce({ id: sku, productId });
  }

  /** Whoever is about to save this product, having read it before, cannot do so any more. */
  async #holdOff(id: string, owner: Kept | undefined): Promise<boolean> {
    if (!owner) return Boolean(await this.#products.insertOnce({ id } as New<Kept>));
    if (!isProduct(owner)) return true;
    const touched = { ...owner, updatedAt: timeAt(this.#world), writer: undefined };
    return Boolean(await this.#products.replace(owner, touched));
  }
}
