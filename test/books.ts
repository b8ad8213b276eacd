import { contracts, type ServiceName } from "../services/contracts.ts";
import type { Report } from "../services/doctor/doctor.contract.ts";
import { examine } from "../services/doctor/examination.edge.ts";
import type { StockLevel } from "../services/inventory/inventory.contract.ts";
import type { Order } from "../services/orders/orders.contract.ts";
import type { Page } from "../services/shared/schema.ts";
import { realWorld, type World } from "../services/shared/world.ts";
import type { Client } from "./client.ts";
import { staff } from "./money.ts";
import type { Shop } from "./shop.ts";

/** The stock that there was at first, by SKUs. */
type Opened = Readonly<Record<string, number>>;

async function whole<T>(ask: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    all.push(...page.data);
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  return all;
}

/** Everything that does not agree in a shop whose buyers have all gone home, of the services that run in it. */
export async function disagreements({ broker, settings, call }: Shop, opened: Opened): Promise<string[]> {
  const { world } = broker as unknown as { world: World };
  // The clock is the shop's, and the pauses are real: a clock that is moved by hand would stand still in them.
  const report = await examine(
    { call },
    { ...realWorld, now: () => world.now() },
    { rest: () => 0, isOver: () => false },
  );
  const orders = await whole((cursor) => call("orders.search", { limit: 100, ...(cursor ? { cursor } : {}) }, staff));
  const levels = await Promise.all(Object.keys(opened).map((sku) => call("inventory.level", { sku }, staff)));
  const isThere = ([name = ""]: readonly string[]) =>
    !Object.hasOwn(contracts, name) || settings.services.includes(name as ServiceName);
  return [...findingsOf(report, isThere), ...unlikeAtFirst(opened, orders, levels)];
}

/** The same through the door, where nothing else can be reached. */
export async function disagreementsSeenBy(admin: Client, opened: Opened): Promise<string[]> {
  const report = await admin.read<Report>("/v1/admin/doctor");
  const orders = await admin.all<Order>("/v1/admin/orders");
  const levels = await Promise.all(
    Object.keys(opened).map((sku) => admin.read<StockLevel>(`/v1/admin/inventory/${sku}`)),
  );
  return [...findingsOf(report), ...unlikeAtFirst(opened, orders, levels)];
}

const LOOK_MS = 250;

/** What is still wrong when it was looked at for so long: mails, refunds and facts come after the answer. */
export async function whatStaysWrong(look: () => Promise<string[]>, patienceMs = 60_000): Promise<string[]> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const wrong = await look();
    if (wrong.length === 0 || performance.now() > until) return wrong;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Who was promised something that is not there, of orders by id. */
export async function promisesNotKept(admin: Client, promised: Iterable<string>): Promise<string[]> {
  const orders = await admin.all<Order>("/v1/admin/orders");
  const statuses = new Map(orders.map(({ id, status }) => [id, status]));
  const lost = [...promised].filter((id) => statuses.get(id) !== "confirmed");
  return lost.map((id) => `${id} was promised, and is ${statuses.get(id) ?? "not there"}`);
}

function findingsOf({ checks }: Report, isWanted = (_about: readonly string[]) => true): string[] {
  return checks.flatMap(({ name, ok, found, detail, findings }) => {
    if (!ok && found === 0) return [`${name}: ${detail}`];
    return findings
      .filter(({ about }) => isWanted(about))
      .map(({ about, found, expected }) => `${name} of ${about.join(" ")}: ${found}, not ${expected}`);
  });
}

/** What doctor cannot know: how much there was, and that nothing is under way any more. */
function unlikeAtFirst(opened: Opened, orders: readonly Order[], levels: readonly StockLevel[]): string[] {
  const underWay = orders.filter(({ status }) => !["confirmed", "canceled", "expired"].includes(status));
  const sold = new Map<string, number>();
  for (const { lines } of orders.filter(({ status }) => status === "confirmed"))
    for (const { sku, quantity } of lines) sold.set(sku, (sold.get(sku) ?? 0) + quantity);
  return [
    ...underWay.map(({ id, status }) => `${id} is still ${status}`),
    ...levels.flatMap(({ sku, onHand, held }) => {
      const wanted = (opened[sku] ?? 0) - (sold.get(sku) ?? 0);
      return onHand === wanted && held === 0 ? [] : [`${sku}: ${onHand} on hand and ${held} held, not ${wanted} and 0`];
    }),
  ];
}
