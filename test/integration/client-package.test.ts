import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { jest } from "@jest/globals";
import { build } from "esbuild";
import { adminOf, Client, stockMugs, until } from "../client.ts";
import { openShop } from "../shop.ts";

jest.setTimeout(180_000);

const root = process.cwd();
const compiler = join(root, "node_modules/typescript/bin/tsc");

const storefront = `
import { isRefusal, Lonja } from "@lonja/client";

export async function visit(url) {
  const shop = new Lonja({ url });
  const found = [];
  for await (const { id } of shop.products.list({ q: "mug" })) found.push(await shop.products.get(id));
  await shop.auth.login({ email: "eva@example.com", password: "seven salty sardines" });
  try {
    const order = await shop.orders.place(globalThis.order);
    for await (const entry of shop.orders.stream(order.id)) if (entry.type === "confirmed") return found;
  } catch (error) {
    if (isRefusal(error, "insufficient_stock")) return error.errors[0].available;
    throw error;
  }
}
`;

const program = `
import { isRefusal, type List, Lonja, type Order, type Product, type RefusalCode, type SessionStore } from "@lonja/client";
import { admin, type Office } from "@lonja/client/admin";

const store: SessionStore = { get: () => undefined, set: () => {} };
export const shop = new Lonja({ url: "http://127.0.0.1", session: store });
export const office: Office = admin(shop);

export async function buy(sku: string): Promise<Order | RefusalCode | undefined> {
  const products: List<Product> = shop.products.list({ q: sku });
  for await (const { variants } of products) if (!variants.some((one) => one.sku === sku)) return undefined;
  const address = { name: "Ada", line1: "1 Quay", city: "Vigo", postalCode: "36201", country: "ES" };
  try {
    return await shop.orders.place({
      email: "ada@example.com",
      lines: [{ sku, quantity: 1 }],
      shippingAddress: address,
      payment: { token: "tok_visa" },
    });
  } catch (error) {
    return isRefusal(error) ? error.code : undefined;
  }
}

export async function restock(sku: string, delta: number): Promise<number> {
  const { onHand } = await office.inventory.adjust(sku, { delta, reason: "delivery" });
  return onHand;
}
`;

describe("the package of the client", () => {
  let folder: string;
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder });
    return { status, said: `${stdout}${stderr}` };
  };
  const written = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  /** Only what would be published is there, in a project of its own. */
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "lonja-client-"));
    const home = join(folder, "node_modules/@lonja/client");
    mkdirSync(home, { recursive: true });
    cpSync(join(root, "sdk/package.json"), join(home, "package.json"));
    written("package.json", JSON.stringify({ type: "module" }));
    expect(run(compiler, "-p", join(root, "sdk"), "--outDir", join(home, "dist"))).toEqual({ status: 0, said: "" });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const libraries = ["es2022", "es2022,dom"];
  const resolutions = [
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ];
  test.each(libraries.flatMap((lib) => resolutions.map(([module = "", how = ""]) => ({ lib, module, how }))))(
    "type-checks in a fresh project, strictly, with $lib and $how",
    ({ lib, module, how }) => {
      const path = written("program.ts", program);
      const options = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noEmit"];
      const asked = ["--lib", lib, "--module", module, "--moduleResolution", how, "--types", "", "--target", "es2022"];

      expect(run(compiler, ...options, ...asked, path)).toEqual({ status: 0, said: "" });
    },
  );

  test("and what is wrong there does not", () => {
    const path = written("wrong.ts", program.replace("quantity: 1", 'quantity: "one"'));
    const { status, said } = run(compiler, "--strict", "--noEmit", "--module", "nodenext", "--types", "", path);

    expect(status).not.toBe(0);
    expect(said).toMatch(/quantity|not assignable/);
  });

  test("runs as it is: it buys", async () => {
    const shop = await openShop();
    await stockMugs(await adminOf(shop.url), 3);
    const path = written(
      "buys.js",
      `import { Lonja } from "@lonja/client";
      const shop = new Lonja({ url: process.argv[2] });
      const address = { name: "Ada", line1: "1 Quay", city: "Vigo", postalCode: "36201", country: "ES" };
      const lines = [{ sku: "MUG", quantity: 1 }];
      const wish = { email: "ada@example.com", lines, shippingAddress: address, payment: { token: "tok_visa" } };
      console.log((await shop.orders.place(wish)).status);`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [path, shop.url]);
    await shop.close();

    expect(stdout).toBe("confirmed\n");
  });

  test("does what its page shows", async () => {
    const shop = await openShop({ env: { DEMO: "on" } });
    const blocks = [...readFileSync(join(root, "docs/client.md"), "utf8").matchAll(/```ts client\n([\s\S]*?)```/g)];
    const page = blocks.map(([, block]) => block).join("\n");
    const here = page
      .replace("http://127.0.0.1:3000", shop.url)
      .replace("admin@lonja.local", "admin@lonja.test")
      .replace("as the first start has said", "correct horse battery");
    const path = written("page.ts", here);
    await until(
      () => new Client(shop.url).get("/v1/inventory/MUG-SALT"),
      ({ status }) => status === 200,
    );
    const checked = run(
      compiler,
      "--strict",
      "--noEmit",
      "--module",
      "nodenext",
      "--target",
      "es2022",
      "--types",
      "",
      path,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [path]);
    await shop.close();

    expect(blocks.length).toBeGreaterThan(3);
    expect(checked).toEqual({ status: 0, said: "" });
    expect(stdout).toMatch(/^confirmed\n/);
    expect(stdout).toMatch(/Only \d+ are left\./);
  });

  async function bundled(text: string): Promise<string> {
    const { outputFiles } = await build({
      stdin: { contents: text, resolveDir: folder },
      ...{
        bundle: true,
        minify: true,
        write: false,
        logLevel: "silent",
        format: "esm",
        platform: "browser",
        target: "es2022",
      },
    } as const);
    return outputFiles[0]?.text ?? "";
  }

  test("a storefront that lists, reads, signs in, buys and follows its order is small", async () => {
    const text = await bundled(storefront);
    const bytes = gzipSync(text, { level: 9 }).length;
    console.info(`The storefront's bundle: ${text.length} bytes, ${bytes} compressed.`);

    expect(bytes).toBeLessThan(12_000);
  });

  test("what is not used is not in it", async () => {
    expect(await bundled(storefront)).not.toContain("/v1/admin");
    expect(
      (await bundled('import { isRefusal } from "@lonja/client"; globalThis.isIt = isRefusal;')).length,
    ).toBeLessThan(300);
    expect(await bundled('import "@lonja/client";')).toBe("");
  });

  test("needs no other package", () => {
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, "sdk/package.json"), "utf8"));

    expect([dependencies, peerDependencies]).toEqual([undefined, undefined]);
  });
});
