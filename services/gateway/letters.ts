import type { DeadLetter } from "../shared/delivery.ts";
import { Refusal } from "../shared/refusal.ts";
import type { Page } from "../shared/schema.ts";

type Ask = (service: string, params: { limit: number; cursor?: string }) => Promise<Page<DeadLetter> | undefined>;

/** The service that a dead letter's id names first. */
export const ownerOf = (id: string): string => id.slice(0, Math.max(0, id.indexOf(":")));

/**
 * One page of the dead letters of several services, in the services' order. A letter's id begins with
 * its service, so the last one of a page says where the next page begins. Who is away is left out.
 */
export async function lettersOf(
  services: readonly string[],
  { limit, cursor }: { limit: number; cursor?: string | undefined },
  ask: Ask,
): Promise<Page<DeadLetter>> {
  const owner = cursor === undefined ? (services[0] ?? "") : ownerOf(cursor);
  const first = services.indexOf(owner);
  if (first < 0)
    throw new Refusal("invalid_input", undefined, {
      errors: [{ path: "cursor", message: "is not a cursor of this list" }],
    });
  const letters: DeadLetter[] = [];
  let isMore = false;
  for (const service of services.slice(first)) {
    const wanted = Math.min(100, limit + 1 - letters.length);
    const page = await ask(service, { limit: wanted, ...(cursor && service === owner ? { cursor } : {}) });
    letters.push(...(page?.data ?? []));
    isMore = letters.length > limit || (page?.nextCursor ?? null) !== null;
    if (isMore) break;
  }
  const data = letters.slice(0, limit);
  return { data, nextCursor: isMore ? (data.at(-1)?.id ?? null) : null };
}
