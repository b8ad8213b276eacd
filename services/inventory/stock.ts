import { Refusal } from "../shared/refusal.ts";
import type { Line, Movement, StockLevel } from "./inventory.contract.ts";

/** Units of one SKU: how many lie on the shelf, and which order has a claim on how many. */
export interface Stock {
  /** The SKU. */
  readonly id: string;
  readonly version: number;
  readonly onHand: number;
  readonly held: Readonly<Record<string, { quantity: number; expiresAt: string }>>;
  /** What became of orders lately, so that a late or repeated message finds out. */
  readonly settled: Readonly<Record<string, { as: "sold" | "returned" | "released" | "expired"; at: string }>>;
  /** What the latest change moved. */
  readonly moved: readonly Movement[];
  /** When the first hold expires. */
  readonly dueAt?: string | undefined;
}

/** What is known of an order beyond its stock: movements that are older than `settled` reaches. */
export interface Past {
  sold: boolean;
  returned: boolean;
}

/** Whatever a decision needs of the world. */
export interface Moment {
  now: string;
  movementId: () => string;
}

/** What orders became is remembered at least this long; after that the movements tell of sales and returns. */
const MOVED_MS = 5_000;
const LET_GO_MS = 600_000;

export const emptyShelf = (sku: string): Stock => ({
  id: sku,
  version: 0,
  onHand: 0,
  held: {},
  settled: {},
  moved: [],
});

export const heldUnits = (stock: Stock): number =>
  Object.values(stock.held).reduce((sum, { quantity }) => sum + quantity, 0);

export const available = (stock: Stock): number => stock.onHand - heldUnits(stock);

export const level = (stock: Stock): StockLevel => ({
  sku: stock.id,
  onHand: stock.onHand,
  held: heldUnits(stock),
  available: available(stock),
  version: Math.max(1, stock.version),
});

/** What an order wants of each SKU: one SKU may stand on several lines. */
export function unitsBySku(lines: readonly Line[]): Map<string, number> {
  const units = new Map<string, number>();
  for (const { sku, quantity } of lines) units.set(sku, (units.get(sku) ?? 0) + quantity);
  return units;
}

/** Puts units on the shelf, or takes some away; never those that somebody holds. */
export function adjust(
  stock: Stock,
  change: { delta: number; reason: string; actorId: string | null },
  moment: Moment,
): Stock {
  const { delta } = change;
  if (available(stock) + delta < 0) {
    throw new Refusal("insufficient_stock", `Only ${available(stock)} of ${stock.id} can be taken away.`, {
      errors: [
        {
          path: "delta",
          message: "takes more than is available",
          sku: stock.id,
          requested: -delta,
          available: available(stock),
        },
      ],
    });
  }
  if (stock.onHand + delta > Number.MAX_SAFE_INTEGER / 2)
    throw new Refusal("invalid_state", "That is more than any shelf can carry.");
  return move(stock, { ...change, kind: stock.version === 0 ? "opened" : "adjusted", orderId: null }, moment);
}

/**
 * Holds what an order wants of several SKUs: all of it or nothing. An order holds a SKU once, however
 * often it asks. `past` tells of orders that are no longer remembered by the stock itself.
 */
export function holdAll(
  stocks: ReadonlyMap<string, Stock>,
  order: { orderId: string; wanted: ReadonlyMap<string, number>; expiresAt: string },
): Stock[] {
  const short = [...order.wanted].filter(([sku, units]) => !canHold(stocks.get(sku), order.orderId, units));
  if (short.length) {
    throw new Refusal("insufficient_stock", undefined, {
      errors: short.map(([sku, requested]) => {
        const stock = stocks.get(sku);
        return {
          path: "lines",
          message: `not enough of ${sku}`,
          sku,
          requested,
          available: stock ? Math.max(0, available(stock)) : 0,
        };
      }),
    });
  }
  return [...order.wanted].flatMap(([sku, quantity]) => {
    const stock = stocks.get(sku);
    if (!stock || knows(stock, order.orderId)) return [];
    return [due({ ...stock, held: { ...stock.held, [order.orderId]: { quantity, expiresAt: order.expiresAt } } })];
  });
}

