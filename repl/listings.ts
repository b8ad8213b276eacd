import { createRequire } from "node:module";
import type { Command } from "./command.ts";
import type { Desk } from "./desk.ts";

/** moleculer-repl's own commands that stay (docs/decisions/016): those that show what there is, and no settings. */
type Handler = (broker: Desk["broker"], args: { options: Record<string, unknown> }) => Promise<void>;
const require = createRequire(import.meta.url);
const handlerOf = (name: string) => (require(`moleculer-repl/src/commands/${name}.js`) as { handler: Handler }).handler;

const show =
  (name: string): Command["run"] =>
  (desk, { options }) =>
    handlerOf(name)(desk.broker, { options });

const all = { about: "those that are away, too" };
const details = { about: "with the nodes that have it" };

export const nodes: Command = {
  name: "nodes",
  options: { all, details: { about: "with their services" } },
  about: "Moleculer's list of nodes",
  run: show("nodes"),
};

export const services: Command = {
  name: "services",
  options: { all, details },
  about: "Moleculer's list of services",
  run: show("services"),
};

export const actions: Command = {
  name: "actions",
  options: { all, details, filter: { value: "pattern", about: "such as orders.*" } },
  about: "Moleculer's list of actions",
  example: "actions --filter orders.*",
  run: show("actions"),
};

export const cls: Command = { name: "cls", about: "Clear the screen", run: show("cls") };
