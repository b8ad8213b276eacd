/** Letters that Unicode does not take apart into a plain one and a mark. */
const spelled: Record<string, string> = {
  ß: "ss",
  æ: "ae",
  œ: "oe",
  ø: "o",
  ð: "d",
  đ: "d",
  þ: "th",
  ł: "l",
  ı: "i",
};

/** Lower case and without accents, so that "Cafetería" is found and sorted as "cafeteria". */
export function folded(text: string): string {
  if (!/[^\0-\x7f]/.test(text)) return text.toLowerCase();
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}/gu, "")
    .replace(/[ßæœøðđþłı]/g, (letter) => spelled[letter] ?? letter);
}

/** Words joined by dashes, as addresses have them; empty where a text has no Latin letter and no digit. */
export const slug = (text: string, maxLength = 120): string =>
  folded(text)
    .replace(/['’]/g, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-/, "")
    .slice(0, maxLength)
    .replace(/-$/, "");

/** Whether no letter and no digit is lost in the slug: "синий 2" and "красный 2" both leave "2". */
function isSpelled(text: string): boolean {
  const plain = folded(text);
  return /[a-z0-9]/.test(plain) && !/[^\P{L}a-z]|[^\P{N}0-9]/u.test(plain);
}

/** A handle for any text, always the same one; with a mark where the text cannot be spelled. */
export function handleOf(text: string, maxLength = 120): string {
  if (isSpelled(text)) return slug(text, maxLength);
  const mark = digest(text);
  return `${slug(text, maxLength - mark.length - 1) || "p"}-${mark}`;
}

/** How a category is called that nobody has given a title: "sea-and-travel" is "Sea and travel". */
export const titleOf = (handle: string): string =>
  (handle.charAt(0).toUpperCase() + handle.slice(1)).replaceAll("-", " ");

const MOST_SKU = 64;

/**
 * SKUs for a variant that was given none, best first: readable where possible, else with a mark that
 * tells it from others. They depend on nothing but handle and choice, so they stay the same.
 */
export function* madeUpSkus(handle: string, choice: readonly string[]): Generator<string> {
  const plain = [handle, ...choice.flatMap((value) => slug(value) || [])].join("-").toUpperCase();
  if (plain.length <= MOST_SKU && choice.every(isSpelled)) yield plain;
  for (let n = 0; n < 2; n++) {
    const mark = digest(JSON.stringify([handle, ...choice, n])).toUpperCase();
    yield `${plain.slice(0, MOST_SKU - mark.length - 1).replace(/-$/, "")}-${mark}`;
  }
}

/** Seven letters and digits that depend on every letter of the text (FNV-1a). */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash.toString(36).padStart(7, "0");
}