const knows = (stock: Stock, orderId: string) =>
  Object.hasOwn(stock.held, orderId) || stock.settled[orderId]?.as === "sold";

function canHold(stock: Stock | undefined, orderId: string, units: number): boolean {
  if (!stock) return false;
  if (knows(stock, orderId)) return true;
  if (stock.settled[orderId]) throw new Refusal("invalid_state", `Order ${orderId} is settled already.`);
  return units <= available(stock);
}

/** Takes what an order holds off the shelf. */
export function commit(stock: Stock, orderId: string, past: Past, moment: Moment): Stock {
  const hold = stock.held[orderId];
  if (hold) {
    const rest = settle(stock, orderId, "sold", moment.now);
    return move(rest, { delta: -hold.quantity, kind: "sold", reason: null, orderId, actorId: null }, moment);
  }
  const settled = stock.settled[orderId]?.as ?? (past.returned ? "returned" : past.sold ? "sold" : undefined);
  if (settled === "sold") return stock;
  throw new Refusal("invalid_state", `Order ${orderId} holds nothing of ${stock.id} any more.`);
}

/** Gives back what an order holds or has taken, and remembers that nothing more is to be given to it. */
export function release(stock: Stock, orderId: string, quantity: number, past: Past, moment: Moment): Stock {
  if (stock.held[orderId]) return settle(stock, orderId, "released", moment.now);
  const settled = stock.settled[orderId]?.as ?? (past.returned ? "returned" : past.sold ? "sold" : undefined);
  if (settled === "sold") {
    const rest = settle(stock, orderId, "returned", moment.now);
    return move(rest, { delta: quantity, kind: "returned", reason: "order canceled", orderId, actorId: null }, moment);
  }
  return settled ? stock : settle(stock, orderId, "released", moment.now);
}

/** Lets go of holds whose time is over. */
export function expire(stock: Stock, now: string): Stock {
  return Object.entries(stock.held)
    .filter(([, { expiresAt }]) => expiresAt <= now)
    .reduce((rest, [orderId]) => settle(rest, orderId, "expired", now), stock);
}

const isMoved = (as: string) => as === "sold" || as === "returned";
const isOlder = (at: string, now: string, ms: number) => Date.parse(now) - Date.parse(at) > ms;

/** The orders whose sale or return should be on record by now. */
export const longMoved = (stock: Stock, now: string): string[] =>
  Object.entries(stock.settled).flatMap(([orderId, { as, at }]) =>
    isMoved(as) && isOlder(at, now, MOVED_MS) ? [orderId] : [],
  );

/** Before new decisions: the latest movements are told already, and what is on record or old is forgotten. */
export function refreshed(stock: Stock, now: string, onRecord: ReadonlySet<string>): Stock {
  const settled = Object.fromEntries(
    Object.entries(stock.settled).filter(([orderId, { as, at }]) =>
      isMoved(as) ? !onRecord.has(orderId) : !isOlder(at, now, LET_GO_MS),
    ),
  );
  return { ...stock, settled, moved: [] };
}

function settle(stock: Stock, orderId: string, as: Stock["settled"][string]["as"], at: string): Stock {
  const { [orderId]: _hold, ...held } = stock.held;
  return due({ ...stock, held, settled: { ...stock.settled, [orderId]: { as, at } } });
}

function move(
  stock: Stock,
  what: Pick<Movement, "delta" | "kind" | "reason" | "orderId" | "actorId">,
  moment: Moment,
): Stock {
  const onHand = stock.onHand + what.delta;
  const movement: Movement = { id: moment.movementId(), sku: stock.id, onHandAfter: onHand, at: moment.now, ...what };
  return { ...stock, onHand, moved: [...stock.moved, movement] };
}

function due(stock: Stock): Stock {
  const times = Object.values(stock.held).map(({ expiresAt }) => expiresAt);
  const dueAt = times.length ? times.reduce((first, time) => (time < first ? time : first)) : undefined;
  return { ...stock, dueAt };
}
