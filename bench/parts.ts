import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { asStarted } from "../cluster/process.ts";
import { address, Client } from "../test/client.ts";
import { freePort } from "../test/servers/server.ts";
import { floor, floorNames } from "./floors.ts";
import { skuOf } from "./goods.ts";
import { CONNECTIONS, load, nothing } from "./load.ts";
import { multiply } from "./multiply.ts";
import { cpuOfAll, memoryOf, onCore, SHOPS_CORE } from "./pinned.ts";
import { drained, embedded, expectHealth, fill, newFolder, type Shop } from "./shops.ts";
import { anyPage, SOLD, type Work, workOf } from "./works.ts";

/** One thing that was measured, in words, beside what it is to be. */
export interface Verdict {
  what: string;
  measured: string;
  target: string;
  ok: boolean;
}

export const median = (figures: number[]): number =>
  figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;

/** What servers that do nothing answer, beside each other: the scale of everything else. */
export async function floors(): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const name of floorNames) {
    const { url, close } = await floor(name);
    const ask = (seconds: number) => load(url, nothing, CONNECTIONS, seconds);
    await ask(2);
    const { perSecond } = await ask(3);
    await close();
    verdicts.push({ what: name, measured: `${Math.round(perSecond)} a second`, target: "none", ok: true });
  }
  return verdicts;
}

