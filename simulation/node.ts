import type { World } from "../services/shared/world.ts";
import type { Chance } from "./chance.ts";
import type { Appointment, Timeline } from "./timeline.ts";

/** The day on which it all happens. */
export const BEGIN_MS = Date.parse("2026-01-01T12:00:00.000Z");
/** So long a node may be silent before the others believe that it is gone. */
const HEARTBEAT_MS = 3_500;

const digits = "0123456789abcdefghjkmnpqrstvwxyz";

/**
 * A process. Whatever reaches its code (an answer, a write that is done, a timer) reaches it through `deliver`: a dead
 * node's code waits for ever, that of one that stands still goes on later as if nothing had been.
 */
export class SimulatedNode {
  readonly name: string;
  readonly world: World;
  readonly timeline: Timeline;
  /** How far its clock is off. */
  skewMs = 0;
  isUp = false;
  isGone = false;
  isFrozen = false;
  isCutOff = false;
  /** Since when nobody hears of it. */
  #silentSince: number | undefined;
  #waiting: (() => void)[] = [];

  constructor(name: string, timeline: Timeline, chance: Chance) {
    this.name = name;
    this.timeline = timeline;
    this.world = {
      now: () => BEGIN_MS + Math.floor(timeline.now) + this.skewMs,
      id: (prefix) => idOf(prefix, this.world.now(), chance),
      random: () => chance.next(),
      bytes: (length) => Buffer.from(Array.from({ length }, () => chance.bits() >>> 24)),
      after: (ms, then) => {
        const appointment = this.schedule(Math.max(1, ms), then);
        return () => {
          appointment.happen = undefined;
        };
      },
      soon: (then) => void this.schedule(0, then),
    };
  }

  deliver(then: () => void): void {
    if (this.isGone) return;
    if (this.isFrozen) this.#waiting.push(then);
    else then();
  }

  /** Something that happens to this node, if it is still there by then. */
  schedule(ms: number, then: () => void): Appointment {
    return this.timeline.after(ms, () => this.deliver(then));
  }

  die(): void {
    this.isGone = true;
    this.isUp = false;
    this.#waiting = [];
    this.#silentSince ??= this.timeline.now;
  }

  /** Ends in good order: the others have heard that it goes. */
  leave(): void {
    this.die();
    this.#silentSince = Number.NEGATIVE_INFINITY;
  }

  freeze(): void {
    this.isFrozen = true;
    this.#silentSince ??= this.timeline.now;
  }

  /** What has come in meanwhile is done now, one after the other. */
  thaw(): void {
    this.isFrozen = false;
    this.#reappear();
    for (const then of this.#waiting.splice(0)) this.schedule(0, then);
  }

  cutOff(): void {
    this.isCutOff = true;
    this.#silentSince ??= this.timeline.now;
  }

  rejoin(): void {
    this.isCutOff = false;
    this.#reappear();
  }

  /** Whether others send it what they have to ask. */
  get isBelieved(): boolean {
    const silentMs = this.#silentSince === undefined ? 0 : this.timeline.now - this.#silentSince;
    return silentMs < HEARTBEAT_MS && (this.isUp || this.isGone);
  }

  #reappear(): void {
    if (!this.isFrozen && !this.isCutOff && !this.isGone) this.#silentSince = undefined;
  }
}

/** Sorts by the time of its making, as the ids of a real world do. */
function idOf(prefix: string, nowMs: number, chance: Chance): string {
  let text = "";
  for (let left = nowMs, n = 0; n < 10; n++, left = Math.floor(left / 32)) text = digits[left % 32] + text;
  for (let n = 0; n < 4; n++) {
    const bits = chance.bits();
    text += `${digits[bits & 31]}${digits[(bits >>> 5) & 31]}${digits[(bits >>> 10) & 31]}${digits[(bits >>> 15) & 31]}`;
  }
  return `${prefix}_${text}`;
}
