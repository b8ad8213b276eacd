import { contracts } from "../services/contracts.ts";
import { careful, duration, line, remark, table } from "../terminal.ts";
import type { Command } from "./command.ts";
import type { Desk } from "./desk.ts";

/** What a node has told of itself: with every heartbeat, and in `metadata` once. */
interface Told {
  id: string;
  available: boolean;
  local: boolean;
  hostname: string | null;
  cpu: number | null;
  seq: number;
  client: { langVersion?: string };
  metadata: { version?: string; startedAt?: string } | null;
  services: { name: string }[];
}

export const cluster: Command = {
  name: "cluster",
  about: "The nodes with their services, load and version, and how many there are of each service",
  more: "cpu is the load of the node's machine. Memory is not shown: nodes do not tell it. Who has gone is listed for ten minutes.",
  example: "cluster",
  run(desk) {
    const nodes = nodesOf(desk);
    table(
      nodes.map(({ id, available, local, hostname, cpu, metadata, client, services }) => ({
        node: local ? `${id} (here)` : id,
        state: available ? "up" : "gone",
        services: services.length === names.length ? "all" : services.map(({ name }) => name).join(" ") || "-",
        cpu: available && cpu !== null ? `${Math.round(cpu)} %` : "-",
        up: available && metadata?.startedAt ? duration(desk.world.now() - Date.parse(metadata.startedAt)) : "-",
        version: metadata?.version ?? "-",
        "node.js": client.langVersion ?? "-",
        host: hostname ?? "-",
      })),
    );
    const counts = names.map((name) => [name, countOf(nodes, name)] as const);
    const there = counts.filter(([, count]) => count > 0).map(([name, count]) => `${name} ${count}`);
    const away = counts.filter(([, count]) => count === 0).map(([name]) => name);
    remark(there.length ? `Instances: ${there.join(", ")}` : "No service is there.");
    if (away.length) remark(careful(`Away: ${away.join(", ")}`));
    line();
  },
};

const names = Object.keys(contracts);

/** Meeting points that nobody has met at yet are no nodes. */
export const nodesOf = ({ broker }: Pick<Desk, "broker">): Told[] =>
  (broker.registry.getNodeList({ withServices: true }) as unknown as Told[])
    .filter(({ seq, local }) => seq > 0 || local)
    .map((node) => ({ ...node, services: node.services.filter(({ name }) => names.includes(name)) }))
    .sort((a, b) => a.id.localeCompare(b.id));

const countOf = (nodes: readonly Told[], service: string): number =>
  nodes.filter(({ available, services }) => available && services.some(({ name }) => name === service)).length;
