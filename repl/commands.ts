import { faint, indented, line, strong } from "../terminal.ts";
import { buy } from "./buy.ts";
import { call, dcall } from "./call.ts";
import { cluster } from "./cluster.ts";
import { type Command, Misread, usage } from "./command.ts";
import { letters, outbox, replay } from "./delivery.ts";
import { doctor } from "./doctor.ts";
import { actions, cls, nodes, services } from "./listings.ts";
import { order, orders } from "./orders.ts";
import { adjust, stock } from "./stock.ts";

/** Leaves: the shell looks for it by name. */
export const exit: Command = { name: "exit", aliases: ["quit", "q"], about: "Leave, as Ctrl-D does", run() {} };

const help: Command = {
  name: "help",
  params: ["command?"],
  about: "What can be typed here, or all about one command",
  example: "help order",
  complete: { command: () => commands.map(({ name }) => name) },
  run(_desk, { params: { command: name } }) {
    if (name === undefined) return overview();
    explain(commandNamed(name));
  },
};

const groups: [title: string, commands: Command[]][] = [
  ["The shop", [order, orders, stock, adjust, buy]],
  ["The house", [doctor, outbox, letters, replay, cluster]],
  ["Moleculer", [call, dcall, nodes, services, actions]],
  ["Here", [help, cls, exit]],
];
export const commands: readonly Command[] = groups.flatMap(([, group]) => group);

export function commandNamed(name: string): Command {
  const command = commands.find((one) => one.name === name || one.aliases?.includes(name));
  if (command) return command;
  const similar = commands.filter((one) => one.name.startsWith(name.slice(0, 3))).map((one) => one.name);
  const meant = similar.length ? ` Is it ${similar.join(" or ")}?` : "";
  throw new Misread(`There is no command ${name}.${meant} help lists all.`);
}

export function overview(): void {
  const width = Math.max(...commands.map((command) => shortUsage(command).length));
  for (const [title, group] of groups) {
    line(`\n  ${strong(title)}`);
    for (const command of group) line(`    ${shortUsage(command).padEnd(width)}   ${faint(command.about)}`);
  }
  line(
    indented(`
help <command> says more, with an example. Tab completes, Ctrl-D leaves.

Without a terminal, commands are read from the input, or taken from the command line:
  npm run repl -- --run "outbox" --run "orders --status pending"
  echo outbox | npm run repl
The exit code is 0, 1 when a command failed (the others are run nevertheless), 2 when the cluster was not reached.
`),
  );
}

const shortUsage = (command: Command) => usage({ ...command, options: {} });

function explain(command: Command): void {
  const { about, more, example, options = {}, aliases = [] } = command;
  line(`\n  ${strong(usage(command))}\n\n  ${about}.`);
  if (more) line(`  ${more}`);
  for (const [name, { value, about }] of Object.entries(options))
    line(`    ${`--${name}${value ? ` <${value}>` : ""}`.padEnd(20)} ${faint(about)}`);
  if (aliases.length) line(`  Also: ${aliases.join(", ")}`);
  if (example) line(`\n  ${faint("For example:")} ${example}`);
  line();
}
