import { setTimeout as pause } from "node:timers/promises";
import { node } from "../moleculer.config.ts";
import { command, wordsFor } from "../moving/command.ts";
import { durationOf, passphraseOf, wholeOf } from "./flags.ts";
import { backUp, servicesOf } from "./make.ts";

/** Writes the shop that the environment names, as it is at one moment, into a folder: `npm run backup -- backups`. */
const usage = {
  text: "npm run backup -- [backups] [--keep 7] [--every 60m] [--passphrase-file <file>] [--with-sandbox].",
  flags: ["--keep=", "--every=", "--passphrase-file=", "--with-sandbox"],
  path: "backups",
};

await command(usage, async ({ path: folder, flags, reporter, onEarlyEnd }) => {
  const keep = wholeOf(flags, "--keep");
  const passphrase = passphraseOf(flags);
  const services = servicesOf({ withSandbox: flags.has("--with-sandbox") });
  const plan = { folder, node, services, keep, passphrase, reporter, onEarlyEnd };
  const everyMs = durationOf(flags, "--every");
  if (everyMs === undefined) {
    await backUp(plan);
    return 0;
  }
  for (;;) {
    // One that cannot be made is said, and the next is made in its time.
    await backUp(plan).catch((error) => reporter.say(wordsFor(error, folder)));
    await pause(everyMs);
  }
});
