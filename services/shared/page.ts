import { Refusal } from "./refusal.ts";
import { PAGE_SIZE, type Page, type Paging } from "./schema.ts";

/**
 * The page that `found` begins with. It is all there is from the cursor on, or one more than a page has, by which it is
 * seen that there is more. `cursorBehind` says where the list goes on behind an item.
 */
export function pageOf<T>(
  found: readonly T[],
  { limit = PAGE_SIZE, cursors }: Paging,
  cursorBehind: (item: T, place: number) => string,
  isMore = found.length > limit,
): Page<T> {
  const data = found.slice(0, limit);
  const last = isMore ? data.at(-1) : undefined;
  const nextCursor = last === undefined ? null : cursorBehind(last, data.length - 1);
  return cursors ? { data, nextCursor, cursors: data.map(cursorBehind) } : { data, nextCursor };
}

/** Where a list goes on: behind this value of what it is sorted by, and where several have it, behind this id. */
export type Position = readonly [value: string | number, id: string];

export const writeCursor = (sort: string, value: unknown, id: string): string =>
  Buffer.from(JSON.stringify([sort, value, id])).toString("base64url");

/** @throws Refusal where it was not written for a list that is sorted like this. */
export function readCursor(cursor: string, sort: string, types: readonly string[]): Position {
  try {
    const [sorted, value, id, ...more] = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (sorted === sort && types.includes(typeof value) && typeof id === "string" && more.length === 0)
      return [value, id];
  } catch {
    // Falls through to the refusal: whatever it is, it is no cursor of ours.
  }
  throw notACursor();
}

export const notACursor = (): Refusal =>
  new Refusal("invalid_input", undefined, { errors: [{ path: "cursor", message: "is not a cursor of this list" }] });
