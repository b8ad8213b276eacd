import { csvBlocks } from "../../services/catalog/csv.ts";
import { type Entry, Sheet } from "../../services/catalog/sheet.ts";

function sheetOf(text: string, currency = "EUR"): Sheet {
  const [header = { line: 1, fields: [] }, ...rows] = [...csvBlocks(Buffer.from(text))].flat();
  const sheet = new Sheet(header, currency);
  for (const row of rows) sheet.add(row);
  return sheet;
}
const entriesOf = (text: string, currency?: string): Entry[] => [...sheetOf(text, currency).entries()];
const problemsOf = (text: string): [number, string][] =>
  entriesOf(text).flatMap(({ errors }) => errors.map(({ row, message }): [number, string] => [row, message]));
const euros = (amount: number) => ({ amount, currency: "EUR" });

describe("a product CSV of Shopify", () => {
  const columns =
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,Image Position,Image Alt Text,Variant Image";

  test("rows with the same handle are one product, wherever they stand", () => {
    const entries = entriesOf(
      [
        columns,
        'mug,Mug,"<p>For\ntea</p>",Alfar,Mugs,"clay, gift ,,clay",true,Size,S,Colour,Blue,MUG-S,5,12.50,15,https://x.test/2.jpg,2,Two,https://x.test/v.jpg',
        "lamp,Lamp,,,,,TRUE,Title,Default Title,,,,,9,,,,,",
        "mug,,,,,,,,M,,Blue,,-3,13,13,https://x.test/1.jpg,1,,",
        "mug,,,,,,,,,,,,,,,https://x.test/3 a.jpg,,,",
        "mug,,,,,,,,,,,,,,,https://x.test/1.jpg,1,,",
      ].join("\n"),
    );
    expect(entries).toMatchObject([
      {
        row: 2,
        product: {
          handle: "mug",
          title: "Mug",
          description: "<p>For\ntea</p>",
          vendor: "Alfar",
          type: "Mugs",
          tags: ["clay", "gift"],
          categories: ["mugs"],
          status: "active",
          images: [
            { url: "https://x.test/1.jpg", alt: "" },
            { url: "https://x.test/2.jpg", alt: "Two" },
            { url: "https://x.test/3%20a.jpg", alt: "" },
            { url: "https://x.test/v.jpg", alt: "" },
          ],
          options: [
            { name: "Size", values: ["S", "M"] },
            { name: "Colour", values: ["Blue"] },
          ],
          variants: [
            { sku: "MUG-S", options: { Size: "S", Colour: "Blue" }, price: euros(1250), compareAtPrice: euros(1500) },
            { options: { Size: "M", Colour: "Blue" }, price: euros(1300), compareAtPrice: euros(1300) },
          ],
        },
        variants: [
          { row: 2, onHand: 5 },
          { row: 5, onHand: 0 },
        ],
        categories: { mugs: "Mugs" },
        errors: [],
      },
      { row: 4, product: { handle: "lamp", options: [], variants: [{ options: {}, price: euros(900) }] }, errors: [] },
    ]);
    expect(entries[0]?.product?.variants[1]).not.toHaveProperty("sku");
  });

  test("the names that newer files give the columns are known, and columns that nobody knows do no harm", () => {
    const [entry] = entriesOf(
      "Title,URL handle,Description,Product category,Published on online store,Status,SKU,Price,Compare-at price,Inventory quantity,Nobody knows\nMug,mug,Clay,Home & Garden > Kitchen > Mugs,TRUE,Active,M1,9.99,,4,x\n",
    );
    expect(entry).toMatchObject({
      product: {
        handle: "mug",
        description: "Clay",
        categories: ["mugs"],
        variants: [{ sku: "M1", price: euros(999) }],
      },
      variants: [{ onHand: 4 }],
    });
  });

  test("what the file has no column for is left alone, what it leaves empty is emptied", () => {
    const [bare] = entriesOf("Handle,Title,Variant Price\nmug,Mug,1");
    expect(Object.keys(bare?.product ?? {}).sort()).toEqual(["handle", "options", "title", "variants"]);
    const [empty] = entriesOf("Handle,Title,Variant Price,Body (HTML),Vendor,Tags,Type,Image Src\nmug,Mug,1,,,,,");
    expect(empty?.product).toMatchObject({ description: "", vendor: "", tags: [], categories: [], images: [] });
  });

  test.each([
    ["true", "", "active"],
    ["", "", "active"],
    ["FALSE", "", "draft"],
    ["true", "Draft", "draft"],
    ["false", "active", "draft"],
    ["false", "archived", "archived"],
    ["true", "unlisted", "draft"],
  ])("Published %j and Status %j make it %s", (published, status, expected) => {
    const [entry] = entriesOf(`Handle,Title,Variant Price,Published,Status\nmug,Mug,1,${published},${status}`);
    expect(entry?.product?.status).toBe(expected);
  });

  test("a handle is made fit for addresses", () => {
    const [entry] = entriesOf("Handle,Title,Variant Price\nBlue_Müg,Mug,1");
    expect(entry?.product?.handle).toBe("blue-mug");
  });

  test("the case of a handle does not count, anything else makes another product", () => {
    const text =
      "Handle,Title,Option1 Name,Option1 Value,Variant Price\nMug,Mug,Size,S,1\nmug,,,M,2\nкружка 1,Cup,,,1\nчашка 1,Bowl,,,1";
    const handles = entriesOf(text).map(({ product }) => product?.handle);
    expect(handles).toEqual(["mug", expect.stringMatching(/^1-\w{7}$/), expect.stringMatching(/^1-\w{7}$/)]);
    expect(new Set(handles).size).toBe(3);
  });

  test("SKUs lose the apostrophe that keeps spreadsheets from counting", () => {
    const [entry] = entriesOf("Handle,Title,Variant Price,Variant SKU\nmug,Mug,1,'0042");
    expect(entry?.product?.variants[0]?.sku).toBe("0042");
  });

  test("prices have the decimals of the shop's currency", () => {
    const [entry] = entriesOf("Handle,Title,Variant Price\nmug,Mug,1500", "JPY");
    expect(entry?.product?.variants[0]?.price).toEqual({ amount: 1500, currency: "JPY" });
  });

  test("invisible characters are dropped", () => {
    const [entry] = entriesOf("Handle,Title,Variant Price\nmug,Mu\u000bg\u0000,1");
    expect(entry?.product?.title).toBe("Mug");
  });

  test("empty rows are nothing at all", () => {
    expect(sheetOf("Handle,Title,Variant Price\n\n,,\nmug,Mug,1\n\n").size).toBe(1);
    expect(sheetOf("Handle,Title,Variant Price\n").size).toBe(0);
  });

  test("SKUs that the file brings, and those that would do for two, are not to be made up", () => {
    const sheet = sheetOf(
      [
        "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Price",
        "a-b,One,Size,c,,,,1",
        "a,Two,Size,b,Colour,c,,1",
        "x,Three,Title,Default Title,,,X-1,1",
      ].join("\n"),
    );
    expect([...sheet.reservedSkus()].sort()).toEqual(["A-B-C", "X-1"]);
  });
});

