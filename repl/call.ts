import { contracts } from "../services/contracts.ts";
import type { Contract } from "../services/shared/contract.ts";
import { houseActions } from "../services/shared/delivery.ts";
import { faint, line } from "../terminal.ts";
import { type Command, Misread } from "./command.ts";
import type { Desk } from "./desk.ts";

const LONGEST_CALL_MS = 60_000;

/** Actions are named by the contracts: who asks for one that is away is told that it is away. */
const actions = Object.values(contracts as Record<string, Contract>).flatMap(({ name, actions }) => [
  ...Object.keys(actions),
  ...Object.keys(houseActions).map((action) => `${name}.${action}`),
]);

type AnyCall = (name: string, params: object, options: object) => Promise<unknown>;

/** Moleculer's own prints what was typed and all that was answered, tokens and passwords too. This one hides them. */
async function ask(desk: Desk, action: string, json: string, nodeID?: string): Promise<void> {
  if (!actions.includes(action)) throw new Misread(`There is no action ${action}. Tab shows those that there are.`);
  const { broker, world } = desk;
  const params = paramsOf(json);
  const began = world.now();
  const meta = { caller: desk.caller, requestKey: desk.onceKey() };
  const options = { meta, timeout: LONGEST_CALL_MS, ...(nodeID === undefined ? {} : { nodeID }) };
  const answer = await (broker.call as unknown as AnyCall).call(broker, action, params, options);
  line(desk.secrets.show(answer, process.stdout.hasColors?.() ?? false));
  line(faint(`in ${world.now() - began} ms`));
}

function paramsOf(json: string): object {
  try {
    const params: unknown = JSON.parse(json);
    if (typeof params === "object" && params !== null && !Array.isArray(params)) return params;
  } catch (error) {
    throw new Misread(`The params are not JSON: ${(error as Error).message}`);
  }
  throw new Misread('The params are an object, such as {"sku":"MUG-SALT"}.');
}

const more = "Params are JSON. Passwords, tokens and the like are not shown in the answer.";

export const call: Command = {
  name: "call",
  params: ["action", "params?"],
  about: "Ask for any action, as staff",
  more,
  example: 'call inventory.level {"sku":"MUG-SALT"}',
  complete: { action: () => actions },
  run: (desk, { params: { action = "", params = "{}" } }) => ask(desk, action, params),
};

export const dcall: Command = {
  name: "dcall",
  params: ["node", "action", "params?"],
  about: "The same, of one node",
  more,
  example: 'dcall inventory-1-a3f2 inventory.level {"sku":"MUG-SALT"}',
  complete: {
    node: ({ broker }) => broker.registry.getNodeList({ onlyAvailable: true }).map(({ id }) => id),
    action: () => actions,
  },
  async run(desk, { params: { node = "", action = "", params = "{}" } }) {
    const isThere = desk.broker.registry.getNodeList({ onlyAvailable: true }).some(({ id }) => id === node);
    if (!isThere) throw new Misread(`There is no node ${node}: cluster lists them.`);
    await ask(desk, action, params, node);
  },
};
