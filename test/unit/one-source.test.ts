import { globSync, readFileSync } from "node:fs";

const forbidden =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|(?<!\.)\bsetTimeout\(|(?<!\.)\bsetInterval\(|\brandomUUID\(|process\.env\b|performance\.now\(/;

describe("time, chance, ids and the environment come from one source", () => {
  const sources = [...globSync("services/**/*.ts"), ...globSync("mixins/**/*.ts")].filter(
    (path) => path !== "services/shared/world.ts",
  );

  test.each(sources)("%s", (path) => {
    const offending = readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => forbidden.test(line) && !/^\s*(\*|\/\/)/.test(line));
    expect(offending).toEqual([]);
  });
});
