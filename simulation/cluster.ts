import type { KeptMail } from "../services/notifications/mail.ts";
import type { PostOffice } from "../services/notifications/office.edge.ts";
import { Refusal } from "../services/shared/refusal.ts";
import type { Break } from "./broken.ts";
import { Bus, type Member, type Recorder } from "./bus.ts";
import { Chance } from "./chance.ts";
import { type Access, Memory, MemoryAdapter } from "./memory.adapter.ts";
import { SimulatedNode } from "./node.ts";
import { type Merged, merged, type StagedName, StagedService, settingsWith, stagedNames } from "./stage.ts";
import { Timeline } from "./timeline.ts";
import { type Blow, type Fault, type StoreFault, Weather } from "./weather.ts";

/** Which services run together in one process: each seed has one of these, and each process runs as often as it says. */
const layouts: readonly { processes: readonly (readonly StagedName[])[]; times: number }[] = [
  { processes: [stagedNames], times: 1 },
  { processes: [stagedNames], times: 2 },
  { processes: stagedNames.map((name) => [name]), times: 2 },
  {
    processes: [
      ["orders", "sandbox"],
      ["inventory", "payments", "notifications"],
    ],
    times: 2,
  },
];

export interface Conditions {
  /** Everything that crosses a border is validated and copied, as in production. */
  checks: boolean;
  /** Its clocks are off by hours. */
  clocks: boolean;
  record: Recorder | undefined;
  broken: Break | undefined;
}

interface Place {
  names: readonly StagedName[];
  member: Member | undefined;
  starts: number;
}

const HOUR_MS = 3_600_000;

const schemas = new Map(stagedNames.map((name) => [name, merged(name)]));
const price = { amount: 1900, currency: "EUR" };

/** The nodes of a shop, what they share, and what befalls them. */
export class Cluster {
  readonly timeline = new Timeline();
  readonly chance: Chance;
  readonly weather: Weather;
  readonly memory: Memory;
  readonly bus: Bus;
  readonly captureLater: boolean;
  /** Every mail that a post office has taken, by its Message-ID, and how often. */
  readonly mails = new Map<string, { orderId: string; template: string; times: number }>();
  /** Where buyers and staff come in. Nothing ever happens to it. */
  readonly door: SimulatedNode;
  readonly #places: Place[];
  readonly #conditions: Conditions;
  readonly #shop: ReturnType<typeof settingsWith>;
  readonly #awayUntil = new Map<string, number>();
  #postSlowUntil = 0;

