import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { NodeProcess } from "../../cluster/process.ts";
import { commands } from "../../repl/commands.ts";
import { anOrder, until } from "../client.ts";
import { park } from "../dead-letter.ts";
import { needNats, startNats } from "../servers/nats.ts";
import { type BreakableServer, describeWith, freePort, ours } from "../servers/server.ts";
import { openShop } from "../shop.ts";
import { Terminal } from "../terminal.ts";

/** Nothing of this is ever to be read in a terminal. */
const canaries = {
  BUS_SECRET: "canary-of-the-bus-secret",
  ADMIN_PASSWORD: "canary of the first admin",
  STORE: "canary-of-the-database",
  SMTP_URL: "canary-of-the-mail-server",
  TRANSPORTER: "canary-of-nats",
};
const login = `{"email":"admin@lonja.test","password":"${canaries.ADMIN_PASSWORD}"}`;
const purchase = JSON.stringify(anOrder("tok_visa", 1, "MUG-SALT"));
/** All that can be typed, as its own example or as its help. */
const everything = [
  "help",
  ...commands.filter(({ name }) => name !== "exit").flatMap(({ name, example = name }) => [`help ${name}`, example]),
  ...["env", "info", "metrics", "events", "listener list", "cache keys", "bench users.keys", "load x", "nodes --raw"],
  "nodes --all --details",
  "services --all --details",
  "actions --all --details",
  `call users.login ${login}`,
  "call sandbox.webhookSecret",
  `call orders.place ${purchase}`,
];
const secretsIn = (said: string) => [
  ...Object.values(canaries).filter((canary) => said.includes(canary)),
  ...(said.match(/eyJ[\w-]{8,}\.[\w-]+/g) ?? []),
];
/** What was typed is the business of whoever has typed it. */
const answersTo = async (terminal: Terminal, lines: readonly string[]) => {
  const answers: string[] = [];
  for (const line of lines) answers.push(await terminal.run(line));
  return answers;
};

