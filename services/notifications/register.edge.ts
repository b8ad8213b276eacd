import { type Collection, collectionOptions, isDuplicate } from "../../mixins/store.mixin.ts";
import { found, Refusal } from "../shared/refusal.ts";
import type { Page, Paging } from "../shared/schema.ts";
import { timeAt, type World } from "../shared/world.ts";
import { type Guard, Unreachable } from "./address.edge.ts";
import { changed, ended, type KeptEndpoint, MOST_ENDPOINTS, registered, rotated } from "./endpoint.ts";
import { secretOf } from "./signature.edge.ts";
import type { NewWebhookEndpoint, ShopHappening, WebhookChange } from "./webhooks.contract.ts";

interface Desk {
  endpoints: Collection<KeptEndpoint>;
  guard: Guard;
  world: World;
}

/** That there are no more of them than there are places is for the index to see to, whoever comes at once. */
export const endpointOptions = collectionOptions<KeptEndpoint>({
  fields: ["state", "disabledReason", "place", "requestKey"],
  numbers: ["place"],
  unique: [["requestKey"], ["place"]],
});

/** The endpoints as staff know them: one that has ended is not there. */
export class Register {
  readonly #desk: Desk;
  #looking: Promise<readonly KeptEndpoint[]> | undefined;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async get(id: string): Promise<KeptEndpoint> {
    return unlessEnded(await this.#desk.endpoints.get(id));
  }

  list<V>(asked: Paging, view: (endpoint: KeptEndpoint) => Promise<V>): Promise<Page<V>> {
    return this.#desk.endpoints.page(asked, { where: present }, view);
  }

  /** Those that are to hear of this. */
  async hearersOf(type: ShopHappening["type"]): Promise<KeptEndpoint[]> {
    return (await this.#enabled()).filter(({ eventTypes }) => eventTypes.includes(type));
  }

  /** Those who ask in the same turn are answered by one look, which is taken after they have asked. */
  #enabled(): Promise<readonly KeptEndpoint[]> {
    const { endpoints } = this.#desk;
    const look = async () => {
      this.#looking = undefined;
      return (await endpoints.find({ where: { state: "enabled" }, limit: MOST_ENDPOINTS })).data;
    };
    this.#looking ??= new Promise((resolve, reject) => endpoints.soon(() => void look().then(resolve, reject)));
    return this.#looking;
  }

  /** With the same `requestKey` again, the endpoint that it made. */
  async add(wanted: NewWebhookEndpoint, requestKey: string | undefined): Promise<KeptEndpoint> {
    const known = async () => (requestKey ? this.#desk.endpoints.first({ requestKey }) : undefined);
    try {
      return (await known()) ?? (await this.#make(wanted, requestKey));
    } catch (error) {
      if (!isDuplicate(error, "requestKey")) throw error;
      return unlessEnded(await known());
    }
  }

  async #make(wanted: NewWebhookEndpoint, requestKey: string | undefined): Promise<KeptEndpoint> {
    const { endpoints, world } = this.#desk;
    await this.#refuseUnreachable(wanted.url);
    const secret = secretOf(world.bytes(32));
    const ids = { id: world.id("whe"), secret, requestKey, now: timeAt(world) };
    for (let tries = 0; tries < MOST_ENDPOINTS; tries++) {
      const free = await this.#freePlaces();
      const place = free[Math.floor(world.random() * free.length)];
      if (place === undefined) break;
      const made = await endpoints.insert(registered(wanted, { ...ids, place })).catch(unlessTaken);
      if (made) return made;
    }
    throw new Refusal("invalid_state", `There are ${MOST_ENDPOINTS} endpoints already.`);
  }

  async #freePlaces(): Promise<number[]> {
    const { data } = await this.#desk.endpoints.find({ where: present, limit: MOST_ENDPOINTS });
    const taken = new Set(data.map(({ place }) => place));
    return Array.from({ length: MOST_ENDPOINTS }, (_, place) => place).filter((place) => !taken.has(place));
  }

  async change(id: string, change: WebhookChange, ifVersion: number | undefined): Promise<KeptEndpoint> {
    if (change.url !== undefined) await this.#refuseUnreachable(change.url);
    const now = timeAt(this.#desk.world);
    return this.#change(id, (endpoint) => changed(endpoint, change, now), { ifVersion });
  }

  end(id: string, ifVersion: number | undefined): Promise<KeptEndpoint> {
    return this.#change(id, (endpoint) => ended(endpoint, timeAt(this.#desk.world)), { ifVersion });
  }

  /** Repeated with the same `heard` it happens once. */
  rotate(id: string, oldValidMs: number, heard: string | undefined): Promise<KeptEndpoint> {
    const { world } = this.#desk;
    const secret = secretOf(world.bytes(32));
    return this.#change(id, (endpoint) => rotated(endpoint, secret, world.now(), oldValidMs), heard ? { heard } : {});
  }

  /** One that has ended is not there, also for who is told that it is at another version. */
  async #change(
    id: string,
    decide: (endpoint: KeptEndpoint) => KeptEndpoint,
    options: { ifVersion?: number | undefined; heard?: string },
  ): Promise<KeptEndpoint> {
    await this.get(id);
    return this.#desk.endpoints.change(id, (endpoint) => decide(unlessEnded(endpoint)), options);
  }

  async #refuseUnreachable(url: string): Promise<void> {
    await this.#desk.guard.reach(url).catch((error) => {
      if (!(error instanceof Unreachable)) throw error;
      throw new Refusal("invalid_input", undefined, { errors: [{ path: "url", message: error.message }] });
    });
  }
}

/** Somebody else was faster. */
function unlessTaken(error: unknown): undefined {
  if (!isDuplicate(error, "place")) throw error;
}

const present = { state: { $in: ["enabled", "disabled"] } };

const unlessEnded = (endpoint: KeptEndpoint | undefined): KeptEndpoint =>
  found(endpoint?.state === "ended" ? undefined : endpoint, "endpoint");
