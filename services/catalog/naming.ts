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
  const lower = text.toLowerCase();
  if (!/[^\0-\x7f]/.test(lower)) return lower;
  return lower
    .normalize("NFKD")
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

/** A handle for any text, always the same one. */
export const handleOf = (text: string, maxLength?: number): string => slug(text, maxLength) || `p-${digest(text)}`;

/** How a category is called that nobody has given a title: "sea-and-travel" is "Sea and travel". */
export const titleOf = (handle: string): string =>
  (handle.charAt(0).toUpperCase() + handle.slice(1)).replaceAll("-", " ");

const MOST_SKU = 64;

/**
 * SKUs for a variant that was given none, best first: readable where possible, else with a mark that
 * tells it from others. They depend on nothing but handle and choice, so they stay the same.
 */
export function* madeUpSkus(handle: string, choice: readonly string[]): Generator<string> {
  const words = choice.map((value) => slug(value));
  const plain = [handle, ...words.filter((word) => word)].join("-").toUpperCase();
  if (plain.length <= MOST_SKU && words.every((word) => word)) yield plain;
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
