import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { address, Client } from "../test/client.ts";

/**
 * Buyers that go on buying from a shop that runs elsewhere, while somebody scales it, kills parts of it or starts
 * its servers anew. Each second it says how many bought and how many were not served; a buyer who was not served
 * asks again with the same key, as clients should. At the end what buyers were told is compared with the books.
 *
 *   ADMIN_PASSWORD=… node bench/rush.ts [url=http://127.0.0.1:3000] [seconds=60] [buyers=16] [perSecond=100]
 */
const [url = "http://127.0.0.1:3000", seconds = "60", crowd = "16", perSecond = "100"] = process.argv.slice(2);
const { ADMIN_EMAIL = "admin@lonja.local", ADMIN_PASSWORD = "" } = process.env;
const LONGEST_ANSWER_MS = 15_000;
const ASK_AGAIN_MS = 250;
const GIVE_UP_MS = 60_000;
const STOCK = 1_000_000;
const { hostname, port } = new URL(url);
const agent = new Agent({ keepAlive: true, maxSockets: Number(crowd) });
const run = Date.now().toString(36);
const email = `rush-${run}@example.com`;
const skus = Array.from({ length: 8 }, (_, n) => `RUSH-${run}-${n}`.toUpperCase());

interface Answer {
  outcome: number | string;
  body: string;
}
const buy = (key: string, sku: string): Promise<Answer> =>
  new Promise((resolve) => {
    const order = { email, lines: [{ sku, quantity: 1 }], shippingAddress: address, payment: { token: "tok_visa" } };
    const text = JSON.stringify(order);
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
      "idempotency-key": key,
    };
    const failed = (error: Error & { code?: string }) => resolve({ outcome: error.code ?? error.message, body: "" });
    const sent = request(
      { agent, hostname, port, method: "POST", path: "/v1/orders", headers, timeout: LONGEST_ANSWER_MS },
      (answer) => {
        let body = "";
        answer.on("data", (part) => (body += part));
        answer.on("error", failed).on("end", () => resolve({ outcome: answer.statusCode ?? 0, body }));
      },
    );
    sent.on("timeout", () => sent.destroy(Object.assign(new Error("no answer"), { code: "NO_ANSWER" })));
    sent.on("error", failed).end(text);
  });

const isServed = ({ outcome }: Answer) => outcome === 201 || outcome === 202;
const bought = new Set<string>();
const notServed: Record<string, number> = {};
const givenUp: string[] = [];
const latencies: number[] = [];
let [second, tries, failures] = [0, 0, 0];

async function buyer(number: number, until: number): Promise<void> {
  const everyMs = (1000 * Number(crowd)) / Number(perSecond);
  for (let n = 0; Date.now() < until; n++) {
    const [key, sku] = [`${run}-${number}-${n}`, skus[n % skus.length] ?? ""];
    const since = Date.now();
    let answer = await buy(key, sku);
    tries++;
    while (!isServed(answer) && Date.now() - since < GIVE_UP_MS) {
      failures++;
      const code = /"code":"(\w+)"/.exec(answer.body)?.[1];
      const name = code ? `${answer.outcome} ${code}` : String(answer.outcome);
      notServed[name] = (notServed[name] ?? 0) + 1;
      await pause(ASK_AGAIN_MS);
      answer = await buy(key, sku);
    }
    latencies.push(Date.now() - since);
    if (isServed(answer)) bought.add(JSON.parse(answer.body).id);
    else givenUp.push(key);
    second++;
    await pause(Math.max(0, since + everyMs - Date.now()));
  }
}

const admin = await new Client(url).login(ADMIN_EMAIL, ADMIN_PASSWORD);
const variants = skus.map((sku) => ({ sku, options: { Kind: sku }, price: { amount: 1900, currency: "EUR" } }));
const options = [{ name: "Kind", values: skus }];
const made = await admin.post("/v1/admin/products", { title: `Rush ${run}`, status: "active", options, variants });
if (made.status !== 201) throw new Error(made.text);
for (const sku of skus) await admin.post(`/v1/admin/inventory/${sku}/adjustments`, { delta: STOCK, reason: "rush" });

const clock = setInterval(() => {
  if (failures || !process.env.QUIET)
    console.log(
      `${new Date().toISOString().slice(11, 19)} ${String(second).padStart(4)} bought, ${failures} not served`,
    );
  [second, failures] = [0, 0];
}, 1000);
const end = Date.now() + Number(seconds) * 1000;
await Promise.all(Array.from({ length: Number(crowd) }, (_, number) => buyer(number, end)));
clearInterval(clock);
agent.destroy();

async function all<T>(path: string): Promise<T[]> {
  const found: T[] = [];
  for (let cursor = ""; ; ) {
    const { body, status, text } = await admin.get(`${path}?limit=100${cursor}`);
    if (status === 503) {
      await pause(ASK_AGAIN_MS);
      continue;
    }
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    found.push(...body.data);
    if (!body.nextCursor) return found;
    cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`;
  }
}

/** What the books say, once nothing is under way any more. */
async function books() {
  const orders = (
    await all<{ id: string; email: string; status: string; paymentStatus: string }>("/v1/admin/orders")
  ).filter((order) => order.email === email);
  const levels = await Promise.all(skus.map((sku) => admin.get(`/v1/admin/inventory/${sku}`)));
  const onHand = levels.reduce((sum, { body }) => sum + body.onHand, 0);
  const held = levels.reduce((sum, { body }) => sum + body.held, 0);
  const invoices = (await all<{ orderId: string }>("/v1/admin/invoices")).map(({ orderId }) => orderId);
  const confirmed = orders.filter((o) => o.status === "confirmed" && o.paymentStatus === "captured");
  const ids = new Set(confirmed.map(({ id }) => id));
  const invoiced = invoices.filter((id) => ids.has(id));
  return {
    "told so and not confirmed": [...bought].filter((id) => !ids.has(id)).length,
    "confirmed and told to nobody": [...ids].filter((id) => !bought.has(id)).length,
    "orders neither confirmed nor over": orders.filter((o) => /pending|requires/.test(o.status)).length,
    "units sold less orders": skus.length * STOCK - onHand - ids.size,
    "units still held": held,
    "orders without an invoice": ids.size - new Set(invoiced).size,
    "orders with two": invoiced.length - new Set(invoiced).size,
  };
}

let wrong = await books();
for (let n = 0; n < 30 && Object.values(wrong).some((count) => count !== 0); n++) {
  await pause(1000);
  wrong = await books();
}
latencies.sort((a, b) => a - b);
const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
console.log(
  `${bought.size} orders of ${tries} purchases; p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, slowest ${at(0.9999)} ms`,
);
console.log("not served, and asked again:", notServed, "given up:", givenUp.length);
console.table(wrong);
process.exit(givenUp.length || Object.values(wrong).some((count) => count !== 0) ? 1 : 0);
