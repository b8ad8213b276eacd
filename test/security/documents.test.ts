import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const asvs = readFileSync("docs/asvs.md", "utf8");
const security = readFileSync("SECURITY.md", "utf8");

/** The levels of the requirements of each section of ASVS 5.0.0 that applies: the third of 2.3 is of level 2. */
const levels: Readonly<Record<string, string>> = {
  ...{ "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123" },
  ...{ "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23" },
  ...{ "3.1": "3", "3.2": "113", "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3", "3.7": "22333" },
  ...{ "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222" },
  ...{
    "6.1": "122",
    "6.2": "111111112222",
    "6.3": "11223333",
    "6.4": "112233",
    "6.5": "22222333",
    "6.6": "2223",
    "6.7": "33",
  },
  ...{ "6.8": "2222", "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22" },
  ...{ "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23", "9.1": "111", "9.2": "1222" },
  ...{ "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23", "11.7": "33" },
  ...{
    "13.1": "2333",
    "13.2": "222223",
    "13.3": "2233",
    "13.4": "1222233",
    "14.1": "22",
    "14.2": "12223333",
    "14.3": "122",
  },
  ...{ "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333" },
  ...{ "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223" },
};
const asked = Object.entries(levels).flatMap(([section, all]) =>
  [...all].flatMap((level, n) => (level === "3" ? [] : [`${section}.${n + 1} | ${level}`])),
);
const rows = [...asvs.matchAll(/^\| (\d+\.\d+\.\d+) \| (\d) \| ([^|]+) \| (.+) \|$/gm)].map(
  ([, id = "", level = "", about = "", answer = ""]) => ({ id, level, about, answer }),
);
const testsIn = (text: string) => [...text.matchAll(/`(test\/[\w./-]+)`/g)].map(([, path = ""]) => path);

const sources = ["services", "mixins", "bus", "repl", "moving", "cluster"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).flatMap((name) =>
    name.endsWith(".ts") ? [join(folder, name)] : [],
  ),
);
const having = (pattern: RegExp) => sources.filter((path) => pattern.test(readFileSync(path, "utf8")));

describe("what is said of security", () => {
  test("answers every requirement of ASVS at levels 1 and 2 once, and no other", () => {
    expect(rows.map(({ id, level }) => `${id} | ${level}`)).toEqual(asked);
  });

  test.each(rows.map((row) => [row.id, row] as const))("%s is held by a test, or says why not", (_id, { answer }) => {
    expect(testsIn(answer).length > 0 || /^(None here|Exception: )/.test(answer)).toBe(true);
  });

  test.each([...new Set([...testsIn(asvs), ...testsIn(security)])])("%s, which is named, is there", (path) => {
    expect(existsSync(path)).toBe(true);
  });

  test("names every suite of this folder", () => {
    const suites = readdirSync("test/security").filter((name) => name.endsWith(".test.ts"));
    expect(suites.filter((name) => !`${asvs}${security}`.includes(`test/security/${name}`))).toEqual([]);
  });

  test("says what there is to protect, what is not defended, what the operator has to do, and how to report", () => {
    for (const heading of [
      "Reporting a vulnerability",
      "What there is to protect",
      "Who might be at it",
      "Where the lines are, and what holds them",
      "What is not defended here",
      "What the operator has to do",
    ])
      expect(security).toContain(`\n## ${heading}\n`);
    for (const [, path = ""] of security.matchAll(/\]\(([\w/.-]+)\)/g))
      expect([path, existsSync(path)]).toEqual([path, true]);
  });
});

describe("the code itself", () => {
  test("runs no text as code", () => {
    expect(having(/\beval\(|new Function\(|node:vm|\bvm\.run/)).toEqual([]);
  });

  test("uses no weak hash where it matters, and no chance that can be guessed", () => {
    expect(having(/["']md5["']/i)).toEqual([]);
    expect(having(/["']sha1["']/i)).toEqual(["services/gateway/answer.edge.ts"]);
    expect(having(/Math\.random\(/)).toEqual([]);
  });

  test("starts no program with anything but a list of arguments", () => {
    expect(having(/import [^;]*\bexec(Sync)?\b[^;]* from "node:child_process"|shell: true/)).toEqual([]);
  });
});
