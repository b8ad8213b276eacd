import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

/**
 * How many complete guest purchases a second one core sustains: the whole shop on one core with its
 * store on the disk, the buyers on another. What was answered is compared with what is stored.
 *
 *   npm run bench:purchases -- [buyers=32] [seconds=10] [rounds=3] [products=32]
 */
const [buyers = 32, seconds = 10, rounds = 3, products = 32] = process.argv.slice(2).map(Number);
const port = 3900 + (process.pid % 90);
const dataDir = mkdtempSync(join(tmpdir(), "lonja-bench-"));
const agent = new Agent({ keepAlive: true, maxSockets: buyers });
const admin = { email: "admin@lonja.local", password: "bench bench bench" };

interface Answer {
  status: number;
  text: string;
}

function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const text = body === undefined ? "" : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        agent,
        port,
        host: "127.0.0.1",
        method,
        path,
        headers: {
          ...(text ? { "content-type": "application/json", "content-length": Buffer.byteLength(text) } : {}),
          ...headers,
        },
      },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
      },
    );
    sent.on("error", reject);
    sent.end(text);
  });
}

async function ready(): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const health = await send("GET", "/health/ready").catch(() => undefined);
    if (health?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the shop did not become ready");
}

async function figures(): Promise<Record<string, number>> {
  const { text } = await send("GET", "/metrics");
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
  return {
    writes: value("lonja_store_writes_total"),
    commits: value("lonja_store_commits_total"),
    calls: value("lonja_calls_total"),
    cpu: value("process_cpu_seconds_total"),
    user: value("process_cpu_user_seconds_total"),
    memory: value("process_resident_memory_bytes"),
  };
}

const skus = Array.from({ length: products }, (_, n) => `BENCH-${n}`);
const orderOf = (sku: string | undefined) => ({
  email: "bench@example.com",
  lines: [{ sku, quantity: 1 }],
  shippingAddress: { name: "Bench", line1: "1 Quay", city: "Vigo", postalCode: "36201", country: "ES" },
  payment: { token: "tok_visa" },
});
let key = 0;
const buy = () =>
  send("POST", "/v1/orders", orderOf(skus[key % products]), { "idempotency-key": `bench-${process.pid}-${key++}` });

async function round(ms: number): Promise<{ orders: number; latencies: number[]; seconds: number }> {
  const start = performance.now();
  const latencies: number[] = [];
  const buyer = async () => {
    while (performance.now() - start < ms) {
      const from = performance.now();
      const { status, text } = await buy();
      if (status !== 201) throw new Error(`a purchase was answered ${status}: ${text.slice(0, 300)}`);
      latencies.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: buyers }, buyer));
  return { orders: latencies.length, latencies, seconds: (performance.now() - start) / 1000 };
}

const pinned = availableParallelism() > 1;
if (pinned) execFileSync("taskset", ["-cp", "1", String(process.pid)], { stdio: "ignore" });
const profile = process.env.PROFILE ? ["--cpu-prof", `--cpu-prof-dir=${process.env.PROFILE}`] : [];
const command = [...(pinned ? ["taskset", "-c", "0"] : []), process.execPath, ...profile, "lonja.ts"];
const shop = spawn(command[0] ?? "", command.slice(1), {
  env: {
    ...process.env,
    PORT: String(port),
    DATA_DIR: dataDir,
    DEMO: "off",
    RATE_LIMIT: "off",
    LOG_LEVEL: "warn",
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
  },
  stdio: ["ignore", "inherit", "inherit"],
});

try {
  await ready();
  const { accessToken } = JSON.parse((await send("POST", "/v1/auth/login", admin)).text);
  const authorization = `Bearer ${accessToken}`;
  const variants = skus.map((sku) => ({ sku, options: { Kind: sku }, price: { amount: 1900, currency: "EUR" } }));
  const options = [{ name: "Kind", values: skus }];
  const made = await send(
    "POST",
    "/v1/admin/products",
    { title: "Bench", status: "active", options, variants },
    { authorization },
  );
  if (made.status !== 201) throw new Error(made.text);
  for (const sku of skus)
    await send(
      "POST",
      `/v1/admin/inventory/${sku}/adjustments`,
      { delta: 10_000_000, reason: "bench" },
      { authorization },
    );
  const onHand = async () => {
    const levels = skus.map((sku) => send("GET", `/v1/admin/inventory/${sku}`, undefined, { authorization }));
    return (await Promise.all(levels)).reduce((sum, { text }) => sum + JSON.parse(text).onHand, 0);
  };

  await round(2_000);
  console.log(
    `${buyers} buyers, ${rounds} rounds of ${seconds} s, the shop on ${pinned ? "one core, the buyers on another" : "the only core"}`,
  );
  console.log("orders/s   p50 ms   p99 ms   writes/order   commits/order   calls/order   cpu ms/order   MB");
  for (let n = 0; n < rounds; n++) {
    const [stockBefore, before] = [await onHand(), await figures()];
    const { orders, latencies, seconds: took } = await round(seconds * 1000);
    const [stockAfter, after] = [await onHand(), await figures()];
    if (stockBefore - stockAfter !== orders) throw new Error(`${orders} orders took ${stockBefore - stockAfter} units`);
    latencies.sort((a, b) => a - b);
    const per = (name: string, scale = 1) => ((((after[name] ?? 0) - (before[name] ?? 0)) / orders) * scale).toFixed(2);
    const at = (share: number) => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(1);
    const row = [
      (orders / took).toFixed(0),
      at(0.5),
      at(0.99),
      per("writes"),
      per("commits"),
      per("calls"),
      per("cpu", 1000),
      ((after.memory ?? 0) / 1e6).toFixed(0),
    ];
    console.log(row.map((cell, index) => cell.padEnd([11, 9, 9, 15, 16, 14, 15, 4][index] ?? 10)).join(""));
  }
} finally {
  agent.destroy();
  shop.kill("SIGTERM");
  await once(shop, "exit");
  rmSync(dataDir, { recursive: true, force: true });
}
