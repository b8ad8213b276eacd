import { createHash, randomInt } from "node:crypto";

/** Numbers from 0 to less than 1 that are the same for the same words, and have nothing to do with those for others. */
export type Chance = () => number;

export function chanceOf(...words: readonly (string | number)[]): Chance {
  let drawn = 0;
  let page = Buffer.alloc(0);
  return () => {
    const place = (drawn++ % 8) * 4;
    if (place === 0)
      page = createHash("sha256")
        .update(`${words.join(" ")} ${drawn}`)
        .digest();
    return page.readUInt32LE(place) / 2 ** 32;
  };
}

export const pick = <T>(chance: Chance, all: readonly T[]): T => all[Math.floor(chance() * all.length)] as T;
export const between = (chance: Chance, from: number, to: number): number => Math.floor(from + chance() * (to - from));

export function shuffled<T>(chance: Chance, all: readonly T[]): T[] {
  const left = [...all];
  return all.map(() => left.splice(Math.floor(chance() * left.length), 1)[0] as T);
}

/** For whoever has not named one. */
export const randomSeed = (): number => randomInt(1, 1_000_000_000);
