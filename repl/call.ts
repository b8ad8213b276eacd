import { contracts } from "../services/contracts.ts";
import type { Contract } from "../services/shared/contract.ts";
import { houseActions } from "../services/shared/delivery.ts";
import { faint, line } from "../terminal.ts";
import { type Command, type Given, Misread } from "./command.ts";
import type { Desk } from "./desk.ts";

const LONGEST_CALL_MS = 60_000;

/** Actions are named by the contracts: who asks for one that is away is told that it is away. */
const actions = Object.values(contracts as Record<string, Contract>).flatMap(({ name, actions }) => [
  ...Object.keys(actions),
  ...Object.keys(houseActions).map((action) => `${name}.${action}`),
]);

type AnyCall = (name: string, params: object, options: object) => Promise<unknown>;

/** Moleculer's own prints what was typed and all that was answered, tokens and passwords too. This one hides them. */
async function ask(desk: Desk, { params: { action = "", params: json }, options }: Given, nodeID?: string) {
  if (!actions.includes(action)) throw new Misread(`There is no action ${action}. Tab shows those that there are.`);
  const { broker, world } = desk;
  const params = { ...(json === undefined ? {} : paramsOf(json)), ...typed(action, options) };
  const began = world.now();
  const meta = { caller: desk.caller, requestKey: desk.onceKey() };
  const called = { meta, timeout: LONGEST_CALL_MS, ...(nodeID === undefined ? {} : { nodeID }) };
  const answer = await (broker.call as unknown as AnyCall).call(broker, action, params, called);
  line(desk.secrets.show(answer, process.stdout.hasColors?.() ?? false));
  line(faint(`in ${world.now() - began} ms`));
}

function paramsOf(json: string): object {
  try {
    const params: unknown = JSON.parse(json);
    if (typeof params === "object" && params !== null && !Array.isArray(params)) return params;
  } catch {
    // What the parser says of it repeats a part of it, which may be a password.
    throw new Misread('The params are not JSON, such as {"sku":"MUG-SALT"}. A text of several words stands in quotes.');
  }
  throw new Misread('The params are an object, such as {"sku":"MUG-SALT"}.');
}

/** `--delta -3` is a number and `--sku 123` a text, as the action's contract has it. */
function typed(action: string, options: Given["options"]): Record<string, unknown> {
  const known = paramsOfAction(action);
  const read = ([name, text]: [string, string]): [string, unknown] => {
    const type = known[name]?.type;
    if (type === undefined || type === "string") return [name, text];
    try {
      return [name, JSON.parse(text)];
    } catch {
      throw new Misread(`--${name} cannot be read: it is of type ${type}.`);
    }
  };
  return Object.fromEntries(Object.entries(options).map(read));
}

type Properties = Readonly<Record<string, { type?: string }>>;
function paramsOfAction(action: string): Properties {
  const [service = ""] = action.split(".");
  const contract = (contracts as Record<string, Contract>)[service]?.actions[action];
  return (contract?.params as { properties?: Properties } | undefined)?.properties ?? {};
}

const more = "Params are JSON, or options of their names. Passwords, tokens and the like are not shown in the answer.";
const moreOptions = "param <value>";

export const call: Command = {
  name: "call",
  params: ["action", "params?"],
  about: "Ask for any action, as staff",
  more,
  moreOptions,
  example: "call inventory.level --sku MUG-SALT",
  complete: { action: () => actions },
  run: ask,
};

export const dcall: Command = {
  name: "dcall",
  params: ["node", "action", "params?"],
  about: "The same, of one node",
  more,
  moreOptions,
  example: 'dcall inventory-1-a3f2 inventory.level {"sku":"MUG-SALT"}',
  complete: {
    node: ({ broker }) => broker.registry.getNodeList({ onlyAvailable: true }).map(({ id }) => id),
    action: () => actions,
  },
  async run(desk, given) {
    const { node = "" } = given.params;
    const isThere = desk.broker.registry.getNodeList({ onlyAvailable: true }).some(({ id }) => id === node);
    if (!isThere) throw new Misread(`There is no node ${node}: cluster lists them.`);
    await ask(desk, given, node);
  },
};
