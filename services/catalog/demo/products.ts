import type { Entry, Load } from "../sheet.ts";

/** The import that fills a new shop. */
export const DEMO_IMPORT = "imp_democatalogue";

/** The demo catalogue, in the currency of the shop. */
export const demoLoad = (currency: string): Load => ({
  size: products.length,
  entries: () => products.map((make, place) => make(currency, place + 1)),
  entryOf: () => undefined,
  reservedSkus: () => new Set(),
});

/** Title of each category by its handle. */
const categories = {
  ceramics: "Ceramics",
  kitchen: "Kitchen",
  pantry: "Pantry",
  textiles: "Textiles",
  stationery: "Paper & Ink",
  garden: "Garden",
  leather: "Leather",
  light: "Light",
  "sea-and-travel": "Sea & Travel",
  bath: "Soap & Bath",
};

/** What is chosen is written like the variant's title: one value per option, in order, as in "Small / Sea blue". */
type Row = [sku: string, choice: string, price: number, units: number, compareAtPrice?: number];

interface Article {
  from: string;
  type: string;
  in: (keyof typeof categories)[];
  tags: string[];
  about: string;
  picture: string;
  /** Names of the options; none when there is nothing to choose. */
  by?: string[];
  rows: Row[];
}

const product =
  (handle: string, title: string, { by = [], rows, ...article }: Article) =>
  (currency: string, row: number): Entry => {
    const valuesOf = (choice: string) => by.map((name, place) => [name, choice.split(" / ")[place] ?? ""] as const);
    const money = (amount: number) => ({ amount, currency });
    return {
      row,
      product: {
        handle,
        title,
        description: article.about,
        status: "active",
        vendor: article.from,
        type: article.type,
        tags: article.tags,
        categories: article.in,
        images: [{ url: `/v1/pictures/${handle}.svg`, alt: article.picture }],
        variants: rows.map(([sku, choice, price, , compareAtPrice]) => ({
          sku,
          title: choice,
          options: Object.fromEntries(valuesOf(choice)),
          price: money(price),
          ...(compareAtPrice === undefined ? {} : { compareAtPrice: money(compareAtPrice) }),
        })),
      },
      variants: rows.map(([, , , units]) => ({ row, onHand: units })),
      categories: Object.fromEntries(article.in.map((category) => [category, categories[category]])),
      errors: [],
    };
  };

