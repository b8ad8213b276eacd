import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { until } from "../test/client.ts";
import { startNats } from "../test/servers/nats.ts";
import { freePort } from "../test/servers/server.ts";
import { onCore, SHOPS_CORE } from "./pinned.ts";

export const floorNames = ["http", "fastify", "moleculer-web", "nats"] as const;
export type FloorName = (typeof floorNames)[number];

export interface Floor {
  url: string;
  close(): Promise<void>;
}

/** A server of `floor.ts` on the shop's core; `nats` is two of them with NATS between, all on that core. */
export async function floor(name: FloorName): Promise<Floor> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  return onCore(SHOPS_CORE, async () => {
    const nats = name === "nats" ? await startNats() : undefined;
    const parts = nats ? ["nats-action", "nats-gateway"] : [name];
    const children = parts.map((part) =>
      spawn(process.execPath, [join(import.meta.dirname, "floor.ts"), part, String(port), nats?.url ?? ""], {
        stdio: ["ignore", "ignore", "inherit"],
      }),
    );
    const answers = () =>
      fetch(url).then(
        ({ status }) => status === 200,
        () => false,
      );
    if (!(await until(answers, (yes) => yes))) throw new Error(`${name} does not answer`);
    return {
      url,
      async close() {
        await Promise.all(children.map(ended));
        await nats?.stop();
      },
    };
  });
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
