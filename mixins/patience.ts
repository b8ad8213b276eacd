import { sleep, type World } from "../services/shared/world.ts";
import { UnusableStore } from "./store.ts";

const PATIENCE_MS = 30_000;
const PAUSE_MS = 500;

/** What the system says of a connection, such as ECONNRESET, or EAI_AGAIN for a name that nobody knows just now. */
export const isOfSystem = (error: unknown): boolean =>
  /^E(?!RR_)[A-Z0-9_]+$/.test(String((error as { code?: unknown }).code ?? ""));

/** Nodes and their stores start in any order: one that is not there yet is waited for, for half a minute. */
export async function untilThere<T>(
  place: string,
  world: World,
  connect: () => Promise<T>,
  mayCome: (error: Error) => boolean,
): Promise<T> {
  const until = world.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      if (!mayCome(error as Error) || world.now() > until)
        throw new UnusableStore(`The store at ${place} cannot be used: ${(error as Error).message}.`);
      await sleep(world, PAUSE_MS);
    }
  }
}
