import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { asStarted } from "../cluster/process.ts";
import { address, Client, until } from "../test/client.ts";
import { freePort } from "../test/servers/server.ts";

/**
 * What becomes of a shop that is asked for more than it can do. It is in a process of its own, on one core, its buyers
 * on another. First it is found out how much it serves when everybody waits for the answer before asking again: the
 * peak. Then requests arrive at a fixed rate, whether or not those before them were answered: half of the peak, all of
 * it, twice, five and ten times as much. At last half of it again, and the time is taken until the answers are as fast
 * as at first. An answer counts when it is a 2xx and comes within the two seconds that a buyer waits.
 *
 *   npm run bench:overload -- [seconds=8] [percent of purchases=20] [times=0.5,1,2,5,10]
 */
const [seconds = "8", percent = "20", wanted = "0.5,1,2,5,10"] = process.argv.slice(2);
const PHASE_MS = Number(seconds) * 1000;
const PURCHASES = Number(percent) / 100;
const PATIENCE_MS = 2_000;
const AT_PEAK = 32;
/** As many as a proxy, or many browsers, would keep open; one that has waited in vain is closed and another one opened. */
const CONNECTIONS = 2_000;
const MOST_CONNECTIONS = 8_000;
const PRODUCTS = 32;

const kinds = ["detail", "list", "buy"] as const;
type Kind = (typeof kinds)[number];

interface Asking {
  kind: Kind;
  at: number;
  connection: Socket;
  done: boolean;
}
interface Answered {
  kind: Kind;
  /** Since the beginning of the phase. */
  at: number;
  tookMs: number;
}
class Tally {
  offered = 0;
  served: Answered[] = [];
  refused: Record<string, number> = {};
  tooLate = 0;
  memory = 0;
  /** Seconds of its core that the shop has had: on a busy machine less than there were. */
  cpu = 0;
  readonly from = performance.now();
}

const port = await freePort();
const dataDir = mkdtempSync(join(tmpdir(), "lonja-overload-"));
const url = `http://127.0.0.1:${port}`;
const email = "bench@example.com";
const skus = Array.from({ length: PRODUCTS }, (_, n) => `BENCH-${n}`);
let key = 0;

