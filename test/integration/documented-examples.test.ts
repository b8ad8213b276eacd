import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, until } from "../client.ts";
import { settingsOf, stepsOf, strayed, tryOut } from "../documented.ts";
import { startShop } from "../process.ts";
import { describeWith, freePort, program } from "../servers/server.ts";

const pages = ["README.md", ...globSync("docs/**/*.md")].toSorted();
const tried = pages.filter((path) => stepsOf(readFileSync(path, "utf8")).length > 0);
const ADMIN = { ADMIN_EMAIL: "admin@lonja.local", ADMIN_PASSWORD: "correct horse battery" };

test.each(pages)("what %s shows of a file is in that file", (path) => {
  expect(strayed(readFileSync(path, "utf8"))).toEqual([]);
});

test("the guides have examples that are tried out", () => {
  const guides = globSync("docs/guides/*.md");

  expect(guides.length).toBeGreaterThan(4);
  expect(guides.filter((path) => !tried.includes(path))).toEqual([]);
});

const needs = (name: string) => () => program(name, `apt-get install ${name}`, name);
describeWith([needs("bash"), needs("curl"), needs("jq")], "the examples of", () => {
  test.each(tried)("%s do what the page says", async (path) => {
    const dataDir = mkdtempSync(join(tmpdir(), "lonja-documented-"));
    const receiver = String(await freePort());
    const page = readFileSync(path, "utf8").replace(/\b4000\b/g, receiver);
    const shop = await startShop(dataDir, { ...ADMIN, DEMO: "on", ADMISSION: "off", ...settingsOf(page) });
    try {
      await until(
        () => new Client(shop.url).get("/v1/inventory/MUG-SALT"),
        ({ status }) => status === 200,
      );
      const here = page.replaceAll("http://127.0.0.1:3000", shop.url);

      expect(await tryOut(here, { PATH: process.env.PATH, ...ADMIN })).toEqual([]);
    } finally {
      await shop.stop();
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