  constructor(seed: number, conditions: Conditions, watch: Memory["watch"]) {
    const chance = new Chance(seed);
    this.chance = chance;
    this.#conditions = conditions;
    this.weather = new Weather(chance, conditions.clocks);
    this.captureLater = chance.is(0.25);
    this.#shop = settingsWith(this.captureLater ? "manual" : "automatic");
    const { timeline, weather } = this;
    this.memory = new Memory({ copies: conditions.checks, watch });
    this.bus = new Bus({
      timeline,
      chance,
      weather,
      meets: chance.is(0.6),
      checks: conditions.checks,
      record: conditions.record,
      outside: (_name, params) => ({
        currency: "EUR",
        offers: (params as { skus: string[] }).skus.map((sku) => ({ sku, title: sku, unitPrice: price })),
      }),
    });
    const layout = chance.pick(layouts);
    this.#places = layout.processes.flatMap((names) =>
      Array.from({ length: layout.times }, () => ({ names, member: undefined, starts: 0 })),
    );
    this.door = new SimulatedNode("door", timeline, chance);
    this.door.isUp = true;
  }

  get log(): Recorder | undefined {
    return this.#conditions.record;
  }

  /** All nodes start, on stores that are empty as yet. */
  async open(): Promise<void> {
    for (const place of this.#places) this.#start(place);
    await this.timeline.run(50);
  }

  /** From now on things go wrong, until it is calm. */
  storm(): void {
    this.weather.calm = false;
    for (const { member } of this.#places) if (member) member.node.skewMs = this.#skewMs();
    this.#nextBlow();
  }

  /** Nothing goes wrong any more, and what went wrong is put right. What is still on its way may arrive late. */
  calm(): void {
    this.weather.calm = true;
    this.#awayUntil.clear();
    this.#postSlowUntil = 0;
    for (const place of this.#places) {
      const node = place.member?.node;
      if (!node) continue;
      node.skewMs = 0;
      if (node.isFrozen) node.thaw();
      if (node.isCutOff) node.rejoin();
    }
    this.log?.("", "The storm is over.", undefined);
  }

  /** How far a clock is off that nobody has touched. */
  #skewMs(): number {
    const { chance, weather } = this;
    if (weather.clocksAreWrong && chance.is(0.3)) return Math.floor(chance.between(-2, 2) * HOUR_MS);
    return weather.faults.has("clockSteps") ? chance.below(1_000) - 500 : 0;
  }

  #start(place: Place): void {
    const { timeline, chance } = this;
    const node = new SimulatedNode(
      `${place.names.length > 3 ? "shop" : place.names[0]}-${this.#places.indexOf(place)}.${++place.starts}`,
      timeline,
      chance,
    );
    if (!this.weather.calm) node.skewMs = this.#skewMs();
    const surroundings = {
      node,
      call: (name: string, params: unknown, options?: object) => this.bus.call(node, name, params, options),
      openStore: () => this.#adapter(node),
      shop: this.#shop,
      log: (text: string) => this.log?.(node.name, text, text),
    };
    const services = new Map<string, StagedService>();
    for (const name of place.names) {
      const schema = schemas.get(name) as Merged;
      services.set(name, new StagedService(schema, surroundings));
    }
    for (const service of services.values()) this.#conditions.broken?.service?.(service);
    const notifications = services.get("notifications");
    if (notifications) notifications.self.office = this.#office(node);
    const member = { node, services, busy: 0 };
    place.member = member;
    this.bus.members = [...this.bus.members.filter(({ node }) => !node.isGone || node.isBelieved), member];
    this.log?.(node.name, "starts", undefined);
    Promise.all([...services.values()].map((service) => service.start())).then(
      () => this.#isUp(member),
      // A node that cannot start ends, and is started again.
      () => this.#end(place, member, () => node.die(), 500),
    );
  }

  #isUp(member: Member): void {
    member.node.isUp = true;
    for (const { node, services } of this.bus.members)
      if (node.isUp)
        node.schedule(50, () => {
          for (const service of services.values()) service.notice("$services.changed");
        });
  }

  #end(place: Place, { node }: Member, how: () => void, backMs: number): void {
    if (node.isGone) return;
    how();
    this.timeline.mix(node.name.length);
    this.weather.lastsUntil(this.timeline.now + backMs);
    this.timeline.after(backMs, () => this.#start(place));
  }

  #kill(node: SimulatedNode): void {
    const place = this.#places.find(({ member }) => member?.node === node);
    if (!place?.member || node.isGone) return;
    this.log?.(node.name, "dies", undefined);
    this.#end(place, place.member, () => node.die(), this.chance.between(200, this.chance.is(0.3) ? 8_000 : 1_500));
  }

  /** As a node that is told to stop: it takes no more, ends what it is at, and goes. */
  async #stop(place: Place): Promise<void> {
    const { member } = place;
    if (!member?.node.isUp) return;
    const { node, services } = member;
    this.log?.(node.name, "is told to stop", undefined);
    node.isUp = false;
    for (const { self } of services.values()) self.broker.stopping = true;
    await new Promise<void>((then) => void node.schedule(500, then));
    await Promise.all([...services.values()].map((service) => service.stop().catch(() => {})));
    const gone = () => this.#end(place, member, () => node.leave(), this.chance.between(100, 1_000));
    const wait = (turns: number) => {
      if (member.busy === 0 || turns === 0) gone();
      else node.schedule(100, () => wait(turns - 1));
    };
    wait(80);
  }

  #adapter(node: SimulatedNode): MemoryAdapter {
    const adapter = new MemoryAdapter(this.memory, this.#access(node));
    this.#conditions.broken?.adapter?.(adapter);
    return adapter;
  }

  /** What becomes of what a node asks of its store. */
  #access(node: SimulatedNode): Access {
    const { timeline, chance, weather } = this;
    return (what, run) => {
      const fault = node.isUp || !what.writes ? weather.onStore(what.writes) : undefined;
      const service = what.table.slice(0, what.table.indexOf("_"));
      const isAway = (this.#awayUntil.get(service) ?? 0) > timeline.now;
      if (!what.writes && !fault && !isAway && chance.is(0.75)) return attempt(run);
      const [before, after] = this.#takes(fault);
      if (what.writes)
        this.log?.(
          node.name,
          `writes ${what.table} ${what.id}${fault ? ` (${fault})` : ""}${isAway ? " (the store is away)" : ""}`,
          what.id,
        );
      return new Promise((resolve, reject) => {
        const away = () => node.schedule(1, () => reject(new Refusal("unavailable")));
        if (isAway) {
          away();
          return;
        }
        // What is on its way to the store gets there, whatever becomes of who sent it.
        timeline.after(before, () => {
          if (fault === "diesBefore") this.#kill(node);
          if (fault === "diesBefore") return;
          if (fault === "readFails" || fault === "writeFails") {
            node.deliver(() => reject(new Refusal("unavailable")));
            return;
          }
          const settle = settled(run, resolve, reject);
          if (fault === "diesAfter") this.#kill(node);
          else if (fault === "writeForgotten") node.deliver(() => reject(new Refusal("unavailable")));
          else if (after > 0) node.schedule(after, settle);
          else node.deliver(settle);
        });
      });
    };
  }

  /** How long an operation takes until it happens, and from then until it is answered. */
  #takes(fault: StoreFault | undefined): [beforeMs: number, afterMs: number] {
    const { chance, timeline, weather } = this;
    if (fault === "storeSlow") return [chance.between(1, 200), chance.between(1, 300)];
    if (fault !== "storeHangs") return [0.1 + chance.next(), 0];
    const ms = chance.between(1_000, 12_000);
    weather.lastsUntil(timeline.now + ms);
    return chance.is(0.5) ? [ms, 0] : [1, ms];
  }

  /** Where mails go: it may be slow, and what it has taken may be taken once more. */
  #office(node: SimulatedNode): PostOffice {
    const take = ({ id, orderId, template }: KeptMail) => {
      const known = this.mails.get(id);
      this.mails.set(id, { orderId, template, times: (known?.times ?? 0) + 1 });
    };
    return {
      longestMs: 2_000,
      take: (mail) =>
        new Promise((resolve, reject) => {
          const isSlow = this.#postSlowUntil > this.timeline.now;
          node.schedule(this.chance.between(1, isSlow ? 1_900 : 20), () => {
            if (isSlow && this.chance.is(0.3)) reject(new Error("the mail server is busy"));
            else {
              take(mail);
              if (isSlow && this.chance.is(0.3)) reject(new Error("the connection was lost"));
              else resolve("taken");
            }
          });
        }),
      close() {},
    };
  }

  #nextBlow(): void {
    const next = this.weather.nextBlow();
    if (!next) return;
    this.timeline.after(next.afterMs, () => {
      if (this.weather.calm) return;
      const there = this.#places.filter(({ member }) => member?.node.isUp);
      if (there.length) this.#strike(next.blow, this.chance.pick(there));
      this.#nextBlow();
    });
  }

  #strike(blow: Blow, place: Place): void {
    const node = (place.member as Member).node;
    const { chance, timeline } = this;
    const until = chance.between(100, chance.is(0.3) ? 15_000 : 4_000);
    this.#noteBlow(blow, node);
    const strikes: Record<Blow, () => void> = {
      killed: () => this.#kill(node),
      stopped: () => void this.#stop(place),
      frozen: () => {
        node.freeze();
        timeline.after(until, () => node.isFrozen && !node.isGone && node.thaw());
      },
      cutOff: () => {
        node.cutOff();
        timeline.after(until, () => node.isCutOff && !node.isGone && node.rejoin());
      },
      clockSteps: () => {
        node.skewMs = Math.floor(chance.between(-5_000, 5_000));
      },
      storeAway: () => void this.#awayUntil.set(chance.pick(stagedNames), timeline.now + until / 2),
      postSlow: () => {
        this.#postSlowUntil = timeline.now + until;
      },
    };
    strikes[blow]();
  }

  #noteBlow(blow: Blow & Fault, node: SimulatedNode): void {
    this.weather.note(blow);
    this.log?.(node.name, `(${blow})`, undefined);
  }
}

function attempt<T>(run: () => T): Promise<T> {
  try {
    return Promise.resolve(run());
  } catch (error) {
    return Promise.reject(error);
  }
}

function settled<T>(run: () => T, resolve: (value: T) => void, reject: (error: unknown) => void): () => void {
  try {
    const value = run();
    return () => resolve(value);
  } catch (error) {
    return () => reject(error);
  }
}
