import { Compile } from "typebox/compile";
import { inputErrors } from "../shared/contract.middleware.ts";
import { exponentOf, minorUnits } from "../shared/money.ts";
import type { Static } from "../shared/schema.ts";
import { NewProduct, type Picture, type ProductStatus } from "./catalog.contract.ts";
import { type CsvRow, UnreadableFile } from "./csv.ts";
import { handleOf, madeUpSkus } from "./naming.ts";

/** What is read of a file, with the names that Shopify has given its columns over the years. */
const columns = {
  handle: ["handle", "url handle"],
  title: ["title"],
  description: ["body (html)", "body html", "description"],
  vendor: ["vendor"],
  type: ["type", "custom product type"],
  taxonomy: ["product category", "standard product type", "standardized product type"],
  collection: ["collection"],
  tags: ["tags"],
  published: ["published", "published on online store"],
  status: ["status"],
  option1Name: ["option1 name"],
  option1Value: ["option1 value"],
  option2Name: ["option2 name"],
  option2Value: ["option2 value"],
  option3Name: ["option3 name"],
  option3Value: ["option3 value"],
  sku: ["variant sku", "sku"],
  price: ["variant price", "price"],
  compareAtPrice: ["variant compare at price", "variant compare-at price", "compare-at price"],
  quantity: ["variant inventory qty", "inventory quantity"],
  image: ["image src", "product image url"],
  imagePosition: ["image position"],
  imageAlt: ["image alt text"],
  variantImage: ["variant image", "variant image url"],
} as const satisfies Record<string, readonly string[]>;
type Column = keyof typeof columns;

const required = ["handle", "title", "price"] as const satisfies readonly Column[];

/** What the columns stand for in a message, by the names that most files have. */
const calledIn = { handle: "Handle", title: "Title", price: "Variant Price" } as const;
const optionColumns = [
  ["option1Name", "option1Value"],
  ["option2Name", "option2Value"],
  ["option3Name", "option3Value"],
] as const satisfies readonly (readonly [Column, Column])[];

type Cells = Partial<Record<Column, string>>;
interface Row {
  line: number;
  cells: Cells;
}
interface Group {
  handle: string;
  rows: Row[];
  errors: RowError[];
}
interface Skus {
  /** Which product each SKU of the file belongs to: the first that has it. */
  firstOf: ReadonlyMap<string, string>;
  reserved: ReadonlySet<string>;
}
type Complain = (message: string, line?: number) => void;

export interface RowError {
  row: number;
  message: string;
}

/** One product of a file, or why it cannot be one. */
export interface Entry {
  /** Where it starts. */
  row: number;
  product?: NewProduct & { handle: string };
  /** Where each variant stands, and how many units of it are on hand. */
  variants: readonly { row: number; onHand: number }[];
  /** Titles of its categories by their handle. */
  categories: Readonly<Record<string, string>>;
  errors: readonly RowError[];
}

/** What is to be imported, in an order that is the same every time. */
export interface Load {
  /** How many entries there are, good and bad. */
  readonly size: number;
  entries(): Iterable<Entry>;
  /** The entry of this handle. */
  entryOf(handle: string): Entry | undefined;
  /**
   * SKUs that must not be made up for a variant without one: another entry brings them, or they would
   * do for two of those variants.
   */
  reservedSkus(): ReadonlySet<string>;
}

const MOST_ERRORS_EACH = 10;
const MOST_LETTERS_EACH = 300;
const MOST_IMAGES = 250;
const MOST_HANDLE = 255;
const productSchema = Compile(NewProduct);

/**
 * Collects the rows of Shopify's product CSV by product, wherever in the file they stand, and makes
 * products of them. A product with anything wrong in any of its rows is none.
 */
export class Sheet implements Load {
  readonly #currency: string;
  readonly #columns: readonly (Column | undefined)[];
  /** By the handle as the file writes it, but for its case. */
  readonly #groups = new Map<string, Group>();
  /** By the handle in the form that it gets: the first one has it. */
  readonly #byHandle = new Map<string, Group>();
  #skusRead: Skus | undefined;

