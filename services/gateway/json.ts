import { type InputError, Refusal } from "../shared/refusal.ts";

const DEEPEST = 20;
/** Keys with which a careless copy would reach the prototype of every object. */
const forbidden = new Set(["__proto__", "constructor", "prototype"]);

/** What a body says, once it is certain that its keys, depth and text harm nobody further in. */
export function parseJson(text: string): unknown {
  const value = wellFormed(text);
  const errors: InputError[] = [];
  inspect(value, "", 0, errors);
  if (errors.length) throw new Refusal("invalid_input", undefined, { errors });
  return value;
}

function wellFormed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal("malformed_json");
  }
}

function inspect(value: unknown, path: string, depth: number, errors: InputError[]): void {
  if (depth > DEEPEST) throw new Refusal("malformed_json", `It is nested more than ${DEEPEST} deep.`);
  if (errors.length >= DEEPEST) return;
  if (typeof value === "string" && !value.isWellFormed()) errors.push({ path, message: "has half a character" });
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    const here = (path ? `${path}/${key}` : key).slice(0, 200).toWellFormed();
    if (forbidden.has(key) || !key.isWellFormed()) errors.push({ path: here, message: "is not allowed as a name" });
    else inspect(item, here, depth + 1, errors);
  }
}

/** The same for equal values, whatever the order of their keys and the space between them. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
