import { address } from "../test/client.ts";
import type { FloorName } from "./floors.ts";
import { handleOf, queryOf, skuOf } from "./goods.ts";
import type { Asked } from "./load.ts";
import type { Shop } from "./shops.ts";

/** Something that a shop is asked for, again and again, by 32 at once. */
export interface Work {
  name: string;
  about: string;
  /** Whether the shop is one process or many. */
  kind: "embedded" | "cluster";
  products: number;
  floor: FloorName;
  /** At least this part of what the floor answers a second. */
  target: number;
  mostP99Ms?: number;
  /** Each answer is an order. */
  sells?: true;
  asker(shop: Shop): Promise<() => Asked> | (() => Asked);
}

const PAGE = 20;
/** Purchases are spread over as many products. */
export const SOLD = 32;
const draw = (count: number) => Math.floor(Math.random() * count);

/** Where each page of the list begins, or of its first so many. */
async function pagesOf({ admin }: Shop, most: number): Promise<string[]> {
  const paths = [`/v1/products?limit=${PAGE}`];
  for (let path: string | undefined = paths[0]; path && paths.length < most; ) {
    const { nextCursor } = await admin.read<{ nextCursor: string | null }>(path);
    path = nextCursor ? `/v1/products?limit=${PAGE}&cursor=${encodeURIComponent(nextCursor)}` : undefined;
    if (path) paths.push(path);
  }
  return paths;
}

export async function anyPage(shop: Shop, most = Number.POSITIVE_INFINITY): Promise<() => Asked> {
  const pages = await pagesOf(shop, most);
  return () => ({ path: pages[draw(pages.length)] ?? "" });
}

let bought = 0;
const run = Date.now().toString(36);
function purchase(): Asked {
  const n = bought++;
  const order = {
    email: `buyer-${n % 1_000}@example.com`,
    lines: [{ sku: skuOf(n % SOLD), quantity: 1 }],
    shippingAddress: address,
    payment: { token: "tok_visa" },
  };
  const headers = { "content-type": "application/json", "idempotency-key": `${run}-${n}` };
  return { method: "POST", path: "/v1/orders", headers, body: JSON.stringify(order) };
}

export const works: readonly Work[] = [
  {
    name: "list",
    about: "20 of 1,000 products, any page",
    kind: "embedded",
    products: 1_000,
    floor: "moleculer-web",
    target: 1 / 2,
    asker: (shop) => anyPage(shop),
  },
  {
    name: "get",
    about: "one of 1,000 products",
    kind: "embedded",
    products: 1_000,
    floor: "moleculer-web",
    target: 0.6,
    asker: () => () => ({ path: `/v1/products/${handleOf(draw(1_000))}` }),
  },
  {
    name: "search",
    about: "in 10,000 products, 20 of what is found",
    kind: "embedded",
    products: 10_000,
    floor: "moleculer-web",
    target: 1 / 12,
    mostP99Ms: 50,
    asker: () => () => ({ path: `/v1/products?limit=${PAGE}&q=${encodeURIComponent(queryOf(draw(10_000)))}` }),
  },
  {
    name: "buy",
    about: "a complete purchase, SQLite with full sync",
    kind: "embedded",
    products: 1_000,
    floor: "moleculer-web",
    target: 1 / 30,
    mostP99Ms: 80,
    sells: true,
    asker: () => purchase,
  },
  {
    name: "buy-cluster",
    about: "a complete purchase, a process of each service, NATS and PostgreSQL",
    kind: "cluster",
    products: 1_000,
    floor: "nats",
    target: 1 / 100,
    sells: true,
    asker: () => purchase,
  },
];

export function workOf(name: string): Work {
  const work = works.find((one) => one.name === name);
  if (!work) throw new Error(`there is no ${name}`);
  return work;
}
