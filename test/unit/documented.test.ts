import { blocksOf, settingsOf, stepsOf, strayed, tryOut } from "../documented.ts";

const fence = "```";
const block = (marks: string, text: string) => `${fence}${marks}\n${text}\n${fence}\n`;
const env = { PATH: process.env.PATH };

describe("pages of the documentation are tried out", () => {
  test("only blocks that are marked are run, in their order, and one knows what the one before has found out", async () => {
    const page = [
      block("sh run", "NAME=Eva"),
      block("sh", "exit 7"),
      block("ts run", 'const name: string = process.env.NAME ?? "";\nconsole.log(JSON.stringify({ name, id: 7 }));'),
      block("json answers", '{ "name": "Eva", "id": "…" }'),
    ].join("\n");

    expect(stepsOf(page).map(({ block: { line } }) => line)).toEqual([1, 9]);
    expect(await tryOut(page, env)).toEqual([]);
  });

  test.each([
    [
      "prints something else",
      block("sh run", "echo '{ \"a\": 1 }'") + block("json answers", '{ "a": 2 }'),
      /line 1 prints/,
    ],
    [
      "lacks a field",
      block("sh run", "echo '{ \"a\": null }'") + block("json answers", '{ "a": "…" }'),
      /line 1 prints/,
    ],
    ["has a longer list", block("sh run", "echo '[1, 2]'") + block("json answers", "[1]"), /line 1 prints/],
    ["fails", block("sh run", "true") + block("sh run", "false | cat\necho over"), /line 4 ended with 1/],
    ["ends early", block("sh run", "exit 0") + block("sh run", "true"), /ended before/],
    ["is refused", block("sh run", 'echo \'{ "status": 404, "code": "not_found" }\''), /refusal/],
  ])("an example that %s is noticed", async (_, page, complaint) => {
    expect((await tryOut(page, env)).join()).toMatch(complaint);
  });

  test("blocks inside of lists are read without what they are indented by", () => {
    const [one] = blocksOf("1. First:\n\n   ```sh run\n   echo one\n   ```\n");

    expect(one).toMatchObject({ line: 3, language: "sh", marks: ["run"], text: "echo one\n" });
  });

  test("what a page shows of a file has to be in it", () => {
    expect(strayed(block("json from=package.json", '  "name": "lonja",'))).toEqual([]);
    expect(strayed(block("json from=package.json", '  "name": "something",'))).toEqual([
      "line 1 is not in package.json",
    ]);
  });

  test("a page says which shop it is about", () => {
    expect(settingsOf("# Payments\n\n<!-- shop: PAYMENT_CAPTURE=manual SHOP_NAME=Mine -->\n")).toEqual({
      PAYMENT_CAPTURE: "manual",
      SHOP_NAME: "Mine",
    });
    expect(settingsOf("# Buying")).toEqual({});
  });
});