/** Many want the few units of one SKU. Whoever is told to come again does so when it was said. */
export async function sale(buyers = 10_000, units = 500, atOnce = 500): Promise<Verdict[]> {
  const shop = await embedded();
  try {
    const variants = [{ sku: "FLASH", price: { amount: 1900, currency: "EUR" } }];
    await shop.admin.post("/v1/admin/products", { title: "Flash", status: "active", variants });
    await shop.admin.post("/v1/admin/inventory/FLASH/adjustments", { delta: units, reason: "delivery" });
    const client = new Client(shop.url);
    const told: Record<string, number> = {};
    const buy = async (n: number) => {
      const email = `flash-${n}@example.com`;
      const order = {
        email,
        lines: [{ sku: "FLASH", quantity: 1 }],
        shippingAddress: address,
        payment: { token: "tok_visa" },
      };
      for (;;) {
        const { status, body, headers } = await client.buy(order, `flash-${n}`);
        if (status < 500 && status !== 429) return `${status} ${status === 201 ? body.status : body.code}`;
        await pause(Number(headers.get("retry-after") ?? 1) * 1_000 * (0.5 + Math.random() / 2));
      }
    };
    const since = performance.now();
    let next = 0;
    const queue = async () => {
      while (next < buyers) {
        const outcome = await buy(next++);
        told[outcome] = (told[outcome] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, queue));
    const seconds = (performance.now() - since) / 1_000;
    await drained(shop);
    await expectHealth(shop);
    const { "201 confirmed": confirmed = 0, "409 insufficient_stock": soldOut = 0 } = told;
    const ok = confirmed === units && soldOut === buyers - units;
    const outcome = Object.entries(told)
      .map(([what, count]) => `${count} × ${what}`)
      .join(", ");
    return [
      {
        what: `${buyers} buyers, ${units} units, ${atOnce} at once`,
        measured: `${outcome}, in ${seconds.toFixed(1)} s`,
        target: `exactly ${units}, within 12 s`,
        ok: ok && seconds <= 12,
      },
    ];
  } finally {
    await shop.close();
  }
}

/** From the start of the process to its first answer, as `npm start` does it. */
export async function start(): Promise<Verdict[]> {
  const took: number[] = [];
  let idle = 0;
  for (let n = 0; n < 5; n++) {
    const port = await freePort();
    const since = performance.now();
    const env = {
      ...process.env,
      PORT: String(port),
      DATA_DIR: newFolder(),
      LOG_LEVEL: "warn",
      ADMIN_PASSWORD: "bench bench bench",
    };
    const child = await onCore(SHOPS_CORE, async () => spawn(process.execPath, asStarted, { env, stdio: "ignore" }));
    const answers = () =>
      fetch(`http://127.0.0.1:${port}/v1/products`).then(
        ({ status }) => status === 200,
        () => false,
      );
    while (!(await answers())) await pause(5);
    took.push((performance.now() - since) / 1_000);
    if (n === 4) await pause(10_000);
    idle = memoryOf(child.pid ?? 0);
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
  }
  const seconds = median(took);
  return [
    {
      what: "cold start to the first answer, with the demo catalogue",
      measured: `${seconds.toFixed(2)} s`,
      target: "1.0 s at most",
      ok: seconds <= 1,
    },
    {
      what: "idle memory after ten seconds",
      measured: `${Math.round(idle)} MB`,
      target: "150 MB at most",
      ok: idle <= 150,
    },
  ];
}

/** What a process holds in memory while it takes so many orders. */
export async function memory(orders = 100_000): Promise<Verdict[]> {
  const shop = await embedded();
  try {
    await fill(shop, 1_000);
    const next = await workOf("buy").asker(shop);
    const seen: number[] = [];
    for (let sold = 0; sold < orders; ) {
      const { served, others } = await load(shop.url, next, CONNECTIONS, 10);
      // Whoever is told to come again has bought nothing, and nothing is wrong with that.
      const { 503: _turnedAway, ...wrong } = others;
      if (Object.keys(wrong).length) throw new Error(JSON.stringify(wrong));
      sold += served;
      seen.push(memoryOf(shop.pid));
    }
    await drained(shop);
    const half = seen.slice(Math.floor(seen.length / 2));
    const [least, most] = [Math.min(...half), Math.max(...half)];
    const ok = most <= 300 && most / least <= 1.25;
    const measured = `${Math.round(most)} MB at most; ${seen.map(Math.round).join(", ")} MB every 10 s`;
    return [{ what: `memory while ${orders} orders are taken`, measured, target: "300 MB at most, and flat", ok }];
  } finally {
    await shop.close();
  }
}

/** What the same costs in a small shop and in one that has sold for years. */
export async function size(orders = 1_000_000, products = 100_000): Promise<Verdict[]> {
  const small = await embedded({ ADMISSION: "off" });
  const folder = newFolder();
  const large = await grown(folder, orders, products);
  try {
    await fill(small, 1_000);
    const verdicts: Verdict[] = [];
    for (const look of looks) verdicts.push(await compared(look, small, large));
    return verdicts;
  } finally {
    await Promise.all([small.close(), large.close()]);
  }
}

/** The pages that a small shop has, or any of all: those of a large shop are too many to be remembered. */
const FIRST_PAGES = 50;
interface Look extends Pick<Work, "name" | "asker"> {
  most?: number;
}
const looks: readonly Look[] = [
  { name: `list, one of the first ${FIRST_PAGES} pages`, asker: (shop) => anyPage(shop, FIRST_PAGES), most: 1.5 },
  { name: "list, any page", asker: (shop) => anyPage(shop) },
  { ...workOf("get"), most: 1.5 },
  { ...workOf("buy"), most: 1.5 },
];

async function grown(folder: string, orders: number, products: number): Promise<Shop> {
  const young = await embedded({ DOCTOR_EVERY_MINUTES: "0" }, folder);
  await fill(young, products);
  await young.admin.buy({
    email: "first@example.com",
    lines: [{ sku: skuOf(0), quantity: 1 }],
    shippingAddress: address,
    payment: { token: "tok_visa" },
  });
  await drained(young);
  await young.close({ keep: true });
  await multiply(folder, orders, SOLD, skuOf);
  return embedded({ DOCTOR_EVERY_MINUTES: "0", ADMISSION: "off" }, folder);
}

/** In turn, so that the machine's hour is the same for both. */
async function compared({ name, asker, most }: Look, small: Shop, large: Shop): Promise<Verdict> {
  const costs = async (shop: Shop) => {
    const next = await asker(shop);
    await load(shop.url, next, CONNECTIONS, 2);
    return async () => {
      const before = cpuOfAll();
      const { served, others } = await load(shop.url, next, CONNECTIONS, 5);
      if (Object.keys(others).length) throw new Error(`${name}: ${JSON.stringify(others)}`);
      return ((cpuOfAll() - before) * 1_000) / served;
    };
  };
  const [ofSmall, ofLarge] = [await costs(small), await costs(large)];
  const rounds: [number, number][] = [];
  for (let n = 0; n < 3; n++) rounds.push([await ofSmall(), await ofLarge()]);
  const ratio = median(rounds.map(([small, large]) => large / small));
  const [few, many] = [0, 1].map((at) => median(rounds.map((round) => round[at] ?? 0)));
  return {
    what: `${name}: CPU in a large shop`,
    measured: `${many?.toFixed(3)} ms, in a small one ${few?.toFixed(3)} ms: ${ratio.toFixed(2)} times as much`,
    target: most ? `${most} times at most` : "none",
    ok: ratio <= (most ?? Number.POSITIVE_INFINITY),
  };
}
