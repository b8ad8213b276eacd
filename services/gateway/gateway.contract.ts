import { contract } from "../shared/contract.ts";
import { DeadLetter } from "../shared/delivery.ts";
import { OneOf, PageOf, paging, Shape, type Static, Text, Type } from "../shared/schema.ts";

export const Health = Shape("Which services are there.", {
  status: OneOf(["ok"]),
  services: Type.Record(Type.String(), OneOf(["up", "away"])),
});
export type Health = Static<typeof Health>;

export const gateway = contract({
  name: "gateway",
  about: "The only HTTP door. It knows routes, tokens, limits and answers, and no business rule.",
  actions: {
    "gateway.live": {
      summary: "Whether this process answers",
      rest: { route: "GET /health/live", access: "open" },
      graph: { not: "Probes ask a path." },
      params: Shape({}),
      result: Shape({ status: OneOf(["ok"]) }),
    },
    "gateway.ready": {
      summary: "Whether requests can be served",
      description:
        "503 until every service has been there, with the names of those that were not, and while the node is stopping. From then on one that is away is named and costs no more than what it does.",
      rest: { route: "GET /health/ready", access: "open" },
      graph: { not: "Probes ask a path." },
      params: Shape({}),
      result: Health,
      refuses: ["unavailable"],
    },
    "gateway.metrics": {
      summary: "Metrics in Prometheus' text format",
      rest: { route: "GET /metrics", access: "open", gives: "text/plain" },
      graph: { not: "It is text for Prometheus." },
      params: Shape({}),
      result: Type.String(),
      // No room at the door is needed for it, and every service is asked.
      mostAtOnce: 8,
    },
    "gateway.openapi": {
      summary: "This description",
      rest: { route: "GET /openapi.json", access: "open", cacheSeconds: 60 },
      graph: { not: "It describes the other door; GraphQL describes itself." },
      params: Shape({}),
      result: Type.Record(Type.String(), Type.Unknown()),
    },
    "gateway.deadLetters": {
      summary: "Events that could not be delivered",
      rest: { route: "GET /v1/admin/dead-letters", access: "staff" },
      graph: "query deadLetters",
      params: Shape({ ...paging }),
      result: PageOf(DeadLetter),
      refuses: ["unavailable"],
    },
    "gateway.replay": {
      summary: "Deliver a dead letter once more",
      description: "It leaves the list at once, and comes back when it fails again.",
      rest: { route: "POST /v1/admin/dead-letters/:id/replay", access: "staff", status: 202 },
      graph: "mutation replayDeadLetter",
      params: Shape({ id: Text(1, 200, "As listed.") }),
      result: DeadLetter,
      refuses: ["not_found", "unavailable"],
    },
  },
});
