import type { Desk } from "./desk.ts";

/** What an operator can type. */
export interface Command {
  name: string;
  aliases?: readonly string[];
  /** In their order: `sku` has to be given, `quantity?` may be, `reason…` takes all that is left. */
  params?: readonly string[];
  options?: Readonly<Record<string, Option>>;
  /** It has options beside these, such as the params of whatever is called: what they are, for its usage. */
  moreOptions?: string;
  about: string;
  /** What else there is to know, in sentences. */
  more?: string;
  example?: string;
  run(desk: Desk, given: Given): Promise<void> | void;
  /** What may stand at this place, when Tab is pressed there. */
  complete?: Readonly<Record<string, (desk: Desk) => readonly string[] | Promise<readonly string[]>>>;
}

interface Option {
  /** What stands behind it. An option without a value is there or not. */
  value?: string;
  about: string;
}

/** What was typed behind the command's name. */
export interface Given {
  params: Readonly<Record<string, string>>;
  options: Readonly<Record<string, string>>;
}

/** What was typed cannot be meant. */
export class Misread extends Error {
  override readonly name = "Misread";
}

/** The words of a line. Quotes hold a word together, and a brace holds all that follows. */
export function wordsOf(line: string): string[] {
  const words = line.match(/(?<!\S)\{.*$|(?:"[^"]*"|'[^']*'|[^\s"'])+|["']/gs) ?? [];
  return words.map((word) => {
    if (word === '"' || word === "'") throw new Misread(`The quote ${word} is not closed.`);
    return word.startsWith("{") ? word.trim() : word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2");
  });
}

const nameOf = (param: string) => param.replace(/[?…]$/, "");
const isNeeded = (param: string) => !param.endsWith("?");

/** Options begin with two dashes, so that -3 is a number. */
export function read(command: Command, words: readonly string[]): Given {
  const options: Record<string, string> = {};
  const left: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (!word.startsWith("--")) {
      left.push(word);
      continue;
    }
    const [name = "", joined] = word.slice(2).split(/=(.*)/s, 2);
    const option = optionOf(command, name);
    if (!option) throw new Misread(`${command.name} knows no option --${name}. It is: ${usage(command)}`);
    const value = option.value === undefined ? (joined ?? "on") : (joined ?? words[++at] ?? "");
    if (value === "") throw new Misread(`--${name} needs a value: --${name} <${option.value}>`);
    options[name] = value;
  }
  return { params: named(command, left), options };
}

function optionOf({ options = {}, moreOptions }: Command, name: string): Option | undefined {
  if (Object.hasOwn(options, name)) return options[name];
  return moreOptions && name !== "" ? { value: "value", about: moreOptions } : undefined;
}

function named(command: Command, words: readonly string[]): Record<string, string> {
  const { params = [] } = command;
  const isOpen = params.at(-1)?.endsWith("…");
  const missing = params.slice(words.length).filter(isNeeded);
  if (missing.length)
    throw new Misread(
      `${missing.map(nameOf).join(" and ")} ${missing.length > 1 ? "are" : "is"} missing. It is: ${usage(command)}`,
    );
  if (words.length > params.length && !isOpen)
    throw new Misread(`That is too much: a text of several words stands in quotes. It is: ${usage(command)}`);
  const given = params.map((param, at) => [
    nameOf(param),
    param.endsWith("…") ? words.slice(at).join(" ") : (words[at] ?? ""),
  ]);
  return Object.fromEntries(given.filter(([, value]) => value !== ""));
}

/** How a command is typed: `adjust <sku> <delta> <reason…>`. */
export function usage({ name, params = [], options = {}, moreOptions }: Command): string {
  const shown = params.map((param) => (isNeeded(param) ? `<${param}>` : `[${nameOf(param)}]`));
  const optional = Object.entries(options).map(([key, { value }]) => `[--${key}${value ? ` <${value}>` : ""}]`);
  return [name, ...shown, ...optional, ...(moreOptions ? [`[--${moreOptions}]`] : [])].join(" ");
}

/** A whole number as people type it. */
export function whole(text: string, what: string): number {
  if (/^[+-]?\d{1,12}$/.test(text)) return Number(text);
  throw new Misread(`${text} is no ${what}: it is a whole number.`);
}
