import type { Waiting } from "../shared/auditing.ts";
import { Refusal } from "../shared/refusal.ts";
import type { AuditedMovement, AuditedStock, Line, Movement, StockLevel } from "./inventory.contract.ts";

/** Units of one SKU: how many lie on the shelf, and which order has a claim on how many. */
export interface Stock {
  /** The SKU. */
  readonly id: string;
  readonly version: number;
  readonly onHand: number;
  readonly held: Readonly<Record<string, Held>>;
  /** What became of orders lately, so that a late or repeated message finds out. */
  readonly settled: Readonly<Record<string, { as: "sold" | "returned" | "released" | "expired"; at: string }>>;
  /** Adjustments of late by their request: a repeated one counts once, and one that was refused stays so. */
  readonly adjusted: Readonly<Record<string, { at: string; short?: Short }>>;
  /** What the latest change moved. */
  readonly moved: readonly Movement[];
  /** When the first hold expires. */
  readonly dueAt?: string | undefined;
}

interface Held {
  quantity: number;
  expiresAt: string;
  /** The latest question that counts on it. */
  ask?: string;
}

/** How much an adjustment would have taken, and how much there was. */
interface Short {
  requested: number;
  available: number;
}

/** What is known of an order beyond its stock: movements reach further back than `settled`. */
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
const MOVED_MS = 1_000;
const LET_GO_MS = 600_000;
/** As long as Idempotency-Keys live. */
const ADJUSTED_MS = 7 * 86_400_000;

