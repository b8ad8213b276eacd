import { connect, type Socket } from "node:net";
import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { openShop } from "../shop.ts";

const LISTENERS = 2_000;

/** Reads and keeps no more than it has to. */
class Ear {
  readonly socket: Socket;
  isOpen = false;
  isGone = false;
  ids: string[] = [];
  #text = "";

  constructor(port: number, path: string, token: string) {
    this.socket = connect(port, "127.0.0.1").setEncoding("latin1");
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    this.socket.on("data", (text: unknown) => this.#hear(String(text)));
    this.socket.on("error", () => {}).on("close", () => void (this.isGone = true));
  }

  #hear(text: string): void {
    const lines = (this.#text + text).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("retry: ")) this.isOpen = true;
      if (line.startsWith("id: ")) this.ids.push(line.slice(4));
    }
  }
}

test("two thousand listen at one gateway: each hears everything, and the shop goes on selling", async () => {
  const shop = await openShop({ env: { DOCTOR_EVERY_MINUTES: "0" } });
  const admin = await adminOf(shop.url);
  await stockMugs(admin, 100);
  const guest = new Client(shop.url);
  const { accessToken } = (
    await guest.post("/v1/auth/login", { email: "admin@lonja.test", password: "correct horse battery" })
  ).body;
  const memory = () => Math.round(process.memoryUsage().rss / 1e6);
  const before = memory();

  const ears: Ear[] = [];
  const port = Number(new URL(shop.url).port);
  while (ears.length < LISTENERS) {
    for (let n = 0; n < 100; n++) ears.push(new Ear(port, "/v1/admin/events/stream", accessToken));
    await until(
      async () => ears.every(({ isOpen }) => isOpen),
      (all) => all,
      1_000,
    );
  }
  expect((await admin.get("/metrics")).text).toContain(`lonja_streams_open ${LISTENERS}`);

  for (let n = 0; n < 10; n++) expect((await guest.buy(anOrder())).status).toBe(201);
  const fewest = () => Math.min(...ears.map(({ ids }) => ids.length));
  await until(
    async () => fewest(),
    (heard) => heard >= 30,
    1_000,
  );
  const { cursors } = await admin.read<{ cursors: string[] }>("/v1/admin/events?limit=100&cursors=true");
  expect(cursors).toHaveLength(30);
  expect(ears.filter(({ ids }) => ids.join() !== cursors.join())).toHaveLength(0);
  expect(ears.filter(({ isGone }) => isGone)).toHaveLength(0);

  const grown = memory() - before;
  process.stdout.write(`${LISTENERS} listeners: ${grown} MB more, both ends of each connection counted\n`);
  expect(grown).toBeLessThan(400);
  for (const { socket } of ears) socket.destroy();
  await until(
    () => admin.get("/metrics"),
    ({ text }) => text.includes("lonja_streams_open 0"),
  );
  await shop.close();
});
