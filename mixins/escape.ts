/** Begins an escape, followed by four hexadecimal digits. From the private use area: nobody's text has it, or it is escaped. */
const MARK = "\uE0FF";
const escapes = /\uE0FF([\da-f]{4})/g;

const hex = (character: string) => character.charCodeAt(0).toString(16).padStart(4, "0");

/** What a store cannot keep: in strings, and beyond that in the names of fields. Both match the mark. */
export interface Unkept {
  inStrings: RegExp;
  inNames: RegExp;
}

/** A copy in which a store finds nothing that it cannot keep. `unescaped` undoes it. */
export function escaped<T>(value: T, unkept: Unkept): T {
  return mapped(
    value,
    (text) => escapedText(text, unkept.inStrings),
    (name) => escapedText(name, unkept.inNames),
  ) as T;
}

export const escapedText = (text: string, unkept: RegExp): string =>
  unkept.test(text) ? text.replace(new RegExp(unkept, "gu"), (character) => MARK + hex(character)) : text;

export function unescaped<T>(value: T): T {
  const plain = (text: string) =>
    text.includes(MARK)
      ? text.replace(escapes, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
      : text;
  return mapped(value, plain, plain) as T;
}

function mapped(value: unknown, text: (text: string) => string, name: (name: string) => string): unknown {
  if (typeof value === "string") return text(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => mapped(one, text, name));
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[name(key), mapped(one, text, name)]])),
  );
}
