import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

interface Package {
  version: string;
  resolved?: string;
  integrity?: string;
  dev?: boolean;
  devOptional?: boolean;
  optional?: boolean;
  link?: boolean;
  hasInstallScript?: boolean;
}

interface Component {
  "bom-ref": string;
}

/**
 * How much of others' code a node may consist of. It is more than it should be: Moleculer's own modules, which the shop
 * is built on, bring most of it (docs/decisions/025). Whoever adds to it raises the number, and says why there.
 */
const MOST_DIRECT = 29;
const MOST_IN_ALL = 292;
/** What would run as it is installed, if images did not say `--ignore-scripts`. Neither has anything to do there. */
const knownScripts = ["@scarf/scarf", "es5-ext"];

const { dependencies, scarfSettings } = JSON.parse(readFileSync("package.json", "utf8"));
const lock: Record<string, Package> = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
const installed = Object.entries(lock).filter(([path]) => path !== "");
const nameOf = (path: string) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
const production = installed.filter(([, { dev, devOptional }]) => !dev && !devOptional);
const needed = production.filter(([, { optional }]) => !optional);

describe("what the shop depends on", () => {
  test("is what it was when it was chosen, and comes from where packages are published", () => {
    const isPlain = ({ integrity = "", resolved, link }: Package) =>
      // Not from a repository, a folder or an address of somebody's own: those would be named.
      /^sha512-[\w+/]{86}==$/.test(integrity) && resolved === undefined && !link;
    expect(installed.length).toBeGreaterThan(100);
    expect(installed.flatMap(([path, one]) => (isPlain(one) ? [] : [path]))).toEqual([]);
  });

  test("is one version each, and no range", () => {
    for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("is not more than was decided", () => {
    expect(Object.keys(dependencies).length).toBeLessThanOrEqual(MOST_DIRECT);
    expect(needed.length).toBeLessThanOrEqual(MOST_IN_ALL);
  });

  test("runs nothing as it is installed for production, and tells nobody of it", () => {
    const scripts = production.flatMap(([path, one]) => (one.hasInstallScript ? [nameOf(path)] : []));
    expect(scripts.toSorted()).toEqual(knownScripts);
    expect(readFileSync("Dockerfile", "utf8")).toMatch(/npm ci --omit=dev --ignore-scripts /);
    expect(scarfSettings).toEqual({ enabled: false });
  });

  test("can be listed for whoever asks what is in it", () => {
    const [command = "", ...args] = String(JSON.parse(readFileSync("package.json", "utf8")).scripts.sbom).split(" ");
    const { bomFormat, components } = JSON.parse(execFileSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 26 }));
    const listed = new Set((components as Component[]).map(({ "bom-ref": name }) => name.split("|").at(-1)));
    const isForTests = ([, { dev }]: [string, Package]) => dev === true;
    const forTests = installed.filter(isForTests).map(([path, { version }]) => `${nameOf(path)}@${version}`);
    const known = new Set(production.map(([path, { version }]) => `${nameOf(path)}@${version}`));
    expect(bomFormat).toBe("CycloneDX");
    expect(forTests.filter((one) => listed.has(one) && !known.has(one))).toEqual([]);
    expect(needed.map(([path, { version }]) => `${nameOf(path)}@${version}`).filter((one) => !listed.has(one))).toEqual(
      [],
    );
  });
});
