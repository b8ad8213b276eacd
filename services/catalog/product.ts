import { type InputError, Refusal } from "../shared/refusal.ts";
import type { Params } from "../shared/typed.ts";
import type { NewProduct, Offer, StoredProduct, Variant } from "./catalog.contract.ts";
import { madeUpSkus } from "./naming.ts";

/** A product as the store keeps it. `writer` is the node that has written it last. */
export type Kept = StoredProduct & { requestKey?: string | undefined; writer?: string | undefined };

/** Everything about a product but its record keeping. */
export type Draft = Omit<StoredProduct, "id" | "version" | "createdAt" | "updatedAt">;

/** What is to be different. What it does not name stays as it is. */
export type Change = Omit<Params<"catalog.change">, "id" | "ifVersion">;

type NewVariant = NewProduct["variants"][number];
type Options = StoredProduct["options"];
/** A variant that fits its product, and may still need an id and a SKU. */
type FittedVariant = Omit<Variant, "id" | "sku"> & { id?: string | undefined; sku?: string | undefined };
export type Fitted = Omit<Draft, "variants"> & { variants: FittedVariant[] };

/** Documents of the collection that are no product only keep an id from being used (see `SkuRegister`). */
export const isProduct = (doc: Kept | undefined): doc is Kept => doc?.handle !== undefined;

/** A product as others may know it. */
export function shown({ requestKey, writer, ...product }: Kept): StoredProduct {
  return product;
}

export const skusOf = (product: Pick<StoredProduct, "variants">): string[] => product.variants.map(({ sku }) => sku);

/** A product, or of a new one what there is of it before anything is given. */
type Before = Partial<StoredProduct> & Pick<StoredProduct, "handle" | "title">;

/**
 * What a product becomes with this change. Options and variants are made to fit each other.
 *
 * @throws Refusal `invalid_input` that names everything that does not fit.
 */
export function revised(given: Change, before: Before, currency: string): Fitted {
  const { variants: known = [], options: knownOptions = [] } = before;
  const wanted = given.variants ?? known;
  const options = given.options ?? (given.variants ? optionsOf(wanted, knownOptions) : knownOptions);
  const names = options.map(({ name }) => name);
  const errors = [...optionErrors(options), ...variantErrors(wanted, options, currency)];
  if (errors.length) throw new Refusal("invalid_input", undefined, { errors: errors.slice(0, 20) });

  const vendor = given.vendor ?? before.vendor;
  const type = given.type ?? before.type;
  const variants = wanted.map((variant) => fitted(variant, names));
  return {
    handle: given.handle ?? before.handle,
    title: given.title ?? before.title,
    description: given.description ?? before.description ?? "",
    status: given.status ?? before.status ?? "active",
    ...(vendor ? { vendor } : {}),
    ...(type ? { type } : {}),
    tags: unique(given.tags ?? before.tags ?? []),
    categories: unique(given.categories ?? before.categories ?? []),
    images: given.images ?? before.images ?? [],
    options,
    variants: matched(variants, known, names),
  };
}

/** SKUs that `named` may give, so that somebody can find out which of them are taken. */
export const possibleSkus = ({ handle, options, variants }: Fitted): string[] =>
  variants.flatMap((variant) => (variant.sku ? [] : [...madeUpSkus(handle, valuesOf(variant, options))]));

/** Gives ids and SKUs to the variants that have none yet. */
export function named(
  { variants, ...rest }: Fitted,
  maker: { isTaken(sku: string): boolean; variantId(): string },
): Draft {
  const used = new Set(variants.flatMap(({ sku }) => sku ?? []));
  const skuFor = (variant: FittedVariant) => {
    const made = [...madeUpSkus(rest.handle, valuesOf(variant, rest.options))];
    const sku = made.find((one) => !used.has(one) && !maker.isTaken(one)) ?? made.at(-1) ?? rest.handle;
    used.add(sku);
    return sku;
  };
  return {
    ...rest,
    variants: variants.map(({ id, sku, ...variant }) => ({
      id: id ?? maker.variantId(),
      sku: sku ?? skuFor({ id, sku, ...variant }),
      ...variant,
    })),
  };
}

/** Whether a draft says nothing that the product does not say already. */
export const saysTheSame = (product: StoredProduct, draft: Draft): boolean => {
  const { id, version, createdAt, updatedAt, ...rest } = shown(product);
  return isEqual(rest, draft);
};

/** The lowest price, by which lists are sorted. */
export const priceOf = ({ variants }: Pick<StoredProduct, "variants">): number =>
  Math.min(...variants.map(({ price }) => price.amount));

