import { groupsOf } from "./calls.ts";
import { Client, type LonjaOptions } from "./client.ts";
import { type Shop, shopRoutes } from "./generated.ts";

export type { Call, List, Page, Routes } from "./calls.ts";
export { callsOf } from "./calls.ts";
export type { LonjaOptions, Options, Stream, StreamOptions, Trying } from "./client.ts";
export { ConnectionError, isRefusal, LonjaError, Refusal, SignedOutError } from "./errors.ts";
export type * from "./generated.ts";
export { inMemory, type SessionStore, type Tokens } from "./session.ts";

const Base = Client as new (options: LonjaOptions) => Client & Shop;

/** A shop, as its customers and guests have it. What its staff can do beside that: `@lonja/client/admin`. */
export class Lonja extends Base {
  constructor(options: LonjaOptions) {
    super(options);
    Object.assign(this, groupsOf(this, shopRoutes));
  }
}
