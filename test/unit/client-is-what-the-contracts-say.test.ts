import { readFileSync } from "node:fs";
import { generated, generatedPath } from "../../sdk/generate.ts";

test("the client is what the contracts say: otherwise `npm run sdk` has to make it anew", async () => {
  expect(readFileSync(generatedPath, "utf8")).toBe(await generated());
});
