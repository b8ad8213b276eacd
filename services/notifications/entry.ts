import { notACursor } from "../shared/page.ts";
import { Refusal } from "../shared/refusal.ts";
import type { ShopEvent } from "./notifications.contract.ts";
import type { EventType, ShopHappening } from "./webhooks.contract.ts";

/** An event in the journal. Its id is the fact's, so that a fact that is heard twice is one entry. */
export interface KeptEntry {
  readonly id: string;
  readonly version: number;
  /** 1, 2, 3, … without a gap: whoever sees one of them knows that all before it are there, or were. */
  readonly number: number;
  readonly type: EventType;
  readonly at: string;
  readonly data: ShopEvent["data"];
  readonly keptAt: string;
}
export type NewEntry = Omit<KeptEntry, "version" | "number">;

/** A place between two entries: behind the one with this number, and with this id if that matters. */
export interface Position {
  readonly number: number;
  readonly id?: string | undefined;
}
export const START: Position = { number: 0 };

const KEPT_MS = 30 * 86_400_000;

export function entryOf({ id, at }: { id: string; at: string }, happening: ShopHappening, now: string): NewEntry {
  return { id, type: happening.type, at, data: briefly(happening), keptAt: now };
}

/** Who is to be shipped to, and how they are reached, is read where the order is. */
function briefly({ data }: ShopHappening): ShopEvent["data"] {
  if ("payment" in data) return { payment: data.payment };
  const { id, number, status, paymentStatus, totals } = data.order;
  return { order: { id, number, status, paymentStatus, totals } };
}

export const entryView = ({ id, type, at, data }: KeptEntry): ShopEvent => ({ id, type, at, data });

/** Behind the last one there is, and none from before it: a clock may be slow, and who asks `since` begins with the first. */
export const numbered = (
  entries: readonly NewEntry[],
  last: Pick<KeptEntry, "number" | "keptAt"> | undefined,
): Omit<KeptEntry, "version">[] =>
  entries.map((entry, place) => ({
    ...entry,
    keptAt: last && last.keptAt > entry.keptAt ? last.keptAt : entry.keptAt,
    number: (last?.number ?? 0) + place + 1,
  }));

/**
 * The id makes a cursor good for this journal alone: in one that was put back to what it was before, the numbers after
 * that are given once more, to other entries.
 */
export const cursorBehind = ({ number, id }: KeptEntry): string => `${number}.${id}`;

export function positionIn(cursor: string): Position {
  const [, number, id] = /^([1-9]\d{0,14})\.(evt_[0-9a-z]+)$/.exec(cursor) ?? [];
  if (number === undefined) throw notACursor();
  return { number: Number(number), id };
}

/**
 * What comes behind a position, of the entries that were found from it on, in their order: as far as none is missing
 * among them. A store that reads while others write may have passed over one that was being written.
 *
 * @throws Refusal where it cannot be known what comes behind it, as its place has been forgotten, or was never here.
 */
export function behind(found: readonly KeptEntry[], { number, id }: Position): KeptEntry[] {
  const [first] = found;
  if (number === 0) return unbroken(found, first?.number ?? 1);
  const isHere = first?.number === number && (id === undefined || first.id === id);
  if (!isHere && first?.number !== number + 1) throw lost();
  return unbroken(isHere ? found.slice(1) : found, number + 1);
}

/** Numbers grow: behind a gap none is what its place says. */
const unbroken = (entries: readonly KeptEntry[], first: number): KeptEntry[] =>
  entries.filter((entry, place) => entry.number === first + place);

const lost = () =>
  new Refusal("invalid_input", undefined, {
    errors: [{ path: "cursor", message: "is of no entry that is kept: begin without it" }],
  });

/**
 * Of the oldest entries those that nobody is shown any more. Never the last one, as the next number is one more than its, and
 * none before those in front of it.
 */
export function forgettable(oldest: readonly KeptEntry[], nowMs: number): KeptEntry[] {
  const isKept = ({ keptAt }: KeptEntry) => Date.parse(keptAt) + KEPT_MS > nowMs;
  const kept = oldest.findIndex(isKept);
  return oldest.slice(0, kept < 0 ? -1 : kept);
}
