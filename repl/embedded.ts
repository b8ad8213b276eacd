import { createInterface } from "node:readline";
import type { ServiceBroker } from "moleculer";
import type { Node } from "../moleculer.config.ts";
import { Desk } from "./desk.ts";
import { talk } from "./interactive.ts";
import { Secrets } from "./secrets.ts";
import { runAll } from "./shell.ts";

/**
 * The REPL of a node that serves a shop. Whoever leaves it stops the node; an input that ends does not: a shop that
 * was started in the background has none.
 */
export async function openRepl(broker: ServiceBroker, { settings, world }: Node, stop: () => unknown): Promise<void> {
  const desk = new Desk(broker, world, Secrets.of(settings, process.env));
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    await runAll(desk, createInterface({ input: process.stdin }));
    return;
  }
  await talk(desk);
  // node --watch would wait for changes of a shop that nobody wants any more; a Ctrl-C ends it, and this with it.
  if (process.env.WATCH_REPORT_DEPENDENCIES) process.kill(process.ppid, "SIGINT");
  else await stop();
}