/** What an order writes down. */
export function offerOf(product: StoredProduct, sku: string): Offer | undefined {
  const variant = product.status === "active" && product.variants.find((one) => one.sku === sku);
  if (!variant) return undefined;
  const title = product.options.length ? `${product.title} – ${variant.title}` : product.title;
  return { sku, productId: product.id, variantId: variant.id, title, unitPrice: variant.price };
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];
const choiceOf = (variant: { options?: Record<string, string> | undefined }) => variant.options ?? {};
const valuesOf = (variant: FittedVariant, options: Options): string[] =>
  options.map(({ name }) => variant.options[name] ?? "");

/** The options that these variants choose from: known ones in their order, new ones as they come. */
function optionsOf(variants: readonly NewVariant[], known: Options): Options {
  const names = Object.keys(choiceOf(variants[0] ?? {}));
  const order = new Map(known.map(({ name, values }, place) => [name, { place, values }]));
  names.sort((a, b) => (order.get(a)?.place ?? known.length) - (order.get(b)?.place ?? known.length));
  return names.map((name) => {
    const used = unique(variants.flatMap((variant) => ownValue(choiceOf(variant), name) ?? []));
    const before = (order.get(name)?.values ?? []).filter((value) => used.includes(value));
    return { name, values: unique([...before, ...used]) };
  });
}

const ownValue = (choice: Record<string, string>, name: string): string | undefined =>
  Object.hasOwn(choice, name) ? choice[name] : undefined;

function optionErrors(options: Options): InputError[] {
  const names = options.map(({ name }) => name);
  return options.flatMap(({ name, values }, index) => [
    ...(names.indexOf(name) < index ? [{ path: `options/${index}/name`, message: "is there twice" }] : []),
    ...(unique(values).length < values.length
      ? [{ path: `options/${index}/values`, message: "has a value twice" }]
      : []),
  ]);
}

function variantErrors(variants: readonly NewVariant[], options: Options, currency: string): InputError[] {
  const skus = new Set<string>();
  const choices = new Set<string>();
  return variants.flatMap((variant, index) => {
    const at = (path: string, message: string): InputError => ({ path: `variants/${index}/${path}`, message });
    const choice = choiceOf(variant);
    const values = options.map(({ name }) => ownValue(choice, name));
    const wrong = [
      ...options.flatMap(({ name, values: known }, place) => {
        const value = values[place];
        if (value === undefined) return [at(`options/${name}`, "has to be chosen")];
        return known.includes(value) ? [] : [at(`options/${name}`, "is no value of this option")];
      }),
      ...Object.keys(choice)
        .filter((name) => !options.some((option) => option.name === name))
        .map((name) => at(`options/${name}`, "is no option of the product")),
      ...(["price", "compareAtPrice"] as const)
        .filter((price) => variant[price] && variant[price].currency !== currency)
        .map((price) => at(`${price}/currency`, `has to be ${currency}`)),
    ];
    if (variant.sku !== undefined && skus.has(variant.sku)) wrong.push(at("sku", "is there twice"));
    if (variant.sku !== undefined) skus.add(variant.sku);
    const key = JSON.stringify(values);
    if (wrong.length === 0 && choices.has(key)) wrong.push(at("options", "are chosen by another variant as well"));
    choices.add(key);
    return wrong;
  });
}

/** A price to compare with says nothing unless it is higher. */
function fitted(given: NewVariant & { id?: string }, names: readonly string[]): FittedVariant {
  const options = Object.fromEntries(names.map((name) => [name, given.options?.[name] ?? ""]));
  const { id, sku, price, compareAtPrice } = given;
  return {
    id,
    sku,
    title: given.title ?? (Object.values(options).join(" / ").slice(0, 255).toWellFormed() || "Default"),
    options,
    price,
    ...(compareAtPrice && compareAtPrice.amount > price.amount ? { compareAtPrice } : {}),
  };
}

/** Lets variants keep the ids they had: first those with the same SKU, then those with the same choice. */
function matched(
  variants: readonly FittedVariant[],
  before: readonly Variant[],
  names: readonly string[],
): FittedVariant[] {
  const bySku = new Map(before.map((variant) => [variant.sku, variant]));
  const skus = new Set(variants.flatMap(({ sku }) => sku ?? []));
  const keyOf = ({ options }: Pick<Variant, "options">) => JSON.stringify(names.map((name) => options[name]));
  const byChoice = new Map(
    before
      .filter(({ sku, options }) => !skus.has(sku) && Object.keys(options).length === names.length)
      .map((variant) => [keyOf(variant), variant]),
  );
  return variants.map((variant) => {
    const known = (variant.sku && bySku.get(variant.sku)) || byChoice.get(keyOf(variant));
    return known ? { ...variant, id: known.id, sku: variant.sku ?? known.sku } : variant;
  });
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key as keyof typeof a], b[key as keyof typeof b]))
  );
}
