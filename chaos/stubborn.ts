import { setTimeout as pause } from "node:timers/promises";
import { Client, type Reply } from "../test/client.ts";

const LONGEST_ANSWER_MS = 20_000;
const FIRST_PAUSE_MS = 150;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Asks again until it is told something, at another door if there is one: after a failure, a refusal for the moment,
 * silence and a connection that was cut. What it asks carries a key or changes nothing, so that this is safe.
 */
export class Stubborn {
  readonly #urls: () => readonly string[];
  #turn = 0;
  #isOver = false;
  /** What came instead of an answer, and how often. */
  readonly notServed: Record<string, number> = {};
  /** When something was last answered at the first asking. */
  servedAtMs = 0;

  constructor(urls: () => readonly string[]) {
    this.#urls = urls;
  }

  /** Nobody is asked any more. */
  giveUp(): void {
    this.#isOver = true;
  }

  /** @throws when nothing is told until they give up. */
  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    person: () => Promise<Client> = async () => new Client(this.#door()),
  ): Promise<Reply> {
    for (let tries = 0; ; tries++) {
      const reply = await this.#once(method, path, body, headers, person);
      if (typeof reply !== "string" && isTold(reply)) {
        if (tries === 0) this.servedAtMs = performance.now();
        return reply;
      }
      const why = typeof reply === "string" ? reply : `${reply.status} ${reply.body?.code ?? ""}`.trim();
      this.notServed[why] = (this.notServed[why] ?? 0) + 1;
      if (this.#isOver) throw new Error(`${method} ${path} was not answered to the end: ${why}`);
      await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries));
    }
  }

  #door(): string {
    const urls = this.#urls();
    return urls[this.#turn++ % urls.length] ?? "";
  }

  async #once(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
    person: () => Promise<Client>,
  ): Promise<Reply | string> {
    const late = pause(LONGEST_ANSWER_MS, "no answer in 20 s", { ref: false });
    const ask = async () => (await person()).at(this.#door()).send(method, path, body, headers);
    return Promise.race([
      ask().catch(
        (error: Error & { cause?: { code?: string } }) => error.cause?.code ?? error.message.replace(/ \{.*/s, ""),
      ),
      late,
    ]);
  }
}

/** All else may be told otherwise in a moment; a token is refused where a clock is wrong. */
const isTold = ({ status, body }: Reply): boolean =>
  status < 500 && status !== 429 && status !== 401 && !(status === 409 && body?.code === "request_in_progress");
