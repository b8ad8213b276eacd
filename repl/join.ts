import { setTimeout as pause } from "node:timers/promises";
import { Loggers, ServiceBroker } from "moleculer";
import { brokerOptions, node } from "../moleculer.config.ts";
import { contracts } from "../services/contracts.ts";
import { faint, strong } from "../terminal.ts";
import { nodesOf } from "./cluster.ts";
import { Desk } from "./desk.ts";
import { Secrets } from "./secrets.ts";
import { NoCluster, visitorsName } from "./visitor.ts";

const PATIENCE_MS = 10_000;
const LOOK_AGAIN_MS = 25;
/** Who has met one node hears of the others soon. */
const MEETING_MS = 1_500;
/** A bus that is away takes no leave. */
const GOODBYE_MS = 700;

/** While a node looks for the others, nothing is said but how it ended. */
class Log extends Loggers.Console {
  isQuiet = true;

  override getLogHandler(bindings: never): never {
    const handle = super.getLogHandler(bindings) as ((type: string, args: unknown[]) => void) | null;
    return ((type: string, args: unknown[]) => (this.isQuiet ? undefined : handle?.(type, args))) as never;
  }
}

export interface Joined {
  desk: Desk;
  /** Where the cluster is, without passwords. */
  place: string;
  welcome: string;
  leave(code: number): Promise<never>;
}

/** Joins the cluster. What the given environment knows is kept out of sight. */
export async function join(environment: Readonly<Record<string, string | undefined>>): Promise<Joined> {
  const { world } = node;
  const settings = { ...node.settings, nodeId: visitorsName(world.bytes(3).toString("hex")) };
  const log = new Log({
    // What a command could not have, the command says.
    level: { BROKER: "error", "**": "warn" },
    formatter: "short",
    objectPrinter: null,
    colors: process.stdout.isTTY,
  } as never);
  const broker = new ServiceBroker(await brokerOptions({ settings, world, logger: log as never, visits: true }));
  const leave = async (code: number): Promise<never> => {
    log.isQuiet = true;
    await Promise.race([broker.stop(), pause(GOODBYE_MS)]);
    process.exit(code);
  };
  const desk = new Desk(broker, world, Secrets.of(settings, environment));
  const place = (settings.transporter ?? "").replace(/\/\/.*@/, "//…@");
  const met = await Promise.race([meet(broker, desk), pause(PATIENCE_MS, false)]);
  if (!met)
    throw new NoCluster(
      `Nobody answers at ${place}: is the cluster up, and are BUS_SECRET and NAMESPACE those of its nodes?`,
    );
  log.isQuiet = false;
  return {
    desk,
    leave,
    place,
    welcome: `${strong(`Lonja, joined at ${place}`)} ${faint("help lists what can be typed")}`,
  };
}

/** Once somebody is there, the others are waited for a little, so that the first list is whole. */
async function meet(broker: ServiceBroker, desk: Desk): Promise<boolean> {
  await broker.start();
  const count = () =>
    new Set(
      nodesOf(desk)
        .flatMap(({ available, services }) => (available ? services : []))
        .map(({ name }) => name),
    ).size;
  while (count() === 0) await pause(LOOK_AGAIN_MS);
  const until = performance.now() + MEETING_MS;
  while (count() < Object.keys(contracts).length && performance.now() < until) await pause(LOOK_AGAIN_MS);
  return true;
}
