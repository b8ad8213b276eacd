import { type Collection, isDuplicate, type New } from "../../mixins/store.mixin.ts";
import { found, isRefusal, Refusal } from "../shared/refusal.ts";
import { sleep, timeAt, type World } from "../shared/world.ts";
import type { NewProduct } from "./catalog.contract.ts";
import { handleOf } from "./naming.ts";
import {
  type Change,
  type Draft,
  isProduct,
  type Kept,
  named,
  possibleSkus,
  revised,
  saysTheSame,
  skusOf,
} from "./product.ts";
import type { Claim, SkuRegister } from "./skus.edge.ts";

interface Desk {
  products: Collection<Kept>;
  register: SkuRegister;
  world: World;
  /** The node. */
  writer: string;
  /** The currency of all prices. */
  currency: string;
  /** Called with each product as it was saved. */
  saved(product: Kept): void;
}

interface Writing {
  requestKey?: string | undefined;
  ifVersion?: number | undefined;
  /** SKUs that are not to be made up: others are about to bring them. */
  reserved?: ReadonlySet<string> | undefined;
}

const MOST_TRIES = 20;
const MOST_NUMBERED = 50;

/** Writes products: each in one write, with SKUs and a handle that nobody else has. */
export class Editor {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** With the same `requestKey` again, the product that it made: also when it is what stands in its own way. */
  async create(given: NewProduct, writing: Writing = {}): Promise<Kept> {
    const { requestKey } = writing;
    const known = () => (requestKey ? this.#desk.products.first({ requestKey }) : undefined);
    try {
      return (await known()) ?? (await this.#make(given, writing));
    } catch (error) {
      const made = (isRefusal(error, "already_exists") || isDuplicate(error, "requestKey")) && (await known());
      if (!made) throw error;
      return made;
    }
  }

  async #make(given: NewProduct, { requestKey, reserved }: Writing): Promise<Kept> {
    const { products, register, world } = this.#desk;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const id = world.id("prod");
      const handle = given.handle ?? (await this.#freeHandle(given.title));
      const draft = await this.#draft(given, { handle, title: given.title }, reserved);
      const { fresh, taken } = await register.claim(skusOf(draft), id);
      refuseTaken(taken, given);
      if (taken.length) continue;
      try {
        return this.#saved(await products.insert(this.#record(draft, { id, createdAt: timeAt(world), requestKey })));
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        await register.release(fresh);
        if (isDuplicate(error, "requestKey")) throw error;
        if (given.handle && isDuplicate(error, "handle")) throw handleTaken(given.handle);
      }
    }
    throw tooMany();
  }

  async change(id: string, given: Change, { ifVersion, reserved }: Writing = {}): Promise<Kept> {
    const { products, register, world } = this.#desk;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const doc = await products.get(id);
      const before = found(isProduct(doc) ? doc : undefined, "product");
      const { version } = before;
      if (ifVersion !== undefined && ifVersion !== version)
        throw new Refusal("version_conflict", `It is at version ${version} by now.`, { version });
      const draft = await this.#draft(given, before, reserved);
      if (saysTheSame(before, draft)) return before;

      const [had, has] = [new Set(skusOf(before)), new Set(skusOf(draft))];
      const leaving = await register.claims([...had.difference(has)]);
      const { fresh, taken } = await register.claim([...has.difference(had)], id);
      refuseTaken(taken, given);
      const saved = taken.length ? undefined : await this.#replace(before, draft, fresh);
      if (saved) {
        await register.release(leaving);
        return this.#saved(saved);
      }
      await sleep(world, world.random() * Math.min(100, 2 ** tries));
    }
    throw tooMany();
  }

  /** Makes the product of this handle what is given, whether it exists or not. */
  async put(given: NewProduct & { handle: string }, writing: Writing = {}): Promise<Kept> {
    const { products } = this.#desk;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const known = await products.first({ handle: given.handle });
      if (known) return this.change(known.id, given, writing);
      try {
        return await this.create(given, writing);
      } catch (error) {
        const isThere = isRefusal(error, "already_exists") && (await products.first({ handle: given.handle }));
        if (!isThere) throw error;
      }
    }
    throw tooMany();
  }

  async #draft(
    given: Change,
    before: Parameters<typeof revised>[1],
    reserved: ReadonlySet<string> = new Set(),
  ): Promise<Draft> {
    const { register, world, currency } = this.#desk;
    const fitted = revised(given, before, currency);
    const possible = possibleSkus(fitted);
    const taken = possible.length ? await register.taken(possible, before.id) : new Set();
    return named(fitted, {
      isTaken: (sku) => reserved.has(sku) || taken.has(sku),
      variantId: () => world.id("var"),
    });
  }

  /** Undefined: it is not as it was before any more. */
  async #replace(before: Kept, draft: Draft, fresh: readonly Claim[]): Promise<Kept | undefined> {
    const { products, register } = this.#desk;
    try {
      return await products.replace(before, { ...this.#record(draft, before), version: before.version });
    } catch (error) {
      if (!isDuplicate(error, "handle")) throw error;
      await register.release(fresh);
      throw handleTaken(draft.handle);
    }
  }

  #record(draft: Draft, { id, createdAt, requestKey }: Pick<Kept, "id" | "createdAt" | "requestKey">): New<Kept> {
    const { world, writer } = this.#desk;
    return { id, ...draft, createdAt, updatedAt: timeAt(world), writer, ...(requestKey ? { requestKey } : {}) };
  }

  /** "blue-mug", or where that exists "blue-mug-2" and so on. */
  async #freeHandle(title: string): Promise<string> {
    const { products, world } = this.#desk;
    const plain = handleOf(title);
    for (let n = 1; n <= MOST_NUMBERED; n++) {
      const handle = n === 1 ? plain : `${plain}-${n}`;
      if (!(await products.first({ handle }))) return handle;
    }
    return `${plain}-${world.id("prod").slice(-10)}`;
  }

  #saved(product: Kept): Kept {
    this.#desk.saved(product);
    return product;
  }
}

/** SKUs that were made up are made up anew instead. */
function refuseTaken(taken: readonly string[], given: Pick<Change, "variants">): void {
  const errors = (given.variants ?? []).flatMap(({ sku }, i) =>
    sku !== undefined && taken.includes(sku)
      ? [{ path: `variants/${i}/sku`, message: `${sku} belongs to another product`, sku }]
      : [],
  );
  if (errors.length) throw new Refusal("already_exists", `${errors[0]?.message}.`, { errors });
}

const handleTaken = (handle: string) =>
  new Refusal("already_exists", `There is a product with the handle ${handle}.`, {
    errors: [{ path: "handle", message: "belongs to another product" }],
  });

const tooMany = () =>
  new Refusal("unavailable", "Too many are writing the same product at once.", { retryAfterSeconds: 1 });
