import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Client, until } from "../client.ts";
import { program } from "../servers/server.ts";
import { openShop, type Shop } from "../shop.ts";

const run = promisify(execFile);

/** No server of the shop's: where it is not installed this is left out, also where all servers are asked for. */
function installed(): string | undefined {
  try {
    const places = [process.env.LONJA_OPENAPI_PYTHON_CLIENT ?? "", "openapi-python-client"].filter(Boolean);
    return program("openapi-python-client", "pip install openapi-python-client", ...places);
  } catch (error) {
    process.stderr.write(`\n!!! ${(error as Error).message}\n`);
    return undefined;
  }
}

const generator = installed();

(generator ? describe : describe.skip)("a client in Python", () => {
  let shop: Shop;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "lonja-python-"));
    shop = await openShop({ env: { DEMO: "on" } });
    await until(
      () => new Client(shop.url).get("/v1/inventory/MUG-SALT"),
      ({ status }) => status === 200,
    );
  });
  afterAll(async () => {
    await shop.close();
    rmSync(folder, { recursive: true });
  });

  test("is made from the description without a warning, and buys as the page about clients shows", async () => {
    const config = join(process.cwd(), "sdk/python.yaml");
    const made = await run(generator ?? "", [
      ...["generate", "--url", `${shop.url}/openapi.json`, "--config", config, "--fail-on-warning"],
      ...["--meta", "none", "--output-path", join(folder, "lonja_client")],
    ]);
    const [, program = ""] = /```python\n([\s\S]*?)```/.exec(readFileSync("docs/client.md", "utf8")) ?? [];
    writeFileSync(join(folder, "buy.py"), program);
    const bought = await run(join(dirname(generator ?? ""), "python3"), [join(folder, "buy.py"), shop.url]);

    expect(`${made.stdout}${made.stderr}`).not.toMatch(/warning/i);
    expect(bought.stdout).toMatch(/^confirmed [A-Z0-9-]+\n$/);
  });
});