  /** @throws UnreadableFile when a column is missing without which there is no product. */
  constructor(header: CsvRow, currency: string) {
    this.#currency = currency;
    const names = header.fields.map((name) => cleaned(name).toLowerCase());
    this.#columns = names.map((name, place) => (names.indexOf(name) === place ? columnOf(name) : undefined));
    const missing = required.filter((column) => !this.#columns.includes(column));
    if (missing.length === 0) return;
    const called = missing.map((column) => `"${calledIn[column]}"`).join(", ");
    throw new UnreadableFile(
      header.line,
      `the header lacks ${called}: a product CSV of Shopify has these columns, separated by commas`,
    );
  }

  get size(): number {
    return this.#groups.size;
  }

  add({ line, fields, damage }: CsvRow): void {
    if (!damage && fields.every((field) => field.trim() === "")) return;
    const cells: Cells = {};
    for (const [place, column] of this.#columns.entries()) if (column) cells[column] = cleaned(fields[place] ?? "");
    const group = this.#groupOf(cells.handle ?? "", line);
    group.rows.push({ line, cells });
    const tooMany = fields.slice(this.#columns.length).some((field) => field.trim());
    const trouble = damage ?? (tooMany && `has more fields than the header, which has ${this.#columns.length}`);
    if (trouble) group.errors.push({ row: line, message: trouble });
  }

  /** In the order in which they begin, to be asked for after the last row. */
  *entries(): Generator<Entry> {
    for (const group of this.#groups.values()) yield this.#entry(group);
  }

  entryOf(handle: string): Entry | undefined {
    const group = this.#byHandle.get(handle);
    return group && this.#entry(group);
  }

  reservedSkus(): ReadonlySet<string> {
    return this.#skus().reserved;
  }

  #groupOf(written: string, line: number): Group {
    const key = written ? written.toLowerCase() : `\n${line}`;
    const known = this.#groups.get(key);
    if (known) return known;
    const handle = written && handleOf(written, MOST_HANDLE);
    const group: Group = { handle, rows: [], errors: [] };
    const first = this.#byHandle.get(handle)?.rows[0]?.line;
    if (!handle) group.errors.push({ row: line, message: "has no Handle" });
    else if (first) group.errors.push({ row: line, message: `${handle} is the handle of the product in row ${first}` });
    else this.#byHandle.set(handle, group);
    this.#groups.set(key, group);
    return group;
  }

  #skus(): Skus {
    if (this.#skusRead) return this.#skusRead;
    const firstOf = new Map<string, string>();
    const reserved = new Set<string>();
    const made = new Set<string>();
    for (const { handle, rows, errors } of this.#groups.values()) {
      const variants = errors.length ? [] : rows.filter(isVariant);
      const options = optionsOf(variants);
      for (const { cells } of variants) {
        const choice = options.map(({ column }) => cells[column] ?? "");
        const sku = skuOf(cells);
        const [best = ""] = sku ? [sku] : madeUpSkus(handle, choice);
        if (sku && !firstOf.has(sku)) firstOf.set(sku, handle);
        if (sku || made.has(best)) reserved.add(best);
        if (!sku) made.add(best);
      }
    }
    this.#skusRead = { firstOf, reserved };
    return this.#skusRead;
  }

  #entry({ handle, rows, errors: known }: Group): Entry {
    const { firstOf } = this.#skus();
    const row = rows[0]?.line ?? 1;
    const errors = [...known];
    const complain: Complain = (message, line = row) =>
      errors.push({ row: line, message: message.slice(0, MOST_LETTERS_EACH).toWellFormed() });
    const bad = (): Entry => ({ row, variants: [], categories: {}, errors: errors.slice(0, MOST_ERRORS_EACH) });
    if (errors.length) return bad();

    const { cells: lead, line } = rows.find(({ cells }) => cells.title) ?? { cells: {}, line: row };
    const variants = rows.filter(isVariant);
    if (!lead.title) complain(`no row of ${handle} has a Title`);
    if (variants.length === 0) complain(`no row of ${handle} has a Variant Price`);
    if (errors.length) return bad();

    const options = optionsOf(variants);
    const categories = categoriesOf(lead);
    const product = {
      handle,
      title: lead.title ?? "",
      ...given("description", lead.description),
      ...given("vendor", lead.vendor),
      ...given("type", lead.type),
      ...given("tags", lead.tags === undefined ? undefined : parts(lead.tags)),
      ...given("categories", categories && Object.keys(categories)),
      ...given("images", lead.image === undefined ? undefined : imagesOf(rows)),
      ...given(
        "status",
        statusOf(lead, (message) => complain(message, line)),
      ),
      options: options.map(({ name, column }) => ({
        name,
        values: [...new Set(variants.flatMap(({ cells }) => cells[column] || []))],
      })),
      variants: variants.map(({ cells, line }) => {
        const here: Complain = (message) => complain(message, line);
        const sku = skuOf(cells);
        if (sku && firstOf.get(sku) !== handle) here(`the SKU ${sku} is that of ${firstOf.get(sku)} already`);
        return {
          ...given("sku", sku),
          options: choiceOf(cells, options, here),
          price: this.#money("Variant Price", cells.price, here) ?? { amount: 0, currency: this.#currency },
          ...given("compareAtPrice", this.#compareAtPrice(cells, here)),
        };
      }),
    };
    const entry: Entry = {
      row,
      product,
      variants: variants.map(({ cells, line }) => ({
        row: line,
        onHand: unitsOf(cells, (message) => complain(message, line)),
      })),
      categories: categories ?? {},
      errors: [],
    };
    if (errors.length === 0)
      for (const { path, message } of inputErrors(productSchema, product))
        complain(`${path} ${message.startsWith("must match") ? "cannot be used" : message}`, rowOf(entry, path));
    return errors.length ? bad() : entry;
  }

  #compareAtPrice({ compareAtPrice }: Cells, complain: Complain) {
    return compareAtPrice ? this.#money("Variant Compare At Price", compareAtPrice, complain) : undefined;
  }

  #money(column: string, text: string | undefined, complain: Complain) {
    if (!text) return void complain(`${column} is empty`);
    const amount = minorUnits(text, this.#currency);
    if (amount !== undefined) return { amount, currency: this.#currency };
    const digits = exponentOf(this.#currency);
    const decimals = digits ? `at most ${digits} decimals` : "no decimals";
    return void complain(`${column} is not a plain number with ${decimals}: ${text.slice(0, 40)}`);
  }
}

/** Where in the file stands what an error is about. */
export const rowOf = ({ row, variants }: Entry, path: string): number =>
  variants[Number(/^variants\/(\d+)\//.exec(path)?.[1] ?? -1)]?.row ?? row;

const columnOf = (name: string): Column | undefined =>
  (Object.keys(columns) as Column[]).find((column) => (columns[column] as readonly string[]).includes(name));

/** Without what cannot be seen: files bring along all sorts of control characters. */
const cleaned = (text: string): string => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "").trim();

const given = <K extends string, V>(name: K, value: V) =>
  (value === undefined ? {} : { [name]: value }) as { [key in K]?: Exclude<V, undefined> };

const parts = (text: string): string[] =>
  [...new Set(text.split(",").map((part) => part.trim()))].filter((part) => part);

/** A row that only brings another picture has none of these. */
const isVariant = ({ cells }: Row): boolean =>
  Boolean(cells.price || cells.sku || optionColumns.some(([, value]) => cells[value]));

/** Spreadsheets are kept from taking a SKU for a number by an apostrophe before it. */
const skuOf = ({ sku = "" }: Cells): string | undefined => sku.replace(/^'(?=\d)/, "") || undefined;

/** The options are named in the first row; a single "Default Title" says that there is nothing to choose. */
function optionsOf(variants: readonly Row[]): { name: string; column: Column }[] {
  if (variants.length === 1 && variants[0]?.cells.option1Value === "Default Title") return [];
  return optionColumns.flatMap(([nameColumn, column]) => {
    const name = variants.find(({ cells }) => cells[nameColumn])?.cells[nameColumn];
    return name ? [{ name, column }] : [];
  });
}

function choiceOf(cells: Cells, options: ReturnType<typeof optionsOf>, complain: Complain): Record<string, string> {
  for (const { name, column } of options) if (!cells[column]) complain(`has no value for the option ${name}`);
  for (const [, column] of optionColumns)
    if (cells[column] && cells[column] !== "Default Title" && !options.some((option) => option.column === column))
      complain(`${cells[column]} is the value of an option without a name`);
  return Object.fromEntries(options.map(({ name, column }) => [name, cells[column] ?? ""]));
}

/** Positions decide, then the order of the rows; pictures of variants come last. */
function imagesOf(rows: readonly Row[]): Static<typeof Picture>[] {
  const placed = rows.flatMap(({ cells: { image, imageAlt = "", imagePosition } }) =>
    image ? [{ image, alt: imageAlt.slice(0, 512).toWellFormed(), place: Number(imagePosition || Infinity) }] : [],
  );
  placed.sort((a, b) => (a.place < b.place ? -1 : a.place > b.place ? 1 : 0));
  const ofVariants = rows.flatMap(({ cells }) => (cells.variantImage ? [{ image: cells.variantImage, alt: "" }] : []));
  const pictures = new Map<string, Static<typeof Picture>>();
  for (const { image, alt } of [...placed, ...ofVariants]) {
    const url = address(image);
    if (!pictures.has(url)) pictures.set(url, { url, alt });
  }
  return [...pictures.values()].slice(0, MOST_IMAGES);
}

const address = (url: string): string =>
  url.replace(/[\s"'<>]/g, (letter) => `%${letter.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`);

/** What shops group their goods by; where they do not, the last part of Shopify's own taxonomy. */
function categoriesOf({ collection, type, taxonomy }: Cells): Record<string, string> | undefined {
  if (collection === undefined && type === undefined && taxonomy === undefined) return undefined;
  const own = [collection, type].flatMap((title) => title || []);
  const last = taxonomy?.split(">").at(-1)?.trim() ?? "";
  const titles = own.length || /^\d*$/.test(last) ? own : [last];
  return Object.fromEntries(titles.map((title) => [handleOf(title), title.slice(0, 255).toWellFormed()]));
}

const statuses: Record<string, ProductStatus> = {
  "": "active",
  active: "active",
  draft: "draft",
  unlisted: "draft",
  archived: "archived",
};
const published: Record<string, boolean> = {
  "": true,
  true: true,
  yes: true,
  1: true,
  false: false,
  no: false,
  0: false,
};

/** Active is what is both active and published. */
function statusOf(cells: Cells, complain: Complain): ProductStatus | undefined {
  if (cells.status === undefined && cells.published === undefined) return undefined;
  const status = Object.hasOwn(statuses, word(cells.status)) ? statuses[word(cells.status)] : undefined;
  const isOut = Object.hasOwn(published, word(cells.published)) ? published[word(cells.published)] : undefined;
  if (!status) complain(`Status is not active, draft or archived: ${cells.status?.slice(0, 40)}`);
  if (isOut === undefined) complain(`Published is neither true nor false: ${cells.published?.slice(0, 40)}`);
  return status === "active" && isOut === false ? "draft" : status;
}

const word = (text = ""): string => text.toLowerCase();

/** More sold than there is, or nothing said: nothing is on hand. */
function unitsOf({ quantity = "" }: Cells, complain: Complain): number {
  const [, units] = /^(-?\d{1,12})(?:\.0+)?$/.exec(quantity || "0") ?? [];
  if (units === undefined) complain(`Variant Inventory Qty is not a whole number: ${quantity.slice(0, 40)}`);
  return Math.max(0, Number(units ?? 0));
}
