import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const folder = join(process.cwd(), "test/types/wrong");
const programs = readdirSync(folder).filter((name) => name.endsWith(".ts"));

describe("wrong programs do not compile", () => {
  let complaints: string;
  beforeAll(() => {
    const compiler = join(process.cwd(), "node_modules/typescript/bin/tsc");
    complaints = String(
      spawnSync(process.execPath, [compiler, "-p", folder, "--pretty", "false"], { cwd: folder }).stdout,
    );
  });

  test.each(programs.filter((name) => name !== "right.ts"))("%s", (name) => {
    expect(complaints).toMatch(new RegExp(`^${name}\\(\\d+,\\d+\\): error TS`, "m"));
  });

  test("and the right one does", () => {
    expect(complaints).not.toMatch(/^right\.ts/m);
    expect(complaints).toMatch(/error TS/);
  });
});
