import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { ServiceName } from "../services/contracts.ts";
import { bad, failure, good, line, strong } from "../terminal.ts";
import { everyService } from "../test/cluster.ts";
import { rollBetween, type Step } from "./rolling.ts";

/** A shop is upgraded, downgraded and upgraded again while people buy: whether anybody notices. */
const usage = `npm run upgrade -- FOLDER [--only orders,gateway]

  FOLDER   the version that the shop has now, or is to have, with its packages installed
  --only   the services that are exchanged, as a comma list; all without it`;

function stop(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function optionsOrStop(): { folder: string; services: ServiceName[] | undefined } {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: "string" } } });
    const folder = resolve(positionals[0] ?? "");
    if (positionals.length !== 1) stop(usage);
    if (!existsSync(join(folder, "lonja.ts"))) stop(`There is no Lonja in ${folder}.`);
    const services = values.only?.split(",") as ServiceName[] | undefined;
    const unknown = services?.find((name) => !everyService.includes(name));
    if (unknown !== undefined) stop(`There is no service "${unknown}". There are ${everyService.join(", ")}.`);
    return { folder, services };
  } catch (error) {
    stop(`${(error as Error).message}\n\n${usage}`);
  }
}

const { folder, services } = optionsOrStop();
let [purchases, failures] = [0, 0];
const show = (step: Step) => {
  purchases += step.purchases;
  failures += step.failures.length;
  const sign = step.failures.length ? bad("✗") : good("✓");
  line(`  ${sign} ${step.service} of ${step.to} version: ${step.purchases} purchases`);
  for (const { what, why } of step.failures) line(`      ${what}: ${why}`);
};
// The nodes are children that end with this process; servers are in groups of their own and have to be ended.
const stopped = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(name, () => stopped.abort(new Error(`${name}: stopped.`)));
try {
  const wrong = await rollBetween({ other: { folder }, services, onStep: show, signal: stopped.signal });
  for (const text of wrong) line(`  ${bad("✗")} ${text}`);
  const ok = failures === 0 && wrong.length === 0;
  line();
  line(
    `  ${strong(ok ? "Nobody has noticed" : "It was noticed")}: ${purchases} purchases, ${failures} requests failed.`,
  );
  process.exit(ok ? 0 : 1);
} catch (error) {
  failure(String((error as Error).message));
  process.exit(2);
}
