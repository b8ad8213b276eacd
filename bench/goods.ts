/** Words of which goods are made up: every shop of so many products is the same one. */
const qualities =
  "Amber Azure Brass Coastal Copper Cotton Ebony Field Forest Granite Harbour Indigo Island Linen Meadow Mist Ocean Oak Olive Pearl Pine Quartz River Rustic Sable Saffron Salt Silver Slate Stone Tidal Walnut Willow Woven".split(
    " ",
  );
const things =
  "Anorak Apron Backpack Basket Blanket Board Bottle Bowl Box Brush Bucket Candle Cap Carafe Chair Cloth Coat Cup Cushion Dish Dress Drawer Glove Jacket Jar Jersey Jug Kettle Knife Lamp Lantern Mat Mirror Mug Notebook Pan Pillow Pitcher Plate Pot Quilt Rug Sandal Scarf Shelf Shirt Shoe Skirt Soap Spoon Stool Table Teapot Tent Towel Tray Trousers Vase Wallet Wrap".split(
    " ",
  );
const makers =
  "Atelier Norte,Casa Ribeira,Faro & Sons,Lonja Works,Mar Menor,Obradoiro,Portside,Salt Road,Tres Rías,Vento".split(
    ",",
  );
const CATEGORIES = ["kitchen", "textiles", "garden", "leather", "light", "bath", "travel", "paper"];

const pick = <T>(list: readonly T[], place: number): T => list[place % list.length] as T;
export const skuOf = (n: number): string => `SKU-${n}`;
export const handleOf = (n: number): string => `thing-${n}`;

const about = (quality: string, thing: string, maker: string) =>
  `<p>${quality} ${thing.toLowerCase()} of ${maker}, made by hand in small numbers. It is strong enough for every day and looks better each year; ` +
  "should it break, send it back and we mend it. Please wash it with care and keep it out of the sun.</p>";

export interface Good {
  handle: string;
  title: string;
  about: string;
  maker: string;
  thing: string;
  category: string;
  sku: string;
  /** Whole EUR: 4 to 99. */
  price: number;
}
export function good(n: number): Good {
  const quality = pick(qualities, n);
  const thing = pick(things, Math.floor(n / qualities.length));
  const maker = pick(makers, n * 7);
  return {
    handle: handleOf(n),
    title: `${quality} ${thing} ${Math.floor(n / (qualities.length * things.length)) + 1}`,
    about: about(quality, thing, maker),
    maker,
    thing,
    category: pick(CATEGORIES, n),
    sku: skuOf(n),
    price: 4 + (n % 96),
  };
}

/** A CSV as shops export them: one variant each, with a picture. */
export function csvOf(count: number, units: number, first = 0): string {
  const header =
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Variant SKU,Variant Inventory Qty,Variant Price,Image Src";
  const rows = Array.from({ length: count }, (_, place) => first + place).map((n) => {
    const { handle, title, about, maker, thing, category, sku, price } = good(n);
    const cells = [handle, title, `"${about}"`, maker, thing, category, "true", sku, units, `${price}.00`];
    return [...cells, `https://example.com/pictures/${n}.jpg`].join(",");
  });
  return [header, ...rows].join("\n");
}

/** What somebody looks for: two words of a title, or the beginning of one and a maker. */
export function queryOf(n: number): string {
  const [quality, thing] = [pick(qualities, n * 13), pick(things, n * 7)];
  return n % 3 ? `${quality} ${thing}` : `${thing.slice(0, 4)} ${pick(makers, n).split(" ")[0]}`;
}