describe("a bad row costs its product only", () => {
  const head = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Image Src";
  const good = "good,Good,,,,,1,";
  const around = (...rows: string[]) => [head, good, ...rows, "other,Other,,,,,1,"].join("\n");

  test.each<[string, string[], [number, RegExp][]]>([
    ["a price with a thousands mark", ['x,X,,,,,"1,299.00",'], [[3, /Variant Price is not a plain number.*1,299\.00/]]],
    ["a price with three decimals", ["x,X,,,,,9.999,"], [[3, /at most 2 decimals/]]],
    ["no price", ["x,X,Size,S,,,,"], [[3, /Variant Price is empty/]]],
    ["no price in a row that goes on", ["x,X,Size,S,,,1,", "x,,,M,,,,"], [[4, /Variant Price is empty/]]],
    ["a quantity that is none", ["x,X,,,,many,1,"], [[3, /Variant Inventory Qty/]]],
    ["no handle", [",X,,,,,1,"], [[3, /no Handle/]]],
    ["no handle in the row that has another one's number", ["4,X,,,,,1,", ",Y,,,,,1,"], [[4, /no Handle/]]],
    ["a handle that becomes that of another", ["a_b,X,,,,,1,", "A b,Y,,,,,1,"], [[4, /a-b is the handle .* row 3/]]],
    ["no title in any row", ["x,,,,,,1,"], [[3, /Title/]]],
    ["only pictures", ["x,X,,,,,,https://x.test/1.jpg"], [[3, /Variant Price/]]],
    ["no choice for an option", ["x,X,Size,S,,,1,", "x,,,,X-2,,1,"], [[4, /no value for the option Size/]]],
    ["a choice without an option", ["x,X,,S,,,1,"], [[3, /without a name/]]],
    ["a SKU of another product", ["x,X,,,SAME,,1,", "y,Y,,,SAME,,1,"], [[4, /SAME is that of x/]]],
    ["a SKU that a broken row has as well", [",X,,,SAME,,1,", "y,Y,,,SAME,,1,"], [[3, /no Handle/]]],
    ["a SKU that objects have a meaning for", ["x,X,,,__proto__,,1,"], [[3, /sku cannot be used/]]],
    ["a choice without end", [`x,X,,${"S".repeat(9_000)},,,1,`], [[3, /^S{300}$/]]],
    ["a SKU that no address can carry", ["x,X,,,A/B,,1,"], [[3, /variants\/0\/sku cannot be used/]]],
    ["a picture that is no address", ["x,X,,,,,1,javascript:alert(1)"], [[3, /images\/0\/url/]]],
    ["a title that is too long", [`x,${"X".repeat(256)},,,,,1,`], [[3, /title/]]],
    [
      "an option called like a trap",
      ["x,X,__proto__,S,,,1,"],
      [
        [3, /options\/0\/name/],
        [3, /variants\/0\/options/],
      ],
    ],
    ["more fields than there are columns", ["x,X,,,,,1,,,y"], [[3, /more fields/]]],
    ["a stray quote", ['x,X "wide",,,,,1,', "x,,,,,,2,"], [[3, /quote/]]],
  ])("%s", (_, rows, expected) => {
    const text = around(...rows);
    expect(problemsOf(text)).toEqual(expected.map(([row, message]) => [row, expect.stringMatching(message)]));
    const imported = entriesOf(text).flatMap(({ product }) => product?.handle ?? []);
    expect(imported).toEqual(expect.arrayContaining(["good", "other"]));
    expect(imported).toHaveLength(entriesOf(text).length - 1);
  });

  test("a product with more variants than there can be is refused, with few words", () => {
    const rows = Array.from({ length: 300 }, (_, n) => `x,${n ? "" : "X"},Size,${n},,,nope,`);
    expect(problemsOf(around(...rows))).toHaveLength(10);
    const priced = rows.map((row) => row.replace("nope", "1"));
    expect(problemsOf(around(...priced))).toEqual(
      expect.arrayContaining([[3, expect.stringMatching(/variants must not have more than 250/)]]),
    );
  });
});

describe("a file that is none", () => {
  test.each([
    ["Handle,Title\nmug,Mug", /"Variant Price"/],
    ["Handle;Title;Variant Price\nmug;Mug;1", /"Handle", "Title", "Variant Price"/],
    ["<html>", /"Handle"/],
    ["PK\u0003\u0004", /"Handle"/],
  ])("%j is refused as a whole", (text, message) => {
    expect(() => sheetOf(text)).toThrow(message);
  });

  test("the header counts as row 1 and may be written in any case", () => {
    expect(sheetOf("HANDLE, title ,VARIANT PRICE\nmug,Mug,1").size).toBe(1);
  });
});