/** Everything here is invented: the makers, the goods and the prices (EUR, in cents). */
// biome-ignore format: a table, one product after the other
const products: readonly ReturnType<typeof product>[] = [
  product("salt-glazed-mug", "Salt-glazed mug", {
    from: "Alfar del Muelle", type: "Mug", in: ["ceramics", "kitchen"], tags: ["stoneware", "handmade", "bestseller"],
    about: "Thrown by hand and fired with sea salt, which leaves the glaze finely pitted like orange peel. Holds 320 ml and keeps its heat.",
    picture: "A grey stoneware mug with a brushed blue wave, steaming",
    rows: [["MUG-SALT", "Default", 1900, 500]],
  }),
  product("terracotta-mug", "Half-dipped terracotta mug", {
    from: "Alfar del Muelle", type: "Mug", in: ["ceramics", "kitchen"], tags: ["terracotta", "handmade"],
    about: "Red clay left bare at the foot and dipped in cream glaze above, so that no two waterlines are alike.",
    picture: "A large and a small terracotta mug, their upper halves glazed cream",
    by: ["Size"], rows: [
      ["MUG-TERRA-S", "Small", 1400, 120], ["MUG-TERRA-M", "Medium", 1700, 86], ["MUG-TERRA-L", "Large", 2000, 41],
    ],
  }),
  product("harbour-plate", "Harbour plate", {
    from: "Alfar del Muelle", type: "Plate", in: ["ceramics"], tags: ["stoneware", "hand-painted", "fish"],
    about: "A wide plate with a painted rim and a single fish that appears when the meal is finished. Safe in the dishwasher.",
    picture: "A round cream plate with a blue rim and a painted fish",
    by: ["Size", "Colour"], rows: [
      ["PLATE-HARBOUR-SIDE-SEA", "Side, 21 cm / Sea blue", 1600, 140],
      ["PLATE-HARBOUR-SIDE-OLIVE", "Side, 21 cm / Olive", 1600, 95],
      ["PLATE-HARBOUR-DINNER-SEA", "Dinner, 28 cm / Sea blue", 2400, 160],
      ["PLATE-HARBOUR-DINNER-OLIVE", "Dinner, 28 cm / Olive", 2400, 72],
    ],
  }),
  product("tide-bowls", "Tide bowls, set of three", {
    from: "Alfar del Muelle", type: "Bowl", in: ["ceramics", "kitchen"], tags: ["stoneware", "set", "gift"],
    about: "Three bowls that nest like the rings the tide leaves on a quay wall: one for salad, one for soup, one for olives.",
    picture: "Three nested bowls in blue, sand and terracotta",
    rows: [["BOWL-TIDE-3", "Default", 5400, 64, 6200]],
  }),
  product("amphora-vase", "Amphora vase", {
    from: "Alfar del Muelle", type: "Vase", in: ["ceramics"], tags: ["terracotta", "handmade", "home"],
    about: "The old shape of the oil trade, made to stand on a table and hold a branch or two. Glazed inside, so it is watertight.",
    picture: "A two-handled terracotta amphora holding olive branches",
    by: ["Size"], rows: [
      ["VASE-AMPHORA-S", "Small, 18 cm", 3200, 48], ["VASE-AMPHORA-M", "Medium, 26 cm", 4600, 33],
      ["VASE-AMPHORA-L", "Large, 38 cm", 7800, 9],
    ],
  }),
  product("fish-market-jug", "Fish market jug", {
    from: "Alfar del Muelle", type: "Jug", in: ["ceramics", "kitchen"], tags: ["stoneware", "table"],
    about: "A pot-bellied jug for water or wine with a lip that does not drip. Holds 1.2 litres.",
    picture: "A cream jug with a painted fish and a blue foot",
    rows: [["JUG-MARKET", "Default", 3800, 57]],
  }),

  product("olive-wood-board", "Olive wood board", {
    from: "Casa Bordón", type: "Cutting board", in: ["kitchen"], tags: ["wood", "olive wood", "gift"],
    about: "Cut from one piece of pruned olive wood and oiled four times. The grain is wild, and every board has its own.",
    picture: "A wooden board with a handle, half a lemon and olives on it",
    by: ["Size"], rows: [["BOARD-OLIVE-S", "Small, 30 cm", 2900, 75], ["BOARD-OLIVE-L", "Large, 45 cm", 4500, 52]],
  }),
  product("paella-pan", "Carbon steel paella pan", {
    from: "Hermanos Quilla", type: "Pan", in: ["kitchen"], tags: ["steel", "cooking", "outdoor"],
    about: "Thin carbon steel with a dimpled base, for an even crust on the rice. Season it once and it will outlive the stove.",
    picture: "A paella pan with two handles, full of rice, mussels, prawns and lemon",
    by: ["Size"], rows: [
      ["PAELLA-30", "30 cm, 4 people", 2400, 110], ["PAELLA-38", "38 cm, 8 people", 3200, 84],
      ["PAELLA-46", "46 cm, 12 people", 4100, 27],
    ],
  }),
  product("fishmonger-knife", "Fishmonger's knife", {
    from: "Hermanos Quilla", type: "Knife", in: ["kitchen"], tags: ["steel", "walnut", "sharp"],
    about: "A narrow, slightly supple 20 cm blade with a riveted walnut handle. Made for fillets, good for nearly everything.",
    picture: "A long kitchen knife with a riveted wooden handle",
    rows: [["KNIFE-FISH-20", "Default", 6900, 38]],
  }),
  product("dockside-moka-pot", "Dockside moka pot", {
    from: "Hermanos Quilla", type: "Coffee maker", in: ["kitchen"], tags: ["coffee", "aluminium", "breakfast"],
    about: "Eight-sided and thick-walled, with a beech handle that stays cool. It sings when the coffee is ready.",
    picture: "An eight-sided moka pot with a wooden handle",
    by: ["Size"], rows: [["MOKA-3", "3 cups", 3400, 130], ["MOKA-6", "6 cups", 4200, 96]],
  }),
  product("beech-pepper-mill", "Beech pepper mill", {
    from: "Casa Bordón", type: "Mill", in: ["kitchen"], tags: ["wood", "table", "spice"],
    about: "Turned from beech around a steel mechanism that we guarantee for twenty-five years. Stands 22 cm tall.",
    picture: "A turned wooden pepper mill with scattered peppercorns",
    rows: [["MILL-BEECH-22", "Default", 3600, 68]],
  }),
  product("granite-mortar", "Granite mortar and pestle", {
    from: "Hermanos Quilla", type: "Mortar", in: ["kitchen"], tags: ["stone", "heavy", "spice"],
    about: "Four kilos of speckled granite, rough inside and polished outside. For romesco, aioli and patience.",
    picture: "A speckled stone mortar with its pestle",
    rows: [["MORTAR-GRANITE", "Default", 4400, 31, 4900]],
  }),

  product("first-press-olive-oil", "First-press olive oil", {
    from: "Molino Salitre", type: "Olive oil", in: ["pantry"], tags: ["oil", "olive", "bestseller"],
    about: "Green, peppery and pressed within six hours of the harvest. Best in the year after it is bottled.",
    picture: "A dark green bottle of olive oil beside a sprig of olives",
    by: ["Size"], rows: [
      ["OIL-FIRST-250", "250 ml", 900, 260], ["OIL-FIRST-500", "500 ml", 1500, 340], ["OIL-FIRST-3000", "3 l tin", 6400, 45],
    ],
  }),
  product("sardines-in-olive-oil", "Sardines in olive oil", {
    from: "Conservas Marola", type: "Tinned fish", in: ["pantry"], tags: ["fish", "tin", "picnic"],
    about: "Small sardines, packed by hand and left to mellow in the tin for a year. 115 g; turn it over now and then.",
    picture: "An open tin with four sardines in golden oil",
    rows: [["SARDINES-115", "Default", 520, 420]],
  }),
  product("sea-salt-flakes", "Sea salt flakes", {
    from: "Molino Salitre", type: "Salt", in: ["pantry"], tags: ["salt", "sea", "vegan"],
    about: "Raked by hand from the shallow pans behind the breakwater and dried by the wind. 180 g in a jar with a cork.",
    picture: "A corked glass jar of salt flakes with a wooden scoop",
    rows: [["SALT-FLAKES-180", "Default", 780, 310]],
  }),
  product("orange-blossom-honey", "Orange blossom honey", {
    from: "Colmenar Levante", type: "Honey", in: ["pantry"], tags: ["honey", "sweet", "breakfast"],
    about: "Light, floral and unheated, from hives that spend April among the orange trees.",
    picture: "A jar of golden honey with a dipper",
    by: ["Size"], rows: [["HONEY-ORANGE-250", "250 g", 750, 180], ["HONEY-ORANGE-500", "500 g", 1250, 145]],
  }),
  product("quayside-chocolate", "Quayside chocolate", {
    from: "Molino Salitre", type: "Chocolate", in: ["pantry"], tags: ["chocolate", "sweet", "gift"],
    about: "Ground slowly between stones, so that it stays a little coarse. A 90 g bar in paper printed with the harbour's tide table.",
    picture: "A chocolate bar half unwrapped from blue paper and foil",
    by: ["Flavour"], rows: [
      ["CHOCOLATE-70", "Dark 70 %", 590, 290], ["CHOCOLATE-ORANGE", "Orange peel", 640, 205],
      ["CHOCOLATE-SALT", "Sea salt", 640, 0],
    ],
  }),
  product("early-tide-coffee", "Early tide coffee", {
    from: "Tostadero Alba", type: "Coffee", in: ["pantry"], tags: ["coffee", "breakfast", "bestseller"],
    about: "The roast that the fish auction runs on: dark, round and without bitterness. Roasted every Tuesday.",
    picture: "A paper bag of coffee with a rising sun on its label and beans in front",
    by: ["Weight", "Grind"], rows: [
      ["COFFEE-TIDE-250-BEAN", "250 g / Whole bean", 880, 240], ["COFFEE-TIDE-250-MOKA", "250 g / Moka", 880, 175],
      ["COFFEE-TIDE-250-FILTER", "250 g / Filter", 880, 160], ["COFFEE-TIDE-1000-BEAN", "1 kg / Whole bean", 2900, 90],
      ["COFFEE-TIDE-1000-MOKA", "1 kg / Moka", 2900, 35],
    ],
  }),

  product("harbour-scarf", "Harbour scarf", {
    from: "Telar Norte", type: "Scarf", in: ["textiles"], tags: ["wool", "winter", "woven"],
    about: "Lambswool, woven soft and wide enough to pull over the ears on the evening ferry. 190 × 35 cm.",
    picture: "A looped wool scarf with stripes and fringed ends",
    by: ["Colour"], rows: [
      ["SCARF-HARBOUR-TERRA", "Terracotta", 4900, 66], ["SCARF-HARBOUR-SEA", "Sea blue", 4900, 81],
      ["SCARF-HARBOUR-OLIVE", "Olive", 4900, 44], ["SCARF-HARBOUR-SAND", "Sand", 3900, 18, 4900],
    ],
  }),
  product("striped-tea-towel", "Striped tea towel", {
    from: "Telar Norte", type: "Tea towel", in: ["textiles", "kitchen"], tags: ["linen", "cotton", "table"],
    about: "Half linen, half cotton: it dries from the first day and gets better with every wash.",
    picture: "A striped tea towel hanging from a wooden rail",
    by: ["Colour"], rows: [
      ["TOWEL-TEA-SEA", "Sea blue", 1200, 210], ["TOWEL-TEA-TERRA", "Terracotta", 1200, 185], ["TOWEL-TEA-INK", "Ink", 1200, 97],
    ],
  }),
  product("night-watch-blanket", "Night watch blanket", {
    from: "Telar Norte", type: "Blanket", in: ["textiles"], tags: ["wool", "winter", "home"],
    about: "A heavy blanket of undyed and blue wool, patterned after those that lay in the pilots' hut. Warm when damp, too.",
    picture: "A folded striped wool blanket with a fringe",
    by: ["Size"], rows: [["BLANKET-WATCH-130", "130 × 180 cm", 8900, 40], ["BLANKET-WATCH-180", "180 × 220 cm", 12900, 22]],
  }),
  product("sailcloth-cushion", "Sailcloth cushion", {
    from: "Velería Sotavento", type: "Cushion", in: ["textiles", "sea-and-travel"], tags: ["canvas", "recycled", "home"],
    about: "Sewn from retired sails, with a feather pad inside. You may find a seam, a mend or half a number: that is the point.",
    picture: "A square cream cushion with blue sail stripes",
    rows: [["CUSHION-SAIL", "Default", 4200, 53]],
  }),
  product("chandler-apron", "Chandler's apron", {
    from: "Velería Sotavento", type: "Apron", in: ["textiles", "kitchen"], tags: ["canvas", "workwear", "gift"],
    about: "Stout cotton canvas with crossed straps, a towel loop and a pocket deep enough for a notebook and a lemon.",
    picture: "A canvas apron with a bib, ties and a wide pocket",
    by: ["Colour"], rows: [
      ["APRON-CHANDLER-OLIVE", "Olive", 4600, 62], ["APRON-CHANDLER-SEA", "Sea blue", 4600, 70],
      ["APRON-CHANDLER-INK", "Ink", 4600, 29],
    ],
  }),
  product("watch-cap", "Ribbed watch cap", {
    from: "Telar Norte", type: "Hat", in: ["textiles", "sea-and-travel"], tags: ["wool", "winter", "knitted"],
    about: "Knitted tight enough for the bow and soft enough for the tram. One size, with a deep cuff.",
    picture: "A ribbed knitted cap with a turned-up cuff",
    by: ["Colour"], rows: [["CAP-WATCH-SEA", "Sea blue", 2600, 150], ["CAP-WATCH-TERRA", "Terracotta", 2600, 118]],
  }),

  product("merchants-ledger", "Merchant's ledger", {
    from: "Papelera Barlovento", type: "Notebook", in: ["stationery"], tags: ["paper", "notebook", "gift"],
    about: "A cloth-bound notebook with 192 sewn pages that lie flat, leather corners and two ribbons: one for debts, one for dreams.",
    picture: "A blue cloth-bound notebook with tan corners and a ribbon",
    by: ["Ruling"], rows: [
      ["LEDGER-PLAIN", "Plain", 2200, 134], ["LEDGER-LINED", "Lined", 2200, 158], ["LEDGER-SQUARED", "Squared", 2200, 87],
    ],
  }),
  product("brass-fountain-pen", "Brass fountain pen", {
    from: "Papelera Barlovento", type: "Pen", in: ["stationery"], tags: ["brass", "writing", "gift"],
    about: "Solid brass that darkens where you hold it, with a steel nib and room for cartridge or converter.",
    picture: "A brass fountain pen drawing a line of ink",
    by: ["Nib"], rows: [
      ["PEN-BRASS-F", "Fine", 7400, 36], ["PEN-BRASS-M", "Medium", 7400, 49], ["PEN-BRASS-B", "Broad", 6600, 12, 7400],
    ],
  }),
  product("cuttlefish-ink", "Cuttlefish ink", {
    from: "Papelera Barlovento", type: "Ink", in: ["stationery"], tags: ["ink", "writing"],
    about: "Fountain pen ink in the colours of the fish market. No cuttlefish were troubled. 40 ml in a heavy glass.",
    picture: "A square glass bottle of ink with a brass cap",
    by: ["Colour"], rows: [["INK-SEPIA", "Sepia", 1300, 102], ["INK-SEA", "Sea blue", 1300, 94], ["INK-NIGHT", "Night", 1300, 0]],
  }),
  product("cedar-pencils", "Cedar pencils, box of twelve", {
    from: "Papelera Barlovento", type: "Pencil", in: ["stationery"], tags: ["wood", "writing", "school"],
    about: "Twelve HB pencils in unpainted and painted cedar that smell of a ship's cabin when you sharpen them.",
    picture: "A row of sharpened coloured pencils in a paper sleeve",
    rows: [["PENCIL-CEDAR-12", "Default", 1400, 225]],
  }),
  product("airmail-letter-set", "Airmail letter set", {
    from: "Papelera Barlovento", type: "Letter paper", in: ["stationery", "sea-and-travel"], tags: ["paper", "writing", "letters"],
    about: "Thirty sheets of thin, crisp paper and twenty lined envelopes. It still weighs less than it says.",
    picture: "Two airmail envelopes with striped borders and a letter",
    rows: [["AIRMAIL-20", "Default", 1600, 117]],
  }),
  product("sealing-wax-set", "Sealing wax set", {
    from: "Papelera Barlovento", type: "Wax seal", in: ["stationery"], tags: ["wax", "brass", "letters", "gift"],
    about: "A brass anchor seal with an oak handle and three sticks of terracotta wax, enough for some sixty letters.",
    picture: "A wooden-handled seal, a stick of wax and a round red seal with an anchor",
    rows: [["WAX-ANCHOR", "Default", 2800, 43, 3300]],
  }),

  product("terracotta-pot", "Courtyard pot", {
    from: "Alfar del Muelle", type: "Plant pot", in: ["garden", "ceramics"], tags: ["terracotta", "plants", "outdoor"],
    about: "Thick-walled, frost-proof terracotta with a saucer. White bloom on the outside is a sign of a happy plant.",
    picture: "A rimmed terracotta pot on a saucer with a leafy plant",
    by: ["Size"], rows: [
      ["POT-COURT-14", "14 cm", 1100, 190], ["POT-COURT-20", "20 cm", 1800, 142], ["POT-COURT-30", "30 cm", 3400, 58],
    ],
  }),
  product("watering-can", "Galvanised watering can", {
    from: "Hermanos Quilla", type: "Watering can", in: ["garden"], tags: ["steel", "plants", "outdoor"],
    about: "Seven litres, a long reach and a brass rose that rains instead of pouring. Balanced so that it tips with one hand.",
    picture: "A steel watering can with a long spout and brass rose",
    rows: [["CAN-GALVANISED-7", "Default", 4800, 39]],
  }),
  product("forged-trowel", "Forged trowel", {
    from: "Hermanos Quilla", type: "Hand tool", in: ["garden"], tags: ["steel", "ash", "tools"],
    about: "Forged from one bar, sharpened on both edges, with an ash handle and a loop to hang it by.",
    picture: "A garden trowel with a pointed blade and wooden handle",
    rows: [["TROWEL-FORGED", "Default", 2700, 91]],
  }),
  product("herb-seed-box", "Herb seed box", {
    from: "Huerta Alta", type: "Seeds", in: ["garden", "pantry"], tags: ["plants", "herbs", "gift"],
    about: "Basil, parsley and thyme for a kitchen window, in a pine box that later keeps the labels.",
    picture: "A wooden box with three packets of herb seeds",
    rows: [["SEEDS-HERB-3", "Default", 1500, 166]],
  }),
  product("orchard-secateurs", "Orchard secateurs", {
    from: "Hermanos Quilla", type: "Hand tool", in: ["garden"], tags: ["steel", "tools"],
    about: "Bypass blades for clean cuts on wood up to 20 mm. Every part can be unscrewed, sharpened and replaced.",
    picture: "Secateurs with terracotta handles, open",
    by: ["Hand"], rows: [["SECATEURS-RIGHT", "Right-handed", 3900, 77], ["SECATEURS-LEFT", "Left-handed", 3900, 14]],
  }),
  product("harvest-basket", "Harvest basket", {
    from: "Huerta Alta", type: "Basket", in: ["garden", "kitchen"], tags: ["willow", "woven", "handmade"],
    about: "Willow over a chestnut frame, woven in winter when the rods are still. For tomatoes, laundry or a small cat.",
    picture: "A woven basket with a tall handle, full of tomatoes, lemons and greens",
    by: ["Size"], rows: [["BASKET-HARVEST-S", "Small", 3300, 37], ["BASKET-HARVEST-L", "Large", 4700, 21]],
  }),

  product("merchant-satchel", "Merchant satchel", {
    from: "Curtidos Amarra", type: "Bag", in: ["leather"], tags: ["leather", "bag", "work"],
    about: "Vegetable-tanned leather with two brass buckles and a strap that can be replaced. Takes a 14-inch laptop and the day's papers.",
    picture: "A tan leather satchel with two buckled straps",
    by: ["Colour"], rows: [
      ["SATCHEL-TAN", "Tan", 18900, 26], ["SATCHEL-INK", "Ink", 18900, 17], ["SATCHEL-OLIVE", "Olive", 15900, 6, 18900],
    ],
  }),
  product("card-wallet", "Folded card wallet", {
    from: "Curtidos Amarra", type: "Wallet", in: ["leather"], tags: ["leather", "gift", "small"],
    about: "One piece of leather, one fold and eight stitches at each end. Carries six cards and a few notes.",
    picture: "A small leather wallet with cards showing",
    by: ["Colour"], rows: [["WALLET-TAN", "Tan", 4200, 128], ["WALLET-SEA", "Sea blue", 4200, 83]],
  }),
  product("bridle-belt", "Bridle leather belt", {
    from: "Curtidos Amarra", type: "Belt", in: ["leather"], tags: ["leather", "brass", "clothing"],
    about: "A single strip of bridle leather, 3.5 cm wide, with a solid brass buckle. Measure from the fold to the hole you use.",
    picture: "A brown leather belt closed with a brass buckle",
    by: ["Length"], rows: [
      ["BELT-BRIDLE-85", "85 cm", 5800, 32], ["BELT-BRIDLE-95", "95 cm", 5800, 46], ["BELT-BRIDLE-105", "105 cm", 5800, 28],
      ["BELT-BRIDLE-115", "115 cm", 5800, 11],
    ],
  }),
  product("boatyard-key-fob", "Boatyard key fob", {
    from: "Curtidos Amarra", type: "Key fob", in: ["leather", "sea-and-travel"], tags: ["leather", "brass", "small", "gift"],
    about: "An offcut of harness leather around a brass ring, found at the bottom of the bag on the first try.",
    picture: "A leather loop on a brass ring with a brass key",
    rows: [["FOB-BOATYARD", "Default", 1700, 270]],
  }),
  product("weekend-holdall", "Weekend holdall", {
    from: "Curtidos Amarra", type: "Bag", in: ["leather", "sea-and-travel"], tags: ["canvas", "leather", "bag"],
    about: "Waxed canvas on a leather base, sized for two nights and one good book. Fits under the seat of the ferry.",
    picture: "An olive canvas holdall with leather handles and base",
    rows: [["HOLDALL-WEEKEND", "Default", 16400, 19]],
  }),
  product("shoreline-sandals", "Shoreline sandals", {
    from: "Curtidos Amarra", type: "Shoes", in: ["leather"], tags: ["leather", "summer", "clothing"],
    about: "Two straps of leather on a light, grippy sole, after the sandals of the island shepherds. Order your usual size.",
    picture: "A pair of leather sandals seen from above",
    by: ["Size"], rows: [
      ["SANDAL-37", "37", 6800, 24], ["SANDAL-38", "38", 6800, 33], ["SANDAL-39", "39", 6800, 35], ["SANDAL-40", "40", 6800, 30],
      ["SANDAL-41", "41", 6800, 16], ["SANDAL-42", "42", 6800, 8],
    ],
  }),

  product("lighthouse-lamp", "Lighthouse lamp", {
    from: "Faro & Hija", type: "Lamp", in: ["light", "sea-and-travel"], tags: ["lamp", "limited edition", "handmade"],
    about: "A striped tower of turned ash with a glass lantern that brightens and fades every six seconds, or simply shines. Fifty were made, each numbered on the foot.",
    picture: "A lamp in the shape of a striped lighthouse, its lantern glowing",
    rows: [["LIGHTHOUSE-LAMP-50", "Default", 12500, 50, 14900]],
  }),
  product("storm-lantern", "Storm lantern", {
    from: "Faro & Hija", type: "Lantern", in: ["light", "garden"], tags: ["lamp", "outdoor", "steel"],
    about: "A paraffin lantern whose flame has yet to be blown out by a guest. Burns twenty hours on one filling.",
    picture: "A storm lantern with a glass globe, a flame and a wire handle",
    by: ["Colour"], rows: [["LANTERN-STORM-SEA", "Sea blue", 3900, 59], ["LANTERN-STORM-TERRA", "Terracotta", 3900, 47]],
  }),
  product("beeswax-candles", "Beeswax candles, pair", {
    from: "Colmenar Levante", type: "Candle", in: ["light"], tags: ["wax", "table", "gift"],
    about: "Two dipped tapers of pure beeswax that smell of honey, lit or not. Each burns for nine hours.",
    picture: "Two lit beeswax candles in brass holders",
    rows: [["CANDLE-BEESWAX-2", "Default", 1400, 235]],
  }),
  product("net-float-pendant", "Net float pendant", {
    from: "Faro & Hija", type: "Lamp", in: ["light"], tags: ["lamp", "glass", "handmade"],
    about: "A mouth-blown glass float in a knotted net, with a bulb where the air used to be. Comes with two metres of cord.",
    picture: "A glass globe lamp in a rope net, hanging from a cord",
    by: ["Glass"], rows: [["PENDANT-FLOAT-SEA", "Sea blue", 9400, 23], ["PENDANT-FLOAT-OLIVE", "Olive", 9400, 15]],
  }),
  product("bulkhead-light", "Brass bulkhead light", {
    from: "Faro & Hija", type: "Wall light", in: ["light", "sea-and-travel"], tags: ["lamp", "brass", "outdoor"],
    about: "Cast from the pattern of a ship's passage lamp, with a caged glass and a gasket against spray. For walls, inside and out.",
    picture: "A round brass ship's light with a cage over glowing glass",
    rows: [["BULKHEAD-BRASS", "Default", 11200, 20]],
  }),
  product("clerks-desk-lamp", "Clerk's desk lamp", {
    from: "Faro & Hija", type: "Lamp", in: ["light", "stationery"], tags: ["lamp", "brass", "work"],
    about: "The counting-house lamp: a green glass shade, a brass stem and a chain that clicks. Kind to tired eyes and old ledgers.",
    picture: "A brass desk lamp with a green glass shade",
    rows: [["LAMP-CLERK", "Default", 13800, 13]],
  }),

  product("pocket-compass", "Pocket compass", {
    from: "Talleres Cabotaje", type: "Compass", in: ["sea-and-travel"], tags: ["brass", "navigation", "gift"],
    about: "A liquid-damped compass in a brass case. It points north; the rest is up to you.",
    picture: "A brass pocket compass with a wind rose and a red needle",
    rows: [["COMPASS-POCKET", "Default", 5200, 61]],
  }),
  product("canvas-sea-bag", "Canvas sea bag", {
    from: "Velería Sotavento", type: "Bag", in: ["sea-and-travel", "textiles"], tags: ["canvas", "bag", "rope"],
    about: "A tall kit bag of heavy canvas, closed with a rope through brass eyelets. Stands up by itself, and so do you with it on.",
    picture: "A tall canvas kit bag with a rope closure and an anchor",
    by: ["Size"], rows: [["SEABAG-35", "35 l", 7200, 34], ["SEABAG-60", "60 l", 8800, 25]],
  }),
  product("enamel-flask", "Enamelled flask", {
    from: "Talleres Cabotaje", type: "Flask", in: ["sea-and-travel", "kitchen"], tags: ["steel", "coffee", "outdoor"],
    about: "Double-walled steel under a hard enamel coat, with a cup for a lid. Keeps coffee hot from the first boat to the last.",
    picture: "A blue flask with a cup lid and a carrying strap",
    by: ["Size", "Colour"], rows: [
      ["FLASK-500-SEA", "0.5 l / Sea blue", 2900, 104], ["FLASK-500-SAND", "0.5 l / Sand", 2900, 78],
      ["FLASK-1000-SEA", "1 l / Sea blue", 3700, 63], ["FLASK-1000-SAND", "1 l / Sand", 3100, 5, 3700],
    ],
  }),
  product("striped-sailor-shirt", "Striped sailor shirt", {
    from: "Telar Norte", type: "Shirt", in: ["sea-and-travel", "textiles"], tags: ["cotton", "clothing", "bestseller"],
    about: "Heavy cotton jersey with a boat neck and twenty-one stripes, as the rules demand. Shrinks a little, then never again.",
    picture: "A long-sleeved cream shirt with blue stripes",
    by: ["Size"], rows: [
      ["SHIRT-SAILOR-XS", "XS", 4400, 42], ["SHIRT-SAILOR-S", "S", 4400, 88], ["SHIRT-SAILOR-M", "M", 4400, 105],
      ["SHIRT-SAILOR-L", "L", 4400, 74], ["SHIRT-SAILOR-XL", "XL", 4400, 0],
    ],
  }),
  product("oilskin-coat", "Oilskin coat", {
    from: "Velería Sotavento", type: "Coat", in: ["sea-and-travel"], tags: ["clothing", "rain", "outdoor"],
    about: "Waterproof to the last seam, with a hood that turns along with your head and pockets that drain. Made for spray, welcome at bus stops.",
    picture: "A yellow hooded oilskin coat with dark clasps",
    by: ["Size"], rows: [
      ["OILSKIN-S", "S", 14900, 16], ["OILSKIN-M", "M", 14900, 29], ["OILSKIN-L", "L", 14900, 24], ["OILSKIN-XL", "XL", 14900, 10],
    ],
  }),
  product("brass-spyglass", "Brass spyglass", {
    from: "Talleres Cabotaje", type: "Telescope", in: ["sea-and-travel"], tags: ["brass", "leather", "navigation"],
    about: "Three draws, fifteen-fold, with a leather grip and a cap on a chain. Reads the name of a ship at two miles.",
    picture: "An extended brass telescope with a leather grip",
    rows: [["SPYGLASS-15X", "Default", 9800, 18]],
  }),

  product("olive-oil-soap", "Olive oil soap", {
    from: "Jabonería Espuma", type: "Soap", in: ["bath"], tags: ["soap", "olive", "vegan", "bestseller"],
    about: "Boiled for a week in a copper and cured for six months, with nothing in it that you could not pronounce. 150 g.",
    picture: "Two stacked blocks of stamped green soap with an olive sprig and bubbles",
    by: ["Scent"], rows: [
      ["SOAP-OLIVE-PLAIN", "Unscented", 650, 380], ["SOAP-OLIVE-ROSEMARY", "Rosemary", 690, 275],
      ["SOAP-OLIVE-ORANGE", "Bitter orange", 690, 230],
    ],
  }),
  product("sea-sponge", "Sea sponge", {
    from: "Jabonería Espuma", type: "Sponge", in: ["bath"], tags: ["sea", "natural"],
    about: "A soft, wide-pored sponge, cut by divers so that it grows again. Rinse it, wring it, hang it in the air.",
    picture: "A round golden sponge full of pores",
    rows: [["SPONGE-SEA", "Default", 1900, 79]],
  }),
  product("shaving-brush", "Shaving brush", {
    from: "Jabonería Espuma", type: "Brush", in: ["bath"], tags: ["wood", "shaving", "vegan"],
    about: "Synthetic bristle that lathers like badger and dries faster, set in a turned olive wood handle.",
    picture: "A shaving brush with pale bristles standing on its wooden handle",
    rows: [["BRUSH-SHAVE", "Default", 2900, 55]],
  }),
  product("hammam-towel", "Hammam towel", {
    from: "Telar Norte", type: "Towel", in: ["bath", "textiles"], tags: ["cotton", "beach", "woven"],
    about: "A flat-woven cotton towel with knotted tassels: dries you, then the air dries it. Rolls up to the size of a loaf.",
    picture: "Two rolled striped towels with knotted tassels",
    by: ["Size", "Colour"], rows: [
      ["HAMMAM-HAND-SEA", "Hand / Sea blue", 1800, 112], ["HAMMAM-HAND-TERRA", "Hand / Terracotta", 1800, 99],
      ["HAMMAM-BATH-SEA", "Bath / Sea blue", 3400, 85], ["HAMMAM-BATH-TERRA", "Bath / Terracotta", 3400, 67],
    ],
  }),
  product("bath-brush", "Long bath brush", {
    from: "Casa Bordón", type: "Brush", in: ["bath"], tags: ["wood", "natural"],
    about: "Beech and cactus fibre on a handle long enough for the middle of the back, with a cord to hang it by.",
    picture: "A long-handled wooden brush with pale bristles and a cord",
    rows: [["BRUSH-BATH", "Default", 2300, 73]],
  }),
  product("olive-wood-comb", "Olive wood comb", {
    from: "Casa Bordón", type: "Comb", in: ["bath"], tags: ["wood", "olive wood", "small", "gift"],
    about: "Sawn, filed and polished by one pair of hands, wide-toothed on one side and fine on the other. Never static.",
    picture: "A wooden comb with wide and fine teeth",
    rows: [["COMB-OLIVE", "Default", 1500, 136]],
  }),
];