const requests: Record<Kind, () => string> = {
  detail: () => `GET /v1/products/product-${key++ % PRODUCTS} HTTP/1.1\r\nHost: bench\r\n\r\n`,
  list: () => "GET /v1/products?limit=12 HTTP/1.1\r\nHost: bench\r\n\r\n",
  buy() {
    const lines = [{ sku: skus[key % PRODUCTS], quantity: 1 }];
    const body = JSON.stringify({ email, lines, shippingAddress: address, payment: { token: "tok_visa" } });
    const head = `POST /v1/orders HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nIdempotency-Key: b-${key++}`;
    return `${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  },
};
const drawKind = (): Kind => {
  const chance = Math.random();
  return chance < PURCHASES ? "buy" : chance < PURCHASES + (1 - PURCHASES) / 4 ? "list" : "detail";
};

/** Connections that wait to be used. As little as possible is done per request: the buyers have one core only. */
const idle: Socket[] = [];
const asking = new Map<Socket, { asked: Asking; over(status: number): void; left: number; status: number }>();
let open = 0;

function connection(): Socket | undefined {
  const known = idle.pop();
  return known || open >= MOST_CONNECTIONS ? known : opened();
}

function opened(): Socket {
  open++;
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const over = () => {
    const at = idle.indexOf(socket);
    if (at >= 0) idle.splice(at, 1);
    const under = asking.get(socket);
    asking.delete(socket);
    under?.over(0);
  };
  socket.on("error", () => {});
  socket.on("close", () => {
    open--;
    over();
  });
  socket.on("data", (bytes) => heard(socket, bytes));
  return socket;
}

function heard(socket: Socket, bytes: Buffer): void {
  const under = asking.get(socket);
  if (!under) return;
  if (under.status === 0) {
    const end = bytes.indexOf("\r\n\r\n");
    const head = bytes.toString("latin1", 0, end);
    under.status = Number(head.slice(9, 12));
    under.left = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0) + end + 4;
  }
  under.left -= bytes.length;
  if (under.left > 0) return;
  asking.delete(socket);
  idle.push(socket);
  under.over(under.status);
}

/** Asks once. The status 0: it was not answered in time, or the connection was closed. */
function ask(tally: Tally, kind: Kind, then: () => void = () => {}): void {
  const at = performance.now();
  tally.offered++;
  const socket = connection();
  if (!socket) {
    tally.tooLate++;
    then();
    return;
  }
  const asked = { kind, at, connection: socket, done: false };
  outstanding.push(asked);
  asking.set(socket, {
    asked,
    left: 0,
    status: 0,
    over(status) {
      asked.done = true;
      const now = performance.now();
      if (status >= 200 && status < 300 && now - at <= PATIENCE_MS)
        tally.served.push({ kind, at: at - tally.from, tookMs: now - at });
      else if (status >= 400) tally.refused[status] = (tally.refused[status] ?? 0) + 1;
      else tally.tooLate++;
      then();
    },
  });
  socket.write(requests[kind]());
}

/** In the order of their asking, so that only the first have to be looked at. */
const outstanding: Asking[] = [];
function leaveLate(): void {
  const latest = performance.now() - PATIENCE_MS;
  const first = outstanding.findIndex(({ done, at }) => !done && at >= latest);
  for (const late of outstanding.splice(0, first < 0 ? outstanding.length : first))
    if (!late.done) late.connection.destroy();
}

async function atPeak(): Promise<Tally> {
  const tally = new Tally();
  const buyer = (): Promise<void> =>
    new Promise((resolve) => {
      const next = () => (performance.now() - tally.from < PHASE_MS ? ask(tally, drawKind(), next) : resolve());
      next();
    });
  await watched(tally, Promise.all(Array.from({ length: AT_PEAK }, buyer)));
  return tally;
}

async function arriving(perSecond: number): Promise<Tally> {
  const tally = new Tally();
  const arrive = async () => {
    for (let now = 0; now < PHASE_MS; now = performance.now() - tally.from) {
      const due = Math.floor((Math.min(now, PHASE_MS) / 1000) * perSecond);
      while (tally.offered < due) ask(tally, drawKind());
      leaveLate();
      await pause(1);
    }
  };
  await watched(tally, arrive());
  return tally;
}

/** Those who have asked are waited for in between, so that what is counted belongs to one phase. */
async function settled(): Promise<void> {
  while (asking.size > 0) {
    leaveLate();
    await pause(5);
  }
  while (open < CONNECTIONS) {
    const some = Array.from({ length: 100 }, opened);
    await Promise.all(
      some.map(async (socket) => {
        // A connection on which nothing has been asked yet would soon be cut off.
        socket.write("GET /health/live HTTP/1.1\r\nHost: bench\r\n\r\n");
        await once(socket, "data");
      }),
    );
    idle.push(...some);
  }
  await pause(500);
}

async function watched(tally: Tally, work: Promise<unknown>): Promise<void> {
  const clock = setInterval(() => {
    tally.memory = Math.max(tally.memory, memoryOf(shop.pid));
  }, 100);
  const before = cpuOf(shop.pid);
  await work;
  tally.cpu = cpuOf(shop.pid) - before;
  clearInterval(clock);
}
function cpuOf(pid = 0): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
const memoryOf = (pid = 0) =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;

const at = (latencies: readonly number[], share: number): number =>
  latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length * share)] ?? Number.NaN;

const latenciesOf = (tally: Tally, kind: (one: Answered) => boolean = () => true) =>
  tally.served.filter(kind).map(({ tookMs }) => tookMs);
const browses = ({ kind }: Answered) => kind !== "buy";
const buys = ({ kind }: Answered) => kind === "buy";
function row(tally: Tally, peak: Tally): Record<string, string | number> {
  const perSecond = (count: number) => Math.round(count / (PHASE_MS / 1000));
  const count = (kind?: typeof buys) => {
    const [served, best] = [latenciesOf(tally, kind).length, latenciesOf(peak, kind).length];
    return `${perSecond(served)} = ${(served / best).toFixed(2)}`;
  };
  const quantiles = (kind: typeof buys) =>
    [0.5, 0.99].map((share) => at(latenciesOf(tally, kind), share).toFixed(0)).join(" / ");
  const { 429: many = 0, 503: unavailable = 0, ...others } = tally.refused;
  return {
    "offered/s": perSecond(tally.offered),
    "served/s, to peak": count(),
    browsed: count(browses),
    bought: count(buys),
    "429/s": perSecond(many),
    "503/s": perSecond(unavailable),
    "too late/s": perSecond(tally.tooLate),
    ...(Object.keys(others).length ? { others: JSON.stringify(others) } : {}),
    "browse p50 / p99 ms": quantiles(browses),
    "buy p50 / p99 ms": quantiles(buys),
    "of its core %": Math.round((tally.cpu / (PHASE_MS / 1000)) * 100),
    MB: Math.round(tally.memory),
  };
}

const QUARTER_MS = 250;
/** When the last quarter of a second was over in which most were not answered, or not as fast as is `usual`. */
function normalAfterMs(tally: Tally, usual: Tally): number {
  const fast = 2 * at(latenciesOf(usual), 0.9);
  const quarters = Map.groupBy(
    tally.served.filter(({ tookMs }) => tookMs <= fast),
    (one) => Math.floor(one.at / QUARTER_MS),
  );
  const expected = tally.offered / (PHASE_MS / QUARTER_MS);
  const isBad = (_: unknown, n: number) => (quarters.get(n)?.length ?? 0) < expected / 2;
  return (Array.from({ length: PHASE_MS / QUARTER_MS }).findLastIndex(isBad) + 1) * QUARTER_MS;
}

const pinned = availableParallelism() > 1;
if (pinned) execFileSync("taskset", ["-cp", "1", String(process.pid)], { stdio: "ignore" });
const profile = process.env.PROFILE ? ["--cpu-prof", `--cpu-prof-dir=${process.env.PROFILE}`] : [];
const command = [...(pinned ? ["taskset", "-c", "0"] : []), process.execPath, ...profile, ...asStarted];
const account = { ADMIN_EMAIL: "admin@lonja.local", ADMIN_PASSWORD: "bench bench bench" };
const env = { PORT: String(port), DATA_DIR: dataDir, DEMO: "off", RATE_LIMIT: "off", LOG_LEVEL: "error", ...account };
const shop = spawn(command[0] ?? "", command.slice(1), {
  env: { ...process.env, ...env },
  stdio: ["ignore", "inherit", "inherit"],
});

try {
  const isOpen = (status: number) => status === 200;
  await until(
    () =>
      new Client(url).get("/health/ready").then(
        ({ status }) => status,
        () => 0,
      ),
    isOpen,
    1_000,
  );
  const admin = await new Client(url).login(account.ADMIN_EMAIL, account.ADMIN_PASSWORD);
  for (const [n, sku] of skus.entries()) {
    const variants = [{ sku, price: { amount: 1900, currency: "EUR" } }];
    await admin.post("/v1/admin/products", { title: `Product ${n}`, status: "active", variants });
    await admin.post(`/v1/admin/inventory/${sku}/adjustments`, { delta: 1_000_000, reason: "bench" });
  }

  await atPeak();
  const peak = await atPeak();
  const rate = peak.served.length / (PHASE_MS / 1000);
  const phases = new Map([["peak", peak]]);
  for (const times of wanted.split(",").map(Number)) {
    await settled();
    phases.set(`${times}x`, await arriving(rate * times));
  }
  // At once, while those before are still inside.
  const after = await arriving(rate / 2);
  phases.set("then 0.5x", after);
  await settled();
  console.table(Object.fromEntries([...phases].map(([name, tally]) => [name, row(tally, peak)])));
  console.log(`as fast as at first ${normalAfterMs(after, phases.get("0.5x") ?? after)} ms after the flood`);
} finally {
  for (const socket of [...idle, ...asking.keys()]) socket.destroy();
  shop.kill("SIGTERM");
  await once(shop, "exit");
  rmSync(dataDir, { recursive: true, force: true });
}
