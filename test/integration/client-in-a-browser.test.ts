import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { build } from "esbuild";
import { adminOf, anOrder, Client, stockMugs } from "../client.ts";
import { blocksOf } from "../documented.ts";
import { describeWith, newFolder, program, removeFolder } from "../servers/server.ts";
import { openShop, type Shop } from "../shop.ts";

/** An example of a page of the documentation. */
function example(path: string, has: string): string {
  const block = blocksOf(readFileSync(path, "utf8")).find(({ text }) => text.includes(has));
  if (!block) throw new Error(`${path} has no ${has}`);
  return block.text;
}

/** What a visitor's browser does. It says what came of it in the page. */
const page = (visit: string) => `
import { isRefusal, Lonja, type SessionStore } from "./sdk/src/index.ts";

const say = (text) => document.body.append(Object.assign(document.createElement("p"), { textContent: text }));

async function visit() {
${visit}
}
visit().then(() => say("over"), (error) => say("failed: " + error));
`;

const purchase = (shopUrl: string) => `
  const shop = new Lonja({ url: "${shopUrl}" });
  for await (const { title } of shop.products.list({ limit: 1 })) say(title);
  await shop.auth.register({ email: "eva@lonja.test", password: "seven salty sardines" });
  const address = { name: "Eva", line1: "1 Quay", city: "Vigo", postalCode: "36201", country: "ES" };
  const wish = (quantity) => ({
    email: "eva@lonja.test",
    lines: [{ sku: "MUG", quantity }],
    shippingAddress: address,
    payment: { token: "tok_visa" },
  });
  const { id, customerId } = await shop.orders.place(wish(1));
  say(customerId === (await shop.me.get()).id ? "bought by herself" : "bought by somebody");
  for await (const { type } of shop.orders.stream(id, { lastEventId: "t1" })) {
    say(type);
    if (type === "confirmed") break;
  }
  const error = await shop.orders.place(wish(9)).catch((error) => error);
  say(isRefusal(error, "insufficient_stock") ? "only " + error.errors[0].available : String(error));
  await shop.auth.logout();
`;

/** As a window that is opened again finds them. */
const keptTokens = (shopUrl: string) => `
  const url = "${shopUrl}";
  const open = () => {
    ${example("docs/client.md", "const session")}
    return shop;
  };
  await open().auth.register({ email: "ona@lonja.test", password: "seven salty sardines" });
  say((await open().me.get()).email);
  await open().auth.logout();
  say(localStorage.getItem("lonja"));
`;

/** The page is of another place than the shop: a base makes the example's path one of the shop. */
const followed = (shopUrl: string, { id, guestToken }: { id: string; guestToken: string }) => `
  document.head.append(Object.assign(document.createElement("base"), { href: "${shopUrl}" }));
  const [id, guestToken] = ["${id}", "${guestToken}"];
  await new Promise((over) => {
    const showReceipt = () => say("a receipt");
    const showWhy = (detail) => over(say(detail), stream.close());
    ${example("docs/live.md", "new EventSource")}
  });
`;

const needsChromium = () =>
  program("chromium", "apt-get install chromium", "chromium", "chromium-browser", "google-chrome");

describeWith([needsChromium], "the client, in a browser", () => {
  let shop: Shop;
  let site: Server;
  let profile: string;
  let script: string;

  beforeAll(async () => {
    script = "";
    site = createServer((_request, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end(`<body><script>${script}</script>`),
    ).listen(0, "127.0.0.1");
    await once(site, "listening");
    profile = await newFolder("browser");
    shop = await openShop({ env: { CORS_ORIGINS: addressOf(site) } });
    await stockMugs(await adminOf(shop.url), 3);
  });
  afterAll(async () => {
    await shop.close();
    site.close();
    site.closeAllConnections();
    await removeFolder(profile);
  });

  const addressOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  /** What a browser has on its page in the end. */
  async function seen(visit: string): Promise<(string | undefined)[]> {
    const { outputFiles } = await build({
      stdin: { contents: page(visit), resolveDir: process.cwd(), loader: "ts" },
      ...({ bundle: true, write: false, format: "iife", target: "es2022" } as const),
    });
    script = outputFiles[0]?.text ?? "";
    const asked = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000", "--dump-dom"];
    const { stdout } = await promisify(execFile)(needsChromium(), [
      ...asked,
      `--user-data-dir=${profile}`,
      addressOf(site),
    ]);
    return [...stdout.matchAll(/<p>(.*?)<\/p>/g)].map(([, text]) => text);
  }

  test("reads, signs in, buys and follows its order in a shop at another address", async () => {
    expect(await seen(purchase(shop.url))).toEqual([
      "A mug",
      "bought by herself",
      ...["stock_held", "payment_authorized", "stock_taken", "payment_captured", "confirmed"],
      "only 2",
      "over",
    ]);
  });

  test("finds the tokens again that a store of the page's own keeps, as the page on the client has it", async () => {
    expect(await seen(keptTokens(shop.url))).toEqual(["ona@lonja.test", "null", "over"]);
  });

  test("has an event source for what becomes of an order, as the page on live updates has it", async () => {
    const { body: order } = await new Client(shop.url).buy(anOrder());
    const guest = new Client(shop.url, { "x-guest-token": order.guestToken });
    const canceled = await guest.post(`/v1/orders/${order.id}/cancel`, { reason: "bought twice" });

    expect(canceled.status).toBe(200);
    expect(await seen(followed(shop.url, order))).toEqual(["a receipt", "bought twice", "over"]);
  });
});
