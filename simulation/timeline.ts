/** Something that will happen. Called off, it takes its place and does nothing. */
export interface Appointment {
  at: number;
  order: number;
  happen: (() => void) | undefined;
}

/**
 * Virtual time: it stands still while code runs, and then leaps to what happens next. `trace` takes in all that
 * happens, so that two runs are equal if their traces are.
 */
export class Timeline {
  /** In milliseconds, and fractions of them, since the beginning. */
  now = 0;
  /** How much has happened. */
  events = 0;
  trace = 0x811c9dc5;
  readonly #heap: Appointment[] = [];
  #made = 0;

  after(ms: number, then: () => void): Appointment {
    const appointment = { at: this.now + Math.max(0, ms), order: this.#made++, happen: then };
    this.#push(appointment);
    return appointment;
  }

  mix(value: number): void {
    this.trace = Math.imul(this.trace ^ value, 0x01000193) >>> 0;
  }

  /**
   * Lets time pass. What one event sets going has come to rest before the next one: a tick that is asked for by a
   * microtask comes after all microtasks, at a tenth of the cost of a turn of the event loop.
   */
  run(ms: number): Promise<void> {
    const end = this.now + ms;
    return new Promise((resolve, reject) => {
      const rest = () => process.nextTick(next);
      const next = () => {
        const appointment = this.#pop(end);
        if (!appointment) {
          this.now = end;
          resolve();
          return;
        }
        this.now = Math.max(this.now, appointment.at);
        this.events++;
        this.mix(this.now * 1000);
        try {
          appointment.happen?.();
        } catch (error) {
          reject(error);
          return;
        }
        queueMicrotask(rest);
      };
      queueMicrotask(rest);
    });
  }

  /** Lets time pass until the work is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    work.then(done, done);
    while (!isDone) await this.run(50);
    return work;
  }

  /** Time passes and nobody notices: whatever was to happen meanwhile happens late. */
  leap(ms: number): void {
    this.now += ms;
  }

  /** The first that is due by then, those that were called off left out. */
  #pop(end: number): Appointment | undefined {
    for (let first = this.#heap[0]; first && first.at <= end; first = this.#heap[0]) {
      this.#removeFirst();
      if (first.happen) return first;
    }
    return undefined;
  }

  #push(appointment: Appointment): void {
    const heap = this.#heap;
    let index = heap.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Appointment;
      if (!isBefore(appointment, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = appointment;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Appointment, heap[child] as Appointment)) child++;
      if (!isBefore(heap[child] as Appointment, last)) break;
      heap[index] = heap[child] as Appointment;
      index = child;
    }
    heap[index] = last;
  }
}

const isBefore = (a: Appointment, b: Appointment): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
