const WINDOW_MS = 10_000;
const MOST_SENDERS = 1_000;

interface Least {
  now: number;
  before: number;
  since: number;
}

/**
 * How long a packet has been under way, whatever the clocks of both nodes say. What arrives soonest of a sender shows
 * how far the clocks are apart; whatever takes longer than that has had to wait (the base delay of RFC 6817). It is the
 * soonest of the last ten to twenty seconds: a clock that jumps is believed no longer than that.
 */
export class Ages {
  readonly #least = new Map<string, Least>();

  /** In milliseconds. `sentAt` by the sender's clock, `now` by ours. A sender is a process: each has a clock of its own. */
  of(sender: string, sentAt: number, now: number): number {
    const apart = now - sentAt;
    const least = this.#least.get(sender) ?? this.#meet(sender, { now: apart, before: apart, since: now });
    if (now - least.since > WINDOW_MS) Object.assign(least, { before: least.now, now: apart, since: now });
    least.now = Math.min(least.now, apart);
    return apart - Math.min(least.now, least.before);
  }

  /** Who starts again is somebody else; who was met first is forgotten first. */
  #meet(sender: string, first: Least): Least {
    const [oldest] = this.#least.keys();
    if (this.#least.size >= MOST_SENDERS && oldest !== undefined) this.#least.delete(oldest);
    this.#least.set(sender, first);
    return first;
  }
}
