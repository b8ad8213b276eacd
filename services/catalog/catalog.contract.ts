import { contract } from "../shared/contract.ts";
import {
  Currency,
  Id,
  Maybe,
  Money,
  Nullable,
  OneOf,
  PageOf,
  paging,
  Shape,
  Sku,
  type Static,
  Text,
  Time,
  Type,
  Version,
} from "../shared/schema.ts";

export const ProductStatus = OneOf(["draft", "active", "archived"], "Only active products are listed and sold.");
export type ProductStatus = Static<typeof ProductStatus>;

const Handle = Type.String({
  pattern: "^[a-z0-9]+(?:-[a-z0-9]+)*$",
  minLength: 1,
  maxLength: 255,
  description: "The product's name in addresses: lower case, digits, single dashes.",
});
/** Somewhere on the web, or in this shop; no name and no password of anybody in it, and no host without its scheme. */
const Url = Type.String({
  pattern: "^(https?://[A-Za-z0-9._:-]+([/?#][^\\s\"'<>]*)?|/[^\\s\"'<>/][^\\s\"'<>]*)$",
  maxLength: 2000,
});

/** The widths are Shopify's, so that what comes from there fits. */
const Name = Text(1, 255);
/** It becomes a key of objects, so it is none that objects have a meaning for. */
const OptionName = Type.String({ pattern: "^(?!__proto__$)[^\\u0000-\\u001f\\u007f]{1,120}$" });

export const Picture = Shape("A picture of a product, and what it shows in words.", { url: Url, alt: Text(0, 512) });
export const ProductOption = Shape("What can be chosen of a product, such as a size, with all that can be chosen.", {
  name: OptionName,
  values: Type.Array(Name, { minItems: 1, maxItems: 250 }),
});

/** The choice of each option, by its name: `{ "Size": "M" }`. */
const Choice = Type.Record(OptionName, Name, { maxProperties: 3, additionalProperties: false });

const variant = {
  sku: Sku,
  title: Name,
  options: Choice,
  price: Money,
  compareAtPrice: Maybe(Money),
};
export const Variant = Shape("What is sold of a product: it has a SKU, and a choice of each option.", {
  id: Id("var"),
  ...variant,
});
export type Variant = Static<typeof Variant>;

const product = {
  handle: Handle,
  title: Name,
  description: Text(0, 50_000, "Plain text or the HTML that was given; show it only sanitized."),
  status: ProductStatus,
  vendor: Maybe(Text(0, 255)),
  type: Maybe(Text(0, 255)),
  tags: Type.Array(Name, { maxItems: 250 }),
  categories: Type.Array(Handle, { maxItems: 20, description: "Handles of categories." }),
  images: Type.Array(Picture, { maxItems: 250 }),
  options: Type.Array(ProductOption, { maxItems: 3 }),
};
const kept = { id: Id("prod"), createdAt: Time, updatedAt: Time, version: Version };

export const Product = Shape("As clients see it: each variant with the units that can be bought right now.", {
  ...kept,
  ...product,
  variants: Type.Array(Shape({ id: Id("var"), ...variant, available: Type.Integer({ minimum: 0 }) })),
});
export type Product = Static<typeof Product>;

/** As the catalog keeps it. */
export const StoredProduct = Shape({ ...kept, ...product, variants: Type.Array(Variant) });
export type StoredProduct = Static<typeof StoredProduct>;

const NewVariant = Shape({ ...variant, sku: Maybe(Sku), title: Maybe(Name), options: Maybe(Choice) });

export const NewProduct = Shape("What staff give to make a product; what is left out gets a sensible default.", {
  handle: Maybe(Handle),
  title: product.title,
  description: Maybe(product.description),
  status: Maybe(ProductStatus),
  vendor: product.vendor,
  type: product.type,
  tags: Maybe(product.tags),
  categories: Maybe(product.categories),
  images: Maybe(product.images),
  options: Maybe(product.options),
  variants: Type.Array(NewVariant, { minItems: 1, maxItems: 250 }),
});
export type NewProduct = Static<typeof NewProduct>;

export const Category = Shape("A category with how many active products are in it.", {
  handle: Handle,
  title: Name,
  products: Type.Integer({ minimum: 0 }),
});
export type Category = Static<typeof Category>;

export const Offer = Shape("What an order needs to know of a variant to write it down for good.", {
  sku: Sku,
  productId: Id("prod"),
  variantId: Id("var"),
  title: Text(1, 520, "Product and variant."),
  unitPrice: Money,
});
export type Offer = Static<typeof Offer>;

export const ImportJob = Shape("How far an import of products has come.", {
  id: Id("imp"),
  status: OneOf(["queued", "running", "succeeded", "failed"]),
  total: Type.Integer({ minimum: 0, description: "Products in the file." }),
  imported: Type.Integer({ minimum: 0 }),
  skipped: Type.Integer({ minimum: 0 }),
  errors: Type.Array(
    Shape({
      row: Type.Integer({ minimum: 1, description: "Line of the file; the header is 1." }),
      message: Type.String(),
    }),
    { maxItems: 1000, description: "The first thousand." },
  ),
  createdAt: Time,
  finishedAt: Nullable(Time),
});
export type ImportJob = Static<typeof ImportJob>;