export const emptyShelf = (sku: string): Stock => ({
  id: sku,
  version: 0,
  onHand: 0,
  held: {},
  settled: {},
  adjusted: {},
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

export const auditedMovement = ({ id, sku, orderId, kind, delta, stockVersion = 0 }: Movement): AuditedMovement => ({
  id,
  sku,
  orderId,
  kind,
  delta,
  stockVersion,
});

export const audited = ({ id: sku, onHand, version, held }: Stock, waiting: readonly Waiting[]): AuditedStock => ({
  sku,
  onHand,
  version,
  held: Object.entries(held).map(([orderId, { quantity, expiresAt }]) => ({ orderId, quantity, expiresAt })),
  told: waiting.flatMap(({ data }) => (data as { movements: Movement[] }).movements.map(auditedMovement)),
});

/** What an order wants of each SKU: one SKU may stand on several lines. */
export function unitsBySku(lines: readonly Line[]): Map<string, number> {
  const units = new Map<string, number>();
  for (const { sku, quantity } of lines) units.set(sku, (units.get(sku) ?? 0) + quantity);
  return units;
}

/**
 * Puts units on the shelf, or takes some away; never those that somebody holds. What is refused is remembered, too: a
 * repeat may arrive when there is enough, and whoever asked has been told no. See `refusedAdjustment`.
 */
export function adjust(
  stock: Stock,
  change: { delta: number; reason: string; actorId: string | null },
  moment: Moment,
  requestKey?: string,
): Stock {
  const { delta } = change;
  if (requestKey !== undefined && stock.adjusted[requestKey]) return stock;
  if (available(stock) + delta < 0) {
    const short = { requested: -delta, available: available(stock) };
    if (requestKey === undefined || stock.version === 0) throw tooMuch(stock.id, short);
    return { ...stock, adjusted: { ...stock.adjusted, [requestKey]: { at: moment.now, short } } };
  }
  if (stock.onHand + delta > Number.MAX_SAFE_INTEGER / 2)
    throw new Refusal("invalid_state", "That is more than any shelf can carry.");
  const kind = stock.version === 0 ? "opened" : "adjusted";
  const adjusted = requestKey === undefined ? stock.adjusted : { ...stock.adjusted, [requestKey]: { at: moment.now } };
  return move({ ...stock, adjusted }, { ...change, kind, orderId: null }, moment);
}

/** Why the adjustment of this request has not been made. */
export function refusedAdjustment(stock: Stock, requestKey: string | undefined): Refusal | undefined {
  const short = requestKey === undefined ? undefined : stock.adjusted[requestKey]?.short;
  return short && tooMuch(stock.id, short);
}

const tooMuch = (sku: string, short: Short): Refusal =>
  new Refusal("insufficient_stock", `Only ${short.available} of ${sku} can be taken away.`, {
    errors: [{ path: "delta", message: "takes more than is available", sku, ...short }],
  });

/** What an order is to a SKU by now: by the stock's own memory, or by the movements that outlast it. */
function standing(stock: Stock, orderId: string, past: Past) {
  if (Object.hasOwn(stock.held, orderId)) return "held";
  return stock.settled[orderId]?.as ?? (past.returned ? "returned" : past.sold ? "sold" : undefined);
}

/** @throws Refusal `insufficient_stock`, which names each SKU of which there is less than is wanted. */
export function refuseShort(stocks: ReadonlyMap<string, Stock>, wanted: Iterable<[sku: string, units: number]>): void {
  const short = [...wanted].flatMap(([sku, requested]) => {
    const left = Math.max(0, available(stocks.get(sku) ?? emptyShelf(sku)));
    return requested > left
      ? [{ path: "lines", message: `not enough of ${sku}`, sku, requested, available: left }]
      : [];
  });
  if (short.length) throw new Refusal("insufficient_stock", undefined, { errors: short });
}

/**
 * Holds what an order wants of several SKUs: all of it or nothing. An order holds a SKU once, however
 * often it asks, and not again after it has given it back. What it holds already is from now on held for this `ask`,
 * so that an earlier one, which is late and comes away with nothing, does not let go of it.
 */
export function holdAll(
  stocks: ReadonlyMap<string, Stock>,
  order: { orderId: string; wanted: ReadonlyMap<string, number>; expiresAt: string; ask: string },
  past: (sku: string) => Past,
): Stock[] {
  const { orderId, wanted, expiresAt, ask } = order;
  const stands = (sku: string) => standing(stocks.get(sku) ?? emptyShelf(sku), orderId, past(sku));
  const open = [...wanted].filter(([sku]) => stands(sku) !== "held" && stands(sku) !== "sold");
  if (open.some(([sku]) => stands(sku))) throw new Refusal("invalid_state", `Order ${orderId} is settled already.`);

  refuseShort(stocks, open);
  return [...wanted].flatMap(([sku, quantity]) => {
    const stock = stocks.get(sku) ?? emptyShelf(sku);
    const known = stock.held[orderId];
    if (known ? known.ask === ask : stands(sku) === "sold") return [];
    return [due({ ...stock, held: { ...stock.held, [orderId]: { ...(known ?? { quantity, expiresAt }), ask } } })];
  });
}

/** Gives back what an order holds of some SKUs for this `ask`, which could not have all that it wanted. */
export const letGo = (stocks: readonly Stock[], orderId: string, ask: string, now: string): Stock[] =>
  stocks.flatMap((stock) => (stock.held[orderId]?.ask === ask ? [settle(stock, orderId, "released", now)] : []));

/** Takes what an order holds off the shelf. */
export function commit(stock: Stock, orderId: string, past: Past, moment: Moment): Stock {
  const as = standing(stock, orderId, past);
  if (as === "sold") return stock;
  if (as !== "held") throw new Refusal("invalid_state", `Order ${orderId} holds nothing of ${stock.id} any more.`);
  const delta = -(stock.held[orderId]?.quantity ?? 0);
  const rest = settle(stock, orderId, "sold", moment.now);
  return move(rest, { delta, kind: "sold", reason: null, orderId, actorId: null }, moment);
}

/** Gives back what an order holds or has taken, and remembers that nothing more is to be given to it. */
export function release(stock: Stock, orderId: string, quantity: number, past: Past, moment: Moment): Stock {
  const as = standing(stock, orderId, past);
  if (as === "held" || as === undefined) return settle(stock, orderId, "released", moment.now);
  if (as !== "sold") return stock;
  const rest = settle(stock, orderId, "returned", moment.now);
  return move(rest, { delta: quantity, kind: "returned", reason: "order canceled", orderId, actorId: null }, moment);
}

/** Lets go of holds whose time is over. */
export function expire(stock: Stock, now: string): Stock {
  return Object.entries(stock.held)
    .filter(([, { expiresAt }]) => expiresAt <= now)
    .reduce((rest, [orderId]) => settle(rest, orderId, "expired", now), stock);
}

const isMoved = (as: string) => as === "sold" || as === "returned";
/** Times are compared as they are written, which is in one way: a popular SKU has thousands of them. */
const timeBefore = (now: string, ms: number) => new Date(Date.parse(now) - ms).toISOString();

/** The orders whose sale or return should be on record by now. */
export function longMoved(stock: Stock, now: string): string[] {
  const limit = timeBefore(now, MOVED_MS);
  return Object.entries(stock.settled).flatMap(([orderId, { as, at }]) => (isMoved(as) && at < limit ? [orderId] : []));
}

/** Before new decisions: the latest movements are told already, and what is on record or old is forgotten. */
export function refreshed(stock: Stock, now: string, onRecord: ReadonlySet<string>): Stock {
  const [letGoBefore, adjustedBefore] = [timeBefore(now, LET_GO_MS), timeBefore(now, ADJUSTED_MS)];
  const settled = Object.fromEntries(
    Object.entries(stock.settled).filter(([orderId, { as, at }]) =>
      isMoved(as) ? !onRecord.has(orderId) : at >= letGoBefore,
    ),
  );
  const adjusted = Object.fromEntries(Object.entries(stock.adjusted).filter(([, { at }]) => at >= adjustedBefore));
  return { ...stock, settled, adjusted, moved: [] };
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
  const movement: Movement = {
    id: moment.movementId(),
    sku: stock.id,
    onHandAfter: onHand,
    stockVersion: stock.version + 1,
    at: moment.now,
    ...what,
  };
  return { ...stock, onHand, moved: [...stock.moved, movement] };
}

function due(stock: Stock): Stock {
  const times = Object.values(stock.held).map(({ expiresAt }) => expiresAt);
  const dueAt = times.length ? times.reduce((first, time) => (time < first ? time : first)) : undefined;
  return { ...stock, dueAt };
}
