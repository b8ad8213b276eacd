import { node } from "../moleculer.config.ts";
import { command } from "../moving/command.ts";
import { examine, linesOf } from "./examine.ts";
import { passphraseOf, wholeOf } from "./flags.ts";
import { isClean } from "./reconciliation.ts";
import { reportOf } from "./report.ts";
import { restore } from "./restoring.ts";

/** Brings a shop from a backup into the stores that the environment names: `npm run restore -- <file>`. */
const usage = {
  text: "npm run restore -- <file> [--dry-run | --examine] [--next-invoice <number>] [--passphrase-file <file>].",
  flags: ["--dry-run", "--examine", "--next-invoice=", "--passphrase-file="],
};
/** It is there, and something is to be looked at before it opens. */
const TO_LOOK_AT = 3;

await command(usage, async ({ path, flags, reporter }) => {
  const nextInvoice = wholeOf(flags, "--next-invoice");
  const isDry = flags.has("--dry-run");
  const found = await restore({ path, node, reporter, passphrase: passphraseOf(flags), nextInvoice, isDry });
  if (!found) return 1;
  for (const line of reportOf(found)) reporter.say(line);
  // For programs: people read it above.
  if (!process.stdout.isTTY) process.stdout.write(`${JSON.stringify(found, undefined, 2)}\n`);
  if (isDry) reporter.say("Nothing was written: this was a dry run.");
  if (isDry || !flags.has("--examine")) return isClean(found) ? 0 : TO_LOOK_AT;
  reporter.say("Opening the shop, without its door, for doctor to look at it.");
  const report = await examine(node);
  for (const line of linesOf(report)) reporter.say(line);
  return isClean(found) && report.ok ? 0 : TO_LOOK_AT;
});
