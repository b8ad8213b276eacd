import { createConfig, lintFromString } from "@redocly/openapi-core";
import { describedApi } from "../description.ts";

/** Redocly's recommended rules, and what they only warn of as well. */
async function lint(document: object): Promise<string[]> {
  const config = await createConfig({ extends: ["recommended"] });
  const problems = await lintFromString({ source: JSON.stringify(document), config });
  return problems.map(({ ruleId, message, location: [place] }) => `${ruleId} at ${place?.pointer}: ${message}`);
}

describe("the description of the API is linted", () => {
  test("a linter with its recommended rules has nothing to say", async () => {
    expect(await lint(describedApi)).toEqual([]);
  });

  test("it would, also of what is only recommended", async () => {
    const { info, ...rest } = structuredClone(describedApi);

    expect(await lint({ ...rest, info: { ...(info as object), license: undefined } })).toEqual([
      expect.stringMatching(/^info-license at #\/info/),
    ]);
  });
});
