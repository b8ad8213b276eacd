import { contracts } from "../../services/contracts.ts";
import type { ActionContract } from "../../services/shared/contract.ts";

const actions = Object.values(contracts).flatMap(({ actions }) => Object.entries<ActionContract>(actions));

test.each(actions)("%s has a door to the world, or says why not", (_, { rest, graph, inside }) => {
  expect(rest === undefined ? inside : graph).toBeTruthy();
  if (typeof graph === "object") expect(graph.not).toMatch(/^\S.+\.$/);
  if (inside !== undefined) expect(inside).toMatch(/^\S.+\.$/);
});

test("no two actions want to be the same field", () => {
  const fields = actions.flatMap(([, { graph }]) => (typeof graph === "string" ? graph.replace("live ", "") : []));
  expect(fields.filter((field, place) => fields.indexOf(field) !== place)).toEqual([]);
});

test("what only reads is a query, and what changes something a mutation", () => {
  const wrong = actions.filter(
    ([, { rest, graph }]) =>
      typeof graph === "string" && (rest?.route.startsWith("GET ") ?? false) !== /^(live )?query /.test(graph),
  );
  expect(wrong.map(([name]) => name)).toEqual([]);
});
