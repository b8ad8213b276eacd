import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * What a node consists of, as CycloneDX lists it. npm takes what production and development both need for the one or the
 * other, so it is shown a package that has no development.
 */
const read = (file: string) => JSON.parse(readFileSync(file, "utf8"));
const { devDependencies: _, ...own } = read("package.json");
const lock = read("package-lock.json");
const { devDependencies: __, ...root } = lock.packages[""];
const others = Object.entries<{ dev?: boolean; devOptional?: boolean }>(lock.packages).filter(
  ([path, { dev, devOptional }]) => path !== "" && !dev && !devOptional,
);

const place = mkdtempSync(join(tmpdir(), "lonja-sbom-"));
// npm calls what it lists after its folder.
const folder = join(place, own.name);
mkdirSync(folder);
const write = (file: string, content: object) => writeFileSync(join(folder, file), JSON.stringify(content));
try {
  write("package.json", own);
  write("package-lock.json", { ...lock, packages: { "": root, ...Object.fromEntries(others) } });
  const asked = ["sbom", "--package-lock-only", "--sbom-format=cyclonedx"];
  process.stdout.write(execFileSync("npm", asked, { cwd: folder, maxBuffer: 2 ** 26 }));
} finally {
  rmSync(place, { recursive: true });
}
