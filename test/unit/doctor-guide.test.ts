import { readFileSync } from "node:fs";
import { checkNames } from "../../services/doctor/checks.ts";

test("the guide explains each check of doctor, and no other", () => {
  const guide = readFileSync("docs/doctor.md", "utf8");
  const explained = [...guide.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  expect(explained).toEqual(checkNames);
});