let folder: string;
const terminals: Terminal[] = [];
const open = (script: string[], env: Record<string, string>) => {
  const terminal = new Terminal(script, env);
  terminals.push(terminal);
  return terminal.ready();
};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lonja-repl-"));
});
afterAll(() => {
  for (const terminal of terminals) terminal.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A script or a pipe: what it printed, and how it ended. */
async function unattended(args: string[], env: Record<string, string>, input = "") {
  const child = spawn(process.execPath, ["repl/repl.ts", ...args], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: "pipe",
  });
  child.stdin.end(input);
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await once(child, "exit");
  const [stdout, stderr] = await said;
  return { code, stdout, stderr };
}

describe("in the process of the shop", () => {
  let repl: Terminal;

  beforeAll(async () => {
    const dataDir = join(folder, "embedded");
    const before = await openShop({ dataDir });
    for (const n of [1, 2, 3]) await park(before, `TIN-${n}`, n);
    await before.close();
    repl = await open(["lonja.ts", "--repl"], {
      PORT: String(await freePort()),
      DATA_DIR: dataDir,
      LOG_LEVEL: "warn",
      ADMIN_EMAIL: "admin@lonja.test",
      ADMIN_PASSWORD: "correct horse battery",
    });
    await repl.run('adjust MUG-SALT 100 "for all tests"');
  });

  test("help names our commands first, and explains each with an example", async () => {
    const all = await repl.run("help");
    const one = await repl.run("help adjust");

    expect(all.trim()).toMatch(/^The shop\n +order <order> /);
    for (const { name, about } of commands) expect(all).toMatch(new RegExp(`\n +${name}\\b.* ${about}`));
    expect(one).toContain("adjust <sku> <delta> <reason…>");
    expect(one).toContain('For example: adjust MUG-SALT -3 "broken in the store"');
  });

  test("a purchase, found again with its timeline, by number and by e-mail address", async () => {
    const bought = await repl.run("buy MUG-SALT 2 --email ada@example.org");
    const [, number = "", id = ""] = /order +(\S+) +(ord_\w+)/.exec(bought) ?? [];
    const found = await answersTo(repl, [`order ${number}`, `order ${id}`, "order ada@example.org"]);

    for (const answer of [bought, ...found]) {
      expect(answer).toMatch(/placed +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d by ada@example\.org, a guest/);
      expect(answer).toMatch(/payment +pay_\w+ +captured by sandbox: €38\.00 of €38\.00 taken/);
      expect(answer).toMatch(/MUG-SALT +Salt-glazed mug +2 +€19\.00 +€38\.00/);
      expect(
        answer.match(/ (placed|stock_held|payment_authorized|stock_taken|payment_captured|confirmed)\n/g),
      ).toHaveLength(6);
    }
  });

  test("of several orders, a list", async () => {
    await repl.run("buy MUG-SALT --email eva@example.org");
    expect(await repl.run("buy MUG-SALT --email eva@example.org --token tok_declined")).toMatch(
      /^\n✗ The payment was declined: .+\.\n$/,
    );

    const found = await repl.run("order eva@example.org");
    expect(found).toMatch(/confirmed +captured .+ord_/);
    expect(found).toMatch(/canceled +failed .+ord_/);
    expect(found).toContain("2 orders of eva@example.org");
    expect((await repl.run("orders --status canceled")).match(/ord_/g)).toHaveLength(1);
  });

  test("stock is adjusted, and says who did", async () => {
    await repl.run("adjust TIN-NEW 10 delivery of the day");
    const adjusted = await repl.run("adjust TIN-NEW -3 broken");

    expect(adjusted).toMatch(/TIN-NEW +7 +0 +7\n/);
    // Movements are written down by whoever hears of them.
    const moved = await until(
      () => repl.run("stock TIN-NEW"),
      (answer) => answer.includes("adjusted"),
    );
    expect(moved).toMatch(/adjusted +-3 +7 +broken +usr_\w+\n.+ opened +\+10 +10 +delivery of the day +usr_\w+\n/);
  });

  test("dead letters are listed, and replayed by number, by id, all of them", async () => {
    const listed = await repl.run("letters");
    const ids = listed.match(/inventory:stock:TIN-\d:\S+/g) ?? [];
    expect(ids).toHaveLength(3);
    expect(await repl.run("outbox")).toMatch(/inventory +\d+ +3 /);

    const [byNumber, byId, all] = await answersTo(repl, ["replay 1", `replay ${ids[1]}`, "replay all"]);
    for (const answer of [byNumber, byId, all])
      expect(answer).toMatch(/inventory\.moved of TIN-\d goes to inventory once more\./);
    expect(await repl.run("letters")).toContain("There are no dead letters.");
  });

  test("params of a call are JSON or options, read as the action's contract has them", async () => {
    const [json, options] = await answersTo(repl, [
      'call inventory.movements {"sku":"MUG-SALT","limit":1}',
      "call inventory.movements --sku MUG-SALT --limit=1",
    ]);
    for (const answer of [json, options]) {
      expect(answer).toContain("sku: 'MUG-SALT'");
      expect(answer?.match(/onHandAfter/g)).toHaveLength(1);
    }
  });

  test("the cluster is this node", async () => {
    expect(await repl.run("cluster")).toMatch(/\(here\) +up +all .+\n.+Instances: users 1, .+ gateway 1\n/);
  });

  test.each([
    ["order NOBODY-1", /There is no order of NOBODY-1/],
    ["order", /order is missing\. It is: order <order>/],
    ["orders --status lost", /lost is no status: it is one of pending, /],
    ["orders --limit 1e3", /1e3 is no count/],
    ["stock NOPE", /There is no such SKU\./],
    ["stock a/b", /sku is not written as it has to be/],
    ["adjust MUG-SALT many because", /many is no delta: it is a whole number/],
    ["adjust MUG-SALT 0 nothing", /changes nothing/],
    ["adjust MUG-SALT -1000000 all", /Only \d+ of MUG-SALT can be taken away\./],
    ["buy MUG-SALT 9999", /9999 of MUG-SALT asked for, \d+ there\./],
    ["buy MUG-SALT 0", /lines\/0\/quantity must be >= 1/],
    ["buy NOPE", /NOPE cannot be bought/],
    ["buy MUG-SALT 1 --token 💳", /payment\/token is not written as it has to be/],
    ["replay 99", /There is no letter 99 in the last list/],
    ["replay __proto__:x", /is no dead letter/],
    ["replay orders:orders:ord_x:evt_x:payments", /There is no such dead letter/],
    ["call nobody.nothing", /There is no action nobody\.nothing/],
    ["call inventory.level {sku}", /The params are not JSON/],
    ["call inventory.level [1]", /The params are an object/],
    ["call inventory.movements --sku MUG-SALT --limit many", /--limit cannot be read: it is of type integer/],
    ["call inventory.level --sku", /--sku needs a value/],
    ["dcall nowhere users.keys", /There is no node nowhere/],
    ["constructor", /There is no command constructor/],
    ["help __proto__", /There is no command __proto__/],
    ["orders --constructor x", /knows no option --constructor/],
    ['stock "MUG', /The quote " is not closed/],
    ["exit now", /That is too much/],
  ])("%s: one clear sentence", async (typed, wanted) => {
    const answer = await repl.run(typed);

    expect(answer).toMatch(wanted);
    expect(answer.trim()).toMatch(/^✗ [^\n]+$/);
  });

  test("Tab completes commands, actions, SKUs and what was seen", async () => {
    const completed = async (typed: string, wanted: string) => {
      const from = repl.said.length;
      repl.press(`${typed}\t`);
      const text = await repl.until((text) => text.includes(wanted), from);
      repl.press("\x03");
      await repl.until((text) => text.endsWith("lonja $ "), from + text.length);
    };
    await completed("adj", "adjust ");
    await completed("orders --st", "orders --status ");
    await completed("orders --status conf", "orders --status confirmed ");
    await completed("call inventory.lev", "call inventory.level ");
    await completed("stock MUG-SA", "stock MUG-SALT ");
    await completed("help let", "help letters ");
  });

  test("Ctrl-D stops the shop as Ctrl-C does", async () => {
    repl.press("\x04");

    expect(await repl.exited).toBe(0);
  });
});

test("no command of the shop's own process prints a secret", async () => {
  const repl = await open(["lonja.ts", "--repl"], {
    PORT: String(await freePort()),
    DATA_DIR: join(folder, "canaries"),
    LOG_LEVEL: "warn",
    BUS_SECRET: canaries.BUS_SECRET,
    ADMIN_EMAIL: "admin@lonja.test",
    ADMIN_PASSWORD: canaries.ADMIN_PASSWORD,
    SMTP_URL: `smtp://lonja:${canaries.SMTP_URL}@127.0.0.1:1`,
  });
  await repl.run('adjust MUG-SALT 100 "for all tests"');
  const answers = await answersTo(repl, everything);

  expect(secretsIn(answers.join("\n"))).toEqual([]);
  expect(answers.at(-3)).toMatch(/accessToken: '•••'.+refreshToken: '•••'/s);
  expect(answers.at(-2)).toMatch(/secret: '•••'/);
  expect(answers.at(-1)).toMatch(/guestToken: '•••'/);

  const from = repl.said.length;
  repl.press("\x1b[A");
  await repl.until((text) => text.endsWith("call sandbox.webhookSecret"), from);
  repl.press("\x1b[A");
  const remembered = await repl.until((text) => text.endsWith("actions --all --details"), from);
  expect(secretsIn(remembered)).toEqual([]);

  repl.press("\x03");
  repl.press("\x03");
  expect(await repl.exited).toBe(0);
});

test("npm run dev: what is printed stands above what is typed, and Ctrl-D ends the watching too", async () => {
  const repl = await open(["--watch", "lonja.ts", "--repl"], {
    PORT: String(await freePort()),
    DATA_DIR: join(folder, "above"),
    LOG_LEVEL: "warn",
    ADMIN_PASSWORD: "correct horse battery",
    SMTP_URL: "smtp://127.0.0.1:1",
  });
  const from = repl.said.length;
  repl.press("buy MUG-SALT\rstock MUG");
  await repl.until((text) => text.includes("is queued after 1 tries") && text.endsWith("stock MUG"), from);

  // What was typed before its turn is gone on with.
  expect(await repl.run("-SALT")).toMatch(/on hand .+\n +MUG-SALT +499 /);
  repl.press("\x04");
  expect(await repl.exited).toBe(0);
});

describe("beside npm run cluster", () => {
  let cluster: Terminal;
  let env: Record<string, string>;

  beforeAll(async () => {
    env = { DATA_DIR: join(folder, "cluster") };
    cluster = new Terminal(["cluster/cluster.ts"], { ...env, PORT: String(await freePort()) });
    terminals.push(cluster);
    await cluster.until((text) => text.includes("Ctrl-C closes it."));
  });

  test("it is found by what the cluster has left for this user alone", async () => {
    const repl = await open(["repl/repl.ts"], env);

    expect(statSync(join(folder, "cluster", "invitation.json")).mode & 0o777).toBe(0o600);
    const nodes = await repl.run("cluster");
    for (const { name } of [{ name: "orders" }, { name: "inventory" }, { name: "gateway" }])
      expect(nodes).toMatch(new RegExp(`\n +${name}-1-\\w+ +up +${name} `));
    expect(nodes).toMatch(/repl-\S+ \(here\) +up +- /);
    expect(nodes).toContain("Instances: users 1,");

    const bought = await repl.run("buy MUG-SALT");
    const [, number] = /order +(\S+) /.exec(bought) ?? [];
    expect(await repl.run(`order ${number}`)).toMatch(/confirmed\n/);
    expect(await repl.run("adjust MUG-SALT 5 found")).toMatch(/\+5 of MUG-SALT: found/);
    expect(await repl.run("outbox")).toMatch(/\n +orders +\d+ +0 /);

    repl.press("exit\r");
    expect(await repl.exited).toBe(0);
  });

  test("scripts and pipes are answered, and told how it went", async () => {
    const right = await unattended(["--run", "outbox", "--run", "stock MUG-SALT"], env);
    const piped = await unattended([], env, "# what there is\nstock NOPE\n\nstock MUG-SALT\nexit\nstock NOPE\n");

    expect([right.code, right.stderr]).toEqual([0, ""]);
    expect(right.stdout).toMatch(/service +waiting .+MUG-SALT/s);
    expect([piped.code, piped.stderr]).toEqual([1, "\n✗ There is no such SKU.\n"]);
    expect(piped.stdout).toMatch(/MUG-SALT/);
  });

  test("whoever has read enough may go", async () => {
    const lines = Array(50).fill("actions").join("\n");
    const piped = spawn("sh", ["-c", `echo "${lines}" | "$0" repl/repl.ts 2>&1 >&3 | cat`, process.execPath], {
      env: { PATH: process.env.PATH ?? "", ...env },
      stdio: ["ignore", "pipe", "ignore", "pipe"],
    });
    piped.stdio[3]?.once("data", () => piped.stdio[3]?.destroy());
    expect(await text(piped.stdout as NodeJS.ReadableStream)).toBe("");
  });

  test("when the cluster has closed, there is nothing left to find", async () => {
    cluster.press("\x03");
    expect(await cluster.exited).toBe(0);

    expect(existsSync(join(folder, "cluster", "invitation.json"))).toBe(false);
    const { code, stdout, stderr } = await unattended(["--run", "outbox"], env);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringMatching(/^No cluster to join: .+\n$/)]);
  });
});

