import type { DeadLetter } from "../shared/delivery.ts";
import { notACursor, pageOf } from "../shared/page.ts";
import { PAGE_SIZE, type Page, type Paging } from "../shared/schema.ts";

type Ask = (service: string, params: { limit: number; cursor?: string }) => Promise<Page<DeadLetter> | undefined>;

/** The service that a dead letter's id names first. */
export const ownerOf = (id: string): string => id.slice(0, Math.max(0, id.indexOf(":")));

/**
 * One page of the dead letters of several services, in the services' order. A letter's id begins with
 * its service, so the last one of a page says where the next page begins. Who is away is left out.
 */
export async function lettersOf(services: readonly string[], asked: Paging, ask: Ask): Promise<Page<DeadLetter>> {
  const { limit = PAGE_SIZE, cursor } = asked;
  const owner = cursor === undefined ? (services[0] ?? "") : ownerOf(cursor);
  const first = services.indexOf(owner);
  if (first < 0) throw notACursor();
  const letters: DeadLetter[] = [];
  let isMore = false;
  for (const service of services.slice(first)) {
    const wanted = Math.min(100, limit + 1 - letters.length);
    const page = await ask(service, { limit: wanted, ...(cursor && service === owner ? { cursor } : {}) });
    letters.push(...(page?.data ?? []));
    isMore = letters.length > limit || (page?.nextCursor ?? null) !== null;
    if (isMore) break;
  }
  return pageOf(letters, asked, ({ id }) => id, isMore);
}
