import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adminOf, Client, until } from "../test/client.ts";
import { startShop } from "../test/process.ts";
import { MissingServer, program } from "../test/servers/server.ts";

/**
 * Asks a shop whatever its description lets anybody ask, and what it forbids: Schemathesis makes the requests of
 * `/openapi.json`, and holds the answers to it with its default checks. As a guest, a customer and an admin, each in a
 * shop of their own, until there were enough of them.
 *
 *   npm run fuzz:api -- [requests=20000] [seed]
 *
 * Schemathesis comes with `pip install schemathesis`; `SCHEMATHESIS` says where it is if it is not on the PATH.
 */
const [wanted = "20000", from = String(Date.now() % 1_000_000_000)] = process.argv.slice(2);
const REQUESTS = Number(wanted);
/** For each operation. Beside them there is a request for each thing that its description says. */
const EXAMPLES = 10;

interface Account {
  email: string;
  password: string;
}
const roles: readonly { name: string; account?: Account }[] = [
  { name: "guest" },
  { name: "customer", account: { email: "eva@example.com", password: "seven salty sardines" } },
  { name: "admin", account: { email: "admin@lonja.test", password: "correct horse battery" } },
];

function schemathesis(): string {
  try {
    return program("Schemathesis", "pip install schemathesis", process.env.SCHEMATHESIS ?? "schemathesis");
  } catch (error) {
    if (!(error instanceof MissingServer)) throw error;
    process.stderr.write("\n!!! Schemathesis is not on this machine (pip install schemathesis): NOTHING WAS TRIED\n\n");
    process.exit(0);
  }
}

const here = (file: string) => join(import.meta.dirname, file);
/** Signs in anew when a token has ended. Without an account it would open one. */
const signIn = (account?: Account): string =>
  account
    ? `[auth.dynamic.openapi.bearer]\npath = "/v1/auth/login"\nextract_selector = "/accessToken"\npayload = { email = "${account.email}", password = "${account.password}" }\n`
    : "[auth]\nauto-signup = false\n";

async function openedShop(folder: string, account?: Account) {
  const env = {
    DEMO: "on",
    LOG_FORMAT: "json",
    ADMISSION: "off",
    DOCTOR_EVERY_MINUTES: "0",
    WEBHOOK_ALLOW: "127.0.0.1:9",
  };
  const shop = await startShop(join(folder, "data"), env);
  const guest = new Client(shop.url);
  await until(
    () => guest.get("/v1/inventory/MUG-SALT"),
    ({ status }) => status === 200,
  );
  if (account) await guest.post("/v1/auth/register", { ...account, name: "Eva" });
  await (await adminOf(shop.url)).post("/v1/admin/inventory/MUG-SALT/adjustments", { delta: 100_000, reason: "all" });
  return shop;
}

/** How many requests were made, and what Schemathesis has to say of the answers. */
async function run(command: string, { name, account }: (typeof roles)[number], seed: number) {
  const folder = mkdtempSync(join(tmpdir(), "lonja-fuzz-"));
  const config = join(folder, "schemathesis.toml");
  writeFileSync(config, `${readFileSync(here("schemathesis.toml"), "utf8")}\n${signIn(account)}`);
  const shop = await openedShop(folder, account);
  const asked = [`${shop.url}/openapi.json`, "--max-examples", `${EXAMPLES}`, "--seed", `${seed}`];
  const manner = ["--continue-on-failure", "--no-color", "--warnings", "off", "--request-timeout", "60"];
  const child = spawn(command, ["--config-file", config, "run", ...asked, ...manner], {
    cwd: folder,
    env: { ...process.env, SCHEMATHESIS_HOOKS: here("hooks.py") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (text) => {
    said += text;
  });
  const [code] = await once(child, "close");
  await shop.stop();
  rmSync(folder, { recursive: true, force: true });
  // A shop that was only asked, whatever it was asked, has no failure of its own to tell of.
  const slips = shop.output().match(/^.*"level":"(error|fatal)".*$|^.*Nobody has waited.*$/gm) ?? [];
  const isGood = code === 0 && slips.length === 0;
  const requests = Number(/([\d,]+) generated/.exec(said)?.[1]?.replaceAll(",", "") ?? 0);
  process.stdout.write(`${name}: ${requests} requests with seed ${seed}, ${isGood ? "nothing found" : "FOUND"}\n`);
  if (!isGood || requests === 0) process.stdout.write(`${said}\n${slips.join("\n")}\n`);
  return { requests, isGood: isGood && requests > 0 };
}

const command = schemathesis();
let [all, isGood] = [0, true];
for (let round = 0; all < REQUESTS && isGood; round++)
  for (const role of roles) {
    const outcome = await run(command, role, Number(from) + round);
    all += outcome.requests;
    isGood &&= outcome.isGood;
  }
process.stdout.write(`${all} requests in sum: ${isGood ? "nothing found" : "FOUND, see above"}\n`);
process.exit(isGood ? 0 : 1);
