import { ShopCluster } from "../cluster.ts";
import { describeWith, type RunningServer } from "../servers/server.ts";
import { stories } from "./stories.ts";

/** What finds out whether a server can be had, and what starts it. */
type Server = readonly [need: () => unknown, start: () => Promise<RunningServer>];

/** The stories on several processes, two of each service, with these servers. */
export function combination<S extends Record<string, Server>>(
  name: string,
  servers: S,
  envOf: (urls: { [Name in keyof S]: string }) => Promise<Record<string, string>>,
): void {
  const needs = Object.values(servers).map(([need]) => need);
  describeWith(needs, `the shop on ${name}`, () => {
    const running: RunningServer[] = [];
    stories(
      async () => {
        const urls: Record<string, string> = {};
        for (const [which, [, start]] of Object.entries(servers)) {
          const server = await start();
          running.push(server);
          urls[which] = server.url;
        }
        return ShopCluster.open({ env: await envOf(urls as { [Name in keyof S]: string }) });
      },
      async () => {
        await Promise.all(running.map((server) => server.stop()));
      },
    );
  });
}
