import { type Argon2Parameters, argon2, timingSafeEqual } from "node:crypto";
import { availableParallelism } from "node:os";
import { Refusal } from "../shared/refusal.ts";
import type { World } from "../shared/world.ts";
import { samePassword } from "./password.ts";

/** What OWASP asks of argon2id: 19 MiB, two passes. A change here reaches accounts as they sign in. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const TAG_BYTES = 32;

/** More at once than cores gains nothing; more than four would keep Node's threads from all other work. */
const AT_ONCE = Math.min(4, availableParallelism());
/** About three seconds of work for two cores, so that those who wait are answered before they give up. */
const MOST_WAITING = 64;

interface Stored extends Pick<Argon2Parameters, "memory" | "passes" | "parallelism"> {
  salt: Buffer;
  tag: Buffer;
}

/**
 * Recognises passwords without keeping them. It is slow on purpose, so what is under way and what waits
 * is limited; whoever comes beyond that is asked to come again.
 */
export class Passwords {
  readonly #world: World;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(world: World, mostWaiting = MOST_WAITING) {
    this.#world = world;
    this.#mostWaiting = mostWaiting;
  }

  /** What to keep of a password, as argon2's usual text. */
  async keep(password: string): Promise<string> {
    const salt = this.#world.bytes(SALT_BYTES);
    return written({ ...cost, salt, tag: await this.#tag(password, { ...cost, salt }) });
  }

  /** Whether it is the password of which this is kept. With nothing kept it takes as long, and is not. */
  async matches(password: string, kept: string | undefined): Promise<boolean> {
    const stored = kept === undefined ? undefined : read(kept);
    const tag = await this.#tag(password, stored ?? { ...cost, salt: this.#world.bytes(SALT_BYTES) });
    return stored !== undefined && tag.length === stored.tag.length && timingSafeEqual(tag, stored.tag);
  }

  isOutdated(kept: string): boolean {
    const { memory, passes, parallelism, tag } = read(kept);
    return (
      memory !== cost.memory || passes !== cost.passes || parallelism !== cost.parallelism || tag.length !== TAG_BYTES
    );
  }

  async #tag(password: string, { memory, passes, parallelism, salt }: Omit<Stored, "tag">): Promise<Buffer> {
    const message = samePassword(password);
    await this.#turn();
    try {
      return await new Promise<Buffer>((resolve, reject) =>
        argon2("argon2id", { message, nonce: salt, memory, passes, parallelism, tagLength: TAG_BYTES }, (error, tag) =>
          error ? reject(error) : resolve(tag),
        ),
      );
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }

  /** Who leaves hands its place on, so nobody who comes later gets in between. */
  async #turn(): Promise<void> {
    if (this.#running < AT_ONCE) {
      this.#running++;
      return;
    }
    if (this.#waiting.length >= this.#mostWaiting)
      throw new Refusal("unavailable", "Too many are signing in at once.", { retryAfterSeconds: 2 });
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

const text = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "");

const written = ({ memory, passes, parallelism, salt, tag }: Stored): string =>
  `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${text(salt)}$${text(tag)}`;

function read(kept: string): Stored {
  const form = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/;
  const [, memory, passes, parallelism, salt = "", tag = ""] = form.exec(kept) ?? [];
  if (!tag) throw new Error("What is kept of a password cannot be read.");
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, "base64"),
    tag: Buffer.from(tag, "base64"),
  };
}