test.each([
  [
    "a bus that nobody listens at",
    { TRANSPORTER: "tcp://127.0.0.1:1", BUS_SECRET: "0123456789abcdef" },
    /^Nobody answers at /,
  ],
  ["no secret", { TRANSPORTER: "nats://127.0.0.1:1" }, /^BUS_SECRET is needed /],
  ["an address that is none", { TRANSPORTER: "carrier-pigeon" }, /^TRANSPORTER=carrier-pigeon cannot be used: /],
  ["a file that is not there", { TRANSPORTER_FILE: "/nowhere" }, /^TRANSPORTER_FILE=\/nowhere cannot be read: /],
])("%s ends with one line", async (_, env, wanted) => {
  const { code, stdout, stderr } = await unattended(["--run", "outbox"], env);

  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(wanted);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});

describeWith([needNats, ours("LONJA_TEST_NATS_URL")], "on NATS, in the container of a node", () => {
  let nats: BreakableServer;
  let node: NodeProcess;
  let repl: Terminal;

  beforeAll(async () => {
    nats = await startNats({ user: "lonja", password: canaries.TRANSPORTER });
    const address = nats.url.replace("//", `//lonja:${canaries.TRANSPORTER}@`);
    const secret = (name: string, value: string) => {
      writeFileSync(join(folder, name), `${value}\n`);
      return join(folder, name);
    };
    const env = {
      PATH: process.env.PATH ?? "",
      NODE_ID: "the-only-node",
      HEALTH_PORT: String(await freePort()),
      PORT: String(await freePort()),
      DATA_DIR: join(folder, "container"),
      TRANSPORTER_FILE: secret("transporter", address),
      BUS_SECRET_FILE: secret("bus_secret", canaries.BUS_SECRET),
      ADMIN_EMAIL: "admin@lonja.test",
      ADMIN_PASSWORD_FILE: secret("admin_password", canaries.ADMIN_PASSWORD),
      LOG_FORMAT: "json",
    };
    const said: string[] = [];
    node = new NodeProcess("node", env, (line) => void said.push(line));
    if (!(await node.opened)) throw new Error(`The node did not start:\n${said.join("\n")}`);
    // What the node is told besides is not the visitor's business, and neither are mistakes in it.
    const mistakes = { STORE: `mysql://lonja:${canaries.STORE}@127.0.0.1/lonja`, CURRENCY: "euro", HOME: "/nowhere" };
    repl = await open(["repl/repl.ts"], { ...env, ...mistakes });
  });
  afterAll(async () => {
    await node?.stop();
    await nats?.stop();
  });

  test("no command of a visitor prints a secret", async () => {
    await repl.run('adjust MUG-SALT 100 "for all tests"');
    const answers = await answersTo(repl, everything);

    expect(repl.said.slice(0, repl.said.indexOf("lonja $"))).toMatch(/^Lonja, joined at nats:\/\/…@127\.0\.0\.1:\d+ /);
    expect(secretsIn(answers.join("\n"))).toEqual([]);
    expect(answers.at(-3)).toMatch(/accessToken: '•••'/);
  });

  test("it outlives NATS, and goes on when NATS is back", async () => {
    await nats.kill();
    let answer = await repl.run("stock MUG-SALT");
    expect(answer).toMatch(/✗ .+\n$/);
    await nats.start();
    while (!/on hand/.test(answer)) answer = await repl.run("stock MUG-SALT");

    expect(answer).toMatch(/MUG-SALT +\d+/);
    expect(secretsIn(repl.said.replaceAll(login, ""))).toEqual([]);
  });

  test("it leaves although NATS is away", async () => {
    await nats.kill();
    repl.press("\x04");

    expect(await repl.exited).toBe(0);
  });
});