export const catalog = contract({
  name: "catalog",
  about: "Products, variants, prices, categories, search and import.",
  actions: {
    "catalog.list": {
      summary: "List products",
      description: "Active products; staff see every status and may filter by it.",
      rest: { route: "GET /v1/products", access: "anyone" },
      graph: "query products",
      params: Shape({
        q: Maybe(Text(1, 200, "Words to look for in title, description, vendor, type, tags and SKUs.")),
        category: Maybe(Handle),
        status: Maybe(ProductStatus),
        sort: Maybe(OneOf(["createdAt", "-createdAt", "title", "-title", "price", "-price", "relevance"])),
        ...paging,
      }),
      result: PageOf(Product),
    },
    "catalog.get": {
      summary: "Get a product by its id or handle",
      rest: { route: "GET /v1/products/:idOrHandle", access: "anyone" },
      graph: "query product",
      params: Shape({ idOrHandle: Text(1, 255) }),
      example: { idOrHandle: "salt-glazed-mug" },
      result: Product,
      refuses: ["not_found"],
    },
    "catalog.categories": {
      summary: "List categories that have active products",
      rest: { route: "GET /v1/categories", access: "anyone" },
      graph: "query categories",
      params: Shape({ ...paging }),
      result: PageOf(Category),
    },
    "catalog.create": {
      summary: "Create a product",
      description:
        "What is left out gets a sensible default: the product is active, the handle is made of the title, a SKU of handle and options, the options of what the variants choose. A `compareAtPrice` that is not higher than the price says nothing and is left out. Repeated with the same Idempotency-Key it creates once.",
      rest: { route: "POST /v1/admin/products", access: "staff", status: 201 },
      graph: "mutation createProduct",
      params: NewProduct,
      example: {
        title: "Sardine tin",
        description: "Six sardines in olive oil.",
        categories: ["pantry"],
        variants: [{ sku: "SARDINE-TIN", price: { amount: 650, currency: "EUR" } }],
      },
      result: Product,
      refuses: ["already_exists"],
    },
    "catalog.change": {
      summary: "Change a product",
      description:
        "Fields that are given replace those that are there. Variants are matched by their SKU, or without one by their options: one that is left out of a given list is removed. What changes nothing leaves the version as it is.",
      rest: { route: "PATCH /v1/admin/products/:id", access: "staff" },
      graph: "mutation updateProduct",
      params: Shape({
        id: Id("prod"),
        ifVersion: Maybe(Version),
        handle: Maybe(Handle),
        title: Maybe(product.title),
        description: Maybe(product.description),
        status: Maybe(ProductStatus),
        vendor: product.vendor,
        type: product.type,
        tags: Maybe(product.tags),
        categories: Maybe(product.categories),
        images: Maybe(product.images),
        options: Maybe(product.options),
        variants: Maybe(Type.Array(NewVariant, { minItems: 1, maxItems: 250 })),
      }),
      result: Product,
      refuses: ["not_found", "already_exists", "version_conflict"],
    },
    "catalog.archive": {
      summary: "Archive a product",
      description:
        "It can no longer be listed or bought; orders keep what they wrote down. Archiving again changes nothing.",
      rest: { route: "DELETE /v1/admin/products/:id", access: "staff" },
      graph: "mutation archiveProduct",
      params: Shape({ id: Id("prod"), ifVersion: Maybe(Version) }),
      result: Product,
      refuses: ["not_found", "version_conflict"],
    },
    "catalog.offers": {
      summary: "What these SKUs cost at this moment",
      description: "Active products only; a SKU that cannot be bought is missing from the answer.",
      inside: "Orders are priced by it.",
      params: Shape({ skus: Type.Array(Sku, { minItems: 1, maxItems: 200 }) }),
      result: Shape({ currency: Currency, offers: Type.Array(Offer) }),
    },
    "catalog.bySkus": {
      summary: "The products that have one of these SKUs and can be bought, in any order",
      inside: "GraphQL shows the product of an order's line with it.",
      params: Shape({ skus: Type.Array(Sku, { maxItems: 2_000 }) }),
      result: Type.Array(Product),
    },
    "catalog.startImport": {
      summary: "Import products from a file",
      description:
        "Shopify's product CSV, in UTF-8. Runs in the background; one bad row costs its product only. Equal files give equal products, however often they are sent: products are matched by handle, their variants by SKU or options. The quantity of a SKU counts only while its stock is not known.",
      rest: { route: "POST /v1/admin/imports", access: "staff", status: 202, takes: "text/csv" },
      graph: { not: "A file is sent as it is, and not as a text inside of JSON." },
      params: Shape({ body: Type.String({ maxLength: 20_000_000 }) }),
      result: ImportJob,
      refuses: ["too_many_requests"],
      timeoutMs: 30_000,
      mostAtOnce: 8,
    },
    "catalog.getImport": {
      summary: "Progress of an import",
      rest: { route: "GET /v1/admin/imports/:id", access: "staff" },
      graph: "query import",
      params: Shape({ id: Id("imp") }),
      result: ImportJob,
      refuses: ["not_found"],
    },
    "catalog.picture": {
      summary: "A picture of the demo catalogue",
      rest: { route: "GET /v1/pictures/:name", access: "open", gives: "image/svg+xml", cacheSeconds: 86_400 },
      graph: { not: "Browsers load pictures by their address." },
      params: Shape({ name: Type.String({ pattern: "^[a-z0-9-]{1,80}\\.svg$" }) }),
      example: { name: "salt-glazed-mug.svg" },
      result: Type.String(),
      refuses: ["not_found"],
    },
  },
});
