import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { ServiceName } from "../services/contracts.ts";
import { bad, failure, good, line, strong } from "../terminal.ts";
import { everyService } from "../test/cluster.ts";
import { MissingServer } from "../test/servers/server.ts";
import { knows, rollBetween, type Step } from "./rolling.ts";

/** A shop is upgraded, downgraded and upgraded again while people buy: whether anybody notices. */
const usage = `npm run upgrade -- FOLDER [--only orders,gateway]

  FOLDER   the version that the shop has now, or is to have, with its packages installed
  --only   the services that are exchanged, as a comma list; all without it`;
const MOST_SHOWN = 10;

function stop(message: string, code = 2): never {
  process[code === 0 ? "stdout" : "stderr"].write(`${message}\n`);
  process.exit(code);
}

function wordsOrStop() {
  const options = { only: { type: "string" }, help: { type: "boolean" } } as const;
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    return stop(`${(error as Error).message}\n\n${usage}`);
  }
}

function optionsOrStop(): { folder: string; services: ServiceName[] | undefined } {
  const { values, positionals } = wordsOrStop();
  if (values.help) stop(usage, 0);
  if (positionals.length !== 1) stop(usage);
  const folder = resolve(positionals[0] ?? "");
  if (!existsSync(join(folder, "lonja.ts"))) stop(`There is no Lonja in ${folder}.`);
  const services = values.only?.split(",") as ServiceName[] | undefined;
  for (const name of services ?? []) {
    if (!everyService.includes(name)) stop(`There is no service "${name}". There are ${everyService.join(", ")}.`);
    if (!knows({ folder }, name)) stop(`The Lonja in ${folder} has no service "${name}".`);
  }
  return { folder, services };
}

const { folder, services } = optionsOrStop();
let [confirmed, failures] = [0, 0];
const show = (step: Step) => {
  confirmed += step.confirmed;
  failures += step.failures.length;
  const sign = step.failures.length ? bad("✗") : good("✓");
  line(`  ${sign} ${step.service} of ${step.to === "this" ? "this" : "the other"} version: ${step.confirmed} orders`);
  for (const { what, why } of step.failures.slice(0, MOST_SHOWN)) line(`      ${what}: ${why}`);
};
// The nodes are children that end with this process; servers are in groups of their own and have to be ended.
const stopped = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(name, () => stopped.abort(new Error(`${name}: stopped.`)));
try {
  const wrong = await rollBetween({ other: { folder }, services, onStep: show, signal: stopped.signal });
  line();
  for (const text of wrong.slice(0, MOST_SHOWN)) line(`  ${bad("✗")} ${text}`);
  const ok = failures === 0 && wrong.length === 0;
  line(
    `  ${strong(ok ? "Nobody has noticed" : "It was noticed")}: ${confirmed} orders, ${failures} requests failed, ${wrong.length} other faults.`,
  );
  process.exit(ok ? 0 : 1);
} catch (error) {
  failure(error instanceof MissingServer ? `${error.message}.` : (error as Error).message);
  process.exit(2);
}
