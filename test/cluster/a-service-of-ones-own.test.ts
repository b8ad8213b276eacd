import "../with-reviews.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NodeProcess } from "../../cluster/process.ts";
import { adminOf, anOrder, Client, stockMugs, until } from "../client.ts";
import { everyService } from "../cluster.ts";
import { freePort } from "../servers/server.ts";

describe("a service of one's own, on a node beside the shop", () => {
  const folder = mkdtempSync(join(tmpdir(), "lonja-extension-"));
  const nodes: NodeProcess[] = [];
  const said: string[] = [];
  let env: Record<string, string>;
  let url: string;

  const node = async (name: string, more: Record<string, string>) => {
    const made = new NodeProcess(name, { ...env, ...more }, (line) => void said.push(`${name}: ${line}`));
    nodes.push(made);
    if (!(await made.opened)) throw new Error(`${name} did not open:\n${said.join("\n")}`);
    return made;
  };
  const withReviews = () => node("reviews", { SERVICES: "reviews", REVIEWS_STORE: "sqlite:reviews.db" });

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    env = {
      PATH: process.env.PATH ?? "",
      EXTENSIONS: "examples/reviews",
      TRANSPORTER: `tcp://127.0.0.1:${await freePort()},127.0.0.1:${await freePort()}`,
      BUS_SECRET: "a secret that only these nodes know",
      NAMESPACE: `test-extension-${process.pid}`,
      PORT: String(port),
      DATA_DIR: folder,
      DEMO: "off",
      ADMISSION: "off",
      LOG_FORMAT: "json",
      ADMIN_EMAIL: "admin@lonja.test",
      ADMIN_PASSWORD: "correct horse battery",
    };
    const ours = everyService.filter((name) => name !== ("reviews" as string));
    await Promise.all([node("shop", { SERVICES: ours.join(",") }), withReviews()]);
    await until(
      () => fetch(`${url}/health/ready`).then(({ status }) => status),
      (status) => status === 200,
      1_000,
    );
    await stockMugs(await adminOf(url), 10);
  });
  afterAll(async () => {
    await Promise.all(nodes.map((one) => one.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  test("what it has to hear waits for it while it is dead", async () => {
    const eva = { email: "eva@example.com", password: "seven salty sardines", name: "Eva" };
    await new Client(url).post("/v1/auth/register", eva);
    const buyer = await new Client(url).login(eva.email, eva.password);
    const { body: product } = await buyer.get("/v1/products/a-mug");
    const review = () => buyer.post(`/v1/products/${product.id}/reviews`, { rating: 5 });
    expect((await review()).status).toBe(403);

    await nodes.find(({ name }) => name === "reviews")?.kill();
    const bought = await buyer.buy(anOrder("tok_visa", 1, "MUG", eva.email));
    expect(bought.body.status).toBe("confirmed");
    const away = await until(review, ({ status }) => status === 503);
    expect(away.body.code).toBe("unavailable");

    await withReviews();
    const made = await until(review, ({ status }) => status === 201, 1_000);
    expect(made.body).toMatchObject({ author: "Eva", rating: 5 });
    expect(said.filter((line) => /EXTENSIONS/.test(line))).toEqual([]);
  });

  test("a node that was not told of it is noticed by all that meet it", async () => {
    await node("forgotten", {
      EXTENSIONS: "",
      SERVICES: "users",
      USERS_STORE: "sqlite:other-users.db",
      NODE_ID: "forgotten",
    });
    const complaints = () => said.filter((line) => /EXTENSIONS differ/.test(line));
    await until(
      async () => complaints(),
      (lines) => lines.length >= 4,
    );

    expect(
      complaints().filter((line) => /^(shop|reviews): .*knows reviews, and forgotten knows none/.test(line)),
    ).toHaveLength(2);
    expect(complaints().filter((line) => /^forgotten: .*knows none, and \S+ knows reviews/.test(line))).toHaveLength(2);
  });
});
