import { type ActionEndpoint, type Context, type EventEndpoint, Strategies } from "moleculer";
import { MEETING } from "../services/shared/contract.ts";

type Endpoint = ActionEndpoint | EventEndpoint;

/**
 * Calls with the same key go to the same node (Moleculer's consistent hashing). Where that node cannot be
 * asked at the moment, another one answers as well.
 */
class Meeting extends Strategies.Shard {
  override select(list: Endpoint[], ctx?: Context): Endpoint {
    const met = ctx && (super.select(list, ctx) as Endpoint | undefined);
    return met ?? (list[0] as Endpoint);
  }
}

/** Nodes tell each other the names of strategies, so each has to know it. */
export const learnToMeet = (): void => Strategies.register(MEETING, Meeting as never);
