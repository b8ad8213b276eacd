import { isStillTrue } from "../shared/witness.ts";
import type { Answer } from "./problem.ts";
import type { Route } from "./routes.ts";

/** An answer to whoever asks for the same without saying who they are. */
export interface Remembered {
  route: Route;
  /** What the answer was made of. */
  result: object;
  answer: Answer;
}

const MOST_LETTERS = 8_000_000;
/** Of what the result is and of what it goes by, roughly. */
const RESULT_LETTERS = 2_000;
const lettersOf = ({ answer }: Remembered): number => answer.body.length + RESULT_LETTERS;

/** Answers that can be given again while they are true, by the URL that was asked for. */
export class Memory {
  readonly #known = new Map<string, Remembered>();
  #letters = 0;

  get(url: string): Remembered | undefined {
    const known = this.#known.get(url);
    if (!known || isStillTrue(known.result)) return known;
    this.#forget(url);
    return undefined;
  }

  put(url: string, remembered: Remembered): void {
    this.#forget(url);
    for (const oldest of this.#known.keys()) {
      if (this.#letters <= MOST_LETTERS) break;
      this.#forget(oldest);
    }
    this.#known.set(url, remembered);
    this.#letters += lettersOf(remembered);
  }

  #forget(url: string): void {
    const known = this.#known.get(url);
    if (!known) return;
    this.#known.delete(url);
    this.#letters -= lettersOf(known);
  }
}
