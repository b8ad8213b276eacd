import { parseArgs } from "node:util";
import { repaired, showRepairs, showReport, untilReported } from "../repl/doctor.ts";
import { becomeVisitor, NoCluster } from "../repl/visitor.ts";
import { faint, line } from "../terminal.ts";
import { atDoor, inCluster, NoPatient, type Patient } from "./ways.ts";

/**
 * Examines a shop: `npm run doctor`. A cluster is joined, a shop that is stopped is looked at in its stores, and one that
 * is open is asked at its door. Exit codes: 0 all is well, 1 not all is well, 2 it could not be examined.
 */
const usage = "It is: npm run doctor -- [--json] [--repair] [--url http://…]";
const environment = { ...process.env };

function stop(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function readArguments() {
  const flag = { type: "boolean" } as const;
  try {
    return parseArgs({ options: { json: flag, repair: flag, help: flag, url: { type: "string" } } }).values;
  } catch (error) {
    const [what] = (error as Error).message.split(".");
    return stop(`${what}. ${usage}`);
  }
}

const { json = false, repair = false, help, url } = readArguments();
if (help) {
  line(usage);
  process.exit(0);
}
// Whoever has read enough, as head does, has gone.
process.stdout.on("error", () => process.exit(0));
// A store that is not there yet is waited for, and nothing else would keep the process alive.
setInterval(() => {}, 2 ** 30);

async function reach(): Promise<Patient> {
  if (url) return atDoor(url, environment);
  try {
    becomeVisitor();
  } catch (error) {
    if (!(error instanceof NoCluster)) throw error;
    return embedded();
  }
  return inCluster(environment);
}

/** One process owns a file of SQLite: who cannot have it asks that process. */
async function embedded(): Promise<Patient> {
  const [{ node }, { stoppedShop }] = await Promise.all([import("../moleculer.config.ts"), import("./stopped.ts")]);
  try {
    return await stoppedShop(node);
  } catch (error) {
    if (!/ is in use by another process/.test((error as Error).message)) throw error;
    const { host, port } = node.settings;
    return atDoor(`http://${host.includes(":") ? `[${host}]` : host}:${port}`, environment);
  }
}

async function see(patient: Patient) {
  if (!repair) return { repairs: [], report: await untilReported(Date.now(), () => patient.examine()) };
  if (!patient.repairing)
    throw new NoPatient("A shop that is stopped cannot repair anything: start it, and ask again.");
  return repaired(patient.repairing);
}

/** What an operator can put right needs no more than its message. */
const known = ["NoPatient", "NoCluster", "UnusableSetting", "UnusableStore", "Refusal"];
const wordsFor = (error: Error) => (known.includes(error.name) ? error.message : (error.stack ?? error.message));

try {
  const patient = await reach();
  if (!json) line(faint(`  ${patient.place}`));
  const { report, repairs } = await see(patient);
  if (json) line(JSON.stringify(repair ? { ...report, repairs } : report));
  else {
    showRepairs(repairs);
    showReport(report);
  }
  await Promise.race([patient.leave(), new Promise((resolve) => setTimeout(resolve, 1_000))]);
  process.exit(report.ok ? 0 : 1);
} catch (error) {
  stop(wordsFor(error as Error));
}
